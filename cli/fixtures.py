"""Fixtures beside the rules: an event, and the actions that are expected of it.

What must not go in: planning, and what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.document import read_document, validate
from core.errors import ConfigurationError
from core.messages import Action, Lane


class Expected(BaseModel):
    """One action. What is not said is not compared; `parked` is a part of the reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    step: str | None = None
    lane: Lane | None = None
    parked: str | None = None
    params: dict[str, Any] = Field(default_factory=dict, alias="with")


class Fixture(BaseModel):
    """One test: an event, and all actions that are to come of it, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    event: dict[str, Any]
    expect: tuple[Expected, ...]
    source: str | None = None


class FixtureFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    tests: tuple[Fixture, ...] = Field(min_length=1)


def fixture_files(configuration: Path) -> list[Path]:
    """`x.test.yaml` beside `x.yaml`; in a directory every `*.test.yaml`. Raises
    ConfigurationError."""
    if configuration.is_dir():
        found = sorted(configuration.glob("*.test.yaml"))
        wanted = f"no *.test.yaml in {configuration}"
    else:
        beside = configuration.with_name(configuration.stem + ".test.yaml")
        found = [beside] if beside.is_file() else []
        wanted = f"no {beside.name} beside it"
    if not found:
        raise ConfigurationError(f"there are no fixtures: {wanted}", file=str(configuration))
    return found


def read_fixtures(file: Path) -> tuple[Fixture, ...]:
    return validate(FixtureFile, read_document(file)).tests


def differences(expected: Sequence[Expected], planned: Sequence[Action]) -> list[str]:
    """What is not as expected, in words; empty if all is."""
    found = []
    if len(expected) != len(planned):
        made = ", ".join(f"{action.rule}/{action.step}" for action in planned) or "none"
        found.append(f"expected {len(expected)} actions, planned were {len(planned)}: {made}")
    for number, (want, got) in enumerate(zip(expected, planned, strict=False), start=1):
        found += [f"action {number}: {problem}" for problem in _compare(want, got)]
    return found


def _compare(want: Expected, got: Action) -> list[str]:
    found = []
    if want.rule != got.rule:
        found.append(f"rule: expected {want.rule}, is {got.rule}")
    if want.step is not None and want.step != got.step:
        found.append(f"step: expected {want.step}, is {got.step}")
    if want.lane is not None and want.lane is not got.lane:
        found.append(f"lane: expected {want.lane}, is {got.lane}")
    if want.parked is None and got.parked is not None:
        found.append(f"parked: {got.parked}")
    if want.parked is not None and want.parked not in (got.parked or ""):
        found.append(f"parked: expected {want.parked!r}, is {got.parked or 'not parked'}")
    for name, value in want.params.items():
        if name not in got.params:
            found.append(f"with.{name}: expected {value!r}, is missing")
        elif got.params[name] != value:
            found.append(f"with.{name}: expected {value!r}, is {got.params[name]!r}")
    return found
