"""Fixtures beside the rules (`rules test FILE`): an event, and the actions that are expected of it.

What must not go in: running anything but the plan; no provider is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from core.document import Document, read_document, unknown_key, validate
from core.errors import InvalidEvent, RequestError
from core.messages import Action, Lane
from core.yaml import YamlPath
from gateway.events.fields import parse_time
from gateway.events.plain import plain_event
from gateway.events.strict_json import parse_json
from gateway.rules.port import Plan, Planner

ARRIVAL = datetime(2026, 1, 1, tzinfo=UTC)
"""When events without a time arrive, so that a fixture gives the same on every day."""


class _Expected(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    rule: str
    step: str
    lane: Lane | None = None
    params: dict[str, Any] = Field(default_factory=dict, description="those that matter")
    parked: str | bool = Field(False, description="true, or a part of the reason")


class _Fixture(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    event: dict[str, Any]
    source: str = "test"
    expect: tuple[_Expected, ...] = ()
    no_match: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureResult:
    """What became of one fixture; it passed if there are no problems."""

    name: str
    file: str
    line: int
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


def run_fixtures(rules: Planner, path: Path) -> list[FixtureResult]:
    """Every entry of the file's `tests:`, in order. Raises ConfigurationError for a file that is
    none."""
    document = read_document(path)
    for key in document.data:
        if key != "tests":
            raise document.error(unknown_key(key, ["tests"]), (key,))
    section = document.data.get("tests")
    if not isinstance(section, list) or not section:
        raise document.error("expected a list of tests", ("tests",))
    return [_run(rules, document, ("tests", index)) for index in range(len(section))]


def _run(rules: Planner, document: Document, path: YamlPath) -> FixtureResult:
    fixture = validate(_Fixture, document, path)
    if fixture.no_match == bool(fixture.expect):
        raise document.error("expected either `expect` or `no_match: true`", path)
    file, line = document.place(path)
    time = parse_time(fixture.event.get("time"))
    try:
        raw = parse_json(orjson.dumps(fixture.event))
        now = _arrival(time)
        event = plain_event(raw, source=fixture.source, now=now, default_id=fixture.name)
    except RequestError as error:
        field = (error.field,) if isinstance(error, InvalidEvent) else ()
        raise document.error(error.detail, (*path, "event", *field)) from None
    problems = tuple(_differences(fixture, rules.plan(event)))
    return FixtureResult(name=fixture.name, file=file, line=line, problems=problems)


def _arrival(time: datetime | None) -> datetime:
    if time is None or time > datetime.max.replace(tzinfo=UTC) - timedelta(days=1):
        return ARRIVAL
    return time + timedelta(seconds=1)


def _differences(fixture: _Fixture, plan: Plan) -> Iterator[str]:
    planned = {(action.rule, action.step): action for action in plan.actions}
    expected = {(part.rule, part.step): part for part in fixture.expect}
    matched = [part.rule for part in plan.decision if part.matched or part.error]
    if fixture.no_match and matched:
        yield f"no rule was expected to match, {', '.join(matched)} did"
    for key, part in expected.items():
        name = " / ".join(key)
        if (action := planned.get(key)) is None:
            yield f"{name}: expected, not planned{_why(key[0], plan)}"
        else:
            yield from (f"{name}: {problem}" for problem in _compare(part, action))
    for key in planned.keys() - expected.keys():
        if not fixture.no_match:
            yield f"{' / '.join(key)}: planned, not expected"


def _why(rule: str, plan: Plan) -> str:
    for part in plan.decision:
        if part.rule == rule and part.failed is not None:
            return f" (false: {part.failed})"
    return ""


def _compare(part: _Expected, action: Action) -> Iterator[str]:
    if action.parked is None and part.parked:
        yield "expected to be parked, it is planned"
    elif action.parked is not None and not part.parked:
        yield f"parked: {action.parked}"
    elif isinstance(part.parked, str) and part.parked not in (action.parked or ""):
        yield f"parked for another reason: {action.parked}"
    if part.lane is not None and action.lane is not part.lane:
        yield f"lane is {action.lane.value}, expected {part.lane.value}"
    for name, value in part.params.items():
        if name not in action.params:
            yield f"params.{name} is missing"
        elif action.params[name] != value:
            # Fixtures hold invented data: here, unlike anywhere else, values may be shown.
            yield f"params.{name} is {action.params[name]!r}, expected {value!r}"
