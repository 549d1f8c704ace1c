"""Which actions somebody means who cancels or replays."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click
import pytest

from cli.selecting import Picked, moment_of, selection_of
from core.clock import ManualClock
from core.journal.states import State
from tests.samples import NOON

PARKED = frozenset({State.PARKED})
CONFIGURATION = """
providers:
  sms: {kind: smsgateway24, token: {env: SMS_TOKEN}, device_id: 260, region: DE}
"""


def picked(**given: str) -> Picked:
    nothing: dict[str, str | None] = dict.fromkeys(
        ("ref", "rule", "provider", "source", "to", "since", "until")
    )
    return Picked(ids=(), **{**nothing, **given})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (None, None),
        ("2h", NOON - timedelta(hours=2)),
        ("90s", NOON - timedelta(seconds=90)),
        ("2026-11-22T11:30:00+02:00", NOON - timedelta(minutes=30)),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago(text: str | None, moment: datetime | None) -> None:
    assert moment_of(text, "--since", ManualClock()) == moment


@pytest.mark.parametrize("text", ["", "2", "yesterday", "2026-11-22", "-1h", "999999999999d"])
def test_what_is_no_moment_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(click.UsageError, match="--until"):
        moment_of(text, "--until", ManualClock())


def test_a_number_is_found_as_people_write_it(tmp_path: Path) -> None:
    file = tmp_path / "postern.yaml"
    file.write_text(CONFIGURATION)
    found = selection_of(picked(to="0151 23456789"), PARKED, config=file, clock=ManualClock())
    assert found.to == "+4915123456789"


def test_nobody_means_every_action_there_is() -> None:
    with pytest.raises(click.UsageError, match="say which actions"):
        selection_of(picked(), PARKED, config=None, clock=ManualClock())


def test_a_span_that_ends_before_it_begins_is_a_mistake() -> None:
    span = picked(since="1h", until="2h")
    with pytest.raises(click.UsageError, match="--since is not before --until"):
        selection_of(span, PARKED, config=None, clock=ManualClock())
