"""A real Prometheus reads a real stack, idle and then under load and faults. What it answers to the
expressions of panels and alerts is what somebody will see at night."""

from __future__ import annotations

import asyncio
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.chart.watching.finding import (
    NOT_PENDING,
    NOT_SEEN,
    empty_panels,
    quiet_alerts,
    unseen_series,
)
from tests.chart.watching.trouble import bring_about, end_everything
from tests.chart.watching.watched import Watched

pytestmark = pytest.mark.timeout(420)
LOADED = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    empty_when_idle: list[str]
    empty_afterwards: list[str]
    unseen: list[str]
    quiet: list[str]
    told: dict[str, bytes]
    """What each process told under load."""


@pytest.fixture(scope="module")
def found() -> Iterator[Found]:
    with Watched() as stack:
        stack.await_reading()
        idle = empty_panels(stack.prometheus)
        asyncio.run(bring_about(stack, LOADED))
        afterwards = empty_panels(stack.prometheus)
        unseen = unseen_series(stack.prometheus)
        told = {part: read(f"{stack.admin(part)}/metrics") for part in stack.parts[1:]}
        asyncio.run(end_everything(stack))
        yield Found(
            empty_when_idle=idle,
            empty_afterwards=afterwards,
            unseen=unseen,
            quiet=quiet_alerts(stack.prometheus),
            told=told,
        )


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        body: bytes = answer.read()
    return body


def test_no_panel_is_empty_on_an_idle_system(found: Found) -> None:
    assert found.empty_when_idle == []


def test_no_panel_is_empty_after_load_and_faults(found: Found) -> None:
    assert found.empty_afterwards == []


def test_every_series_that_a_panel_or_an_alert_names_was_there(found: Found) -> None:
    """But for those that need longer, with the reason."""
    assert all(NOT_SEEN.values())
    assert found.unseen == []


def test_every_alert_can_be_brought_about(found: Found) -> None:
    """But for those that need longer, with the reason."""
    assert all(NOT_PENDING.values())
    assert found.quiet == []


def test_prometheus_has_nothing_to_say_against_our_metrics(found: Found, promtool: str) -> None:
    for part, told in found.told.items():
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=told, capture_output=True, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b""), part
