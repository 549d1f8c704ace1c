"""What the commands of an operator say and ask, on files of their own."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cli.status import age
from core.broker.connect import open_broker
from core.broker.topology import Topology
from core.journal.connect import open_journal
from core.journal.states import State
from core.messages import EventRecord
from tests.samples import an_action, an_event
from tests.unit.cli.conftest import Postern

CONFIGURATION = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["order.*"]}
providers:
  sms: {kind: smsgateway24, token: {env: SMS_TOKEN}, device_id: 260, region: DE}
rules:
  - id: welcome
    on: order.placed
    do:
      - call: sms.send
        with: {to: "+4915123456789", text: "Hello"}
"""
DATA = ("--data", "d")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def parked(postern: Postern) -> Postern:
    """Three actions that a rule had failed on."""
    Path("postern.yaml").write_text(CONFIGURATION)
    asyncio.run(_park())
    return postern


async def _park() -> None:
    async with (
        open_broker("embedded:d/broker.db") as broker,
        open_journal("sqlite:d/journal.db") as journal,
    ):
        await broker.declare(Topology.of(["sms"]))
        await journal.record(
            [
                EventRecord(
                    event=an_event(name),
                    rules_version="earlier",
                    actions=(an_action(name, parked="rule welcome, when: gone"),),
                )
                for name in ("o-1", "o-2", "o-3")
            ]
        )


def states() -> dict[State, int]:
    async def read() -> dict[State, int]:
        async with open_journal("sqlite:d/journal.db") as journal:
            return (await journal.books()).states

    return asyncio.run(read())


def test_somebody_on_a_terminal_is_asked(parked: Postern, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    no = parked("cancel", "--rule", "welcome", *DATA)
    assert "Cancel 3 actions?" in no.err
    assert (no.code, states()) == (130, {State.PARKED: 3})
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    yes = parked("cancel", "--rule", "welcome", *DATA)
    assert "3 cancelled" in yes.out
    assert (yes.code, states()) == (0, {State.CANCELLED: 3})


@pytest.mark.parametrize("command", ["cancel", "replay"])
def test_where_nobody_can_be_asked_nothing_is_done(
    parked: Postern, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    done = parked(command, "--rule", "welcome", *DATA)
    assert (done.code, states()) == (2, {State.PARKED: 3})
    assert "--yes" in done.err


def test_a_look_at_a_replay_changes_nothing(parked: Postern) -> None:
    looked = parked("replay", "--rule", "welcome", "--dry-run", *DATA)
    # How many it would be depends on the day: the samples have a time of their own.
    assert looked.code == 0
    assert "to be done again" in looked.out
    assert states() == {State.PARKED: 3}
    audit = parked("audit", "--json", *DATA)
    assert json.loads(audit.out) == {"audit": []}


def test_nothing_to_be_done_is_no_failure(parked: Postern) -> None:
    done = parked("cancel", "--rule", "other", *DATA)
    assert (done.code, "Nothing is to be cancelled." in done.out) == (0, True)


def test_a_wrong_rule_can_be_paused_though_the_file_is_broken(parked: Postern) -> None:
    Path("postern.yaml").write_text("rules: [")
    assert parked("pause", "rule", "welcome", *DATA).code == 2
    forced = parked("pause", "rule", "welcome", "--force", *DATA)
    assert forced.code == 0
    assert "warning: " in forced.err


def test_the_status_tells_of_queues_and_of_what_waits_for_a_person(parked: Postern) -> None:
    done = parked("status", *DATA)
    assert done.code == 0, done
    assert "broker   answers" in done.out
    assert "parked   3" in done.out
    assert "newest recorded event earlier" in done.out
    told = json.loads(parked("status", "--json", *DATA).out)
    assert told["broker"]["messages"]["postern.sms.normal"] == 0
    assert told["oldest"][0]["actions"] == 3
    assert told["spooled"] is None


def test_the_status_is_told_although_the_configuration_is_refused(parked: Postern) -> None:
    Path("postern.yaml").write_text("rules: [")
    done = parked("status", *DATA)
    assert done.code == 1
    assert "broker   answers" in done.out
    assert "rules    refused: postern.yaml" in done.out
    assert "parked   3" in done.out
    told = json.loads(parked("status", "--json", *DATA).out)
    assert told["rules"]["configuration"] is None
    assert "postern.yaml" in told["rules"]["problem"]


def test_the_status_says_what_is_away(postern: Postern) -> None:
    Path("postern.yaml").write_text(CONFIGURATION)
    done = postern("status", *DATA)
    assert done.code == 1
    assert "there is no embedded broker here" in done.out
    assert "journal  there is none at" in done.out


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb"])
def test_a_name_for_the_audit_is_short_and_printable(parked: Postern, name: str) -> None:
    assert parked("pause", "rule", "welcome", "--as", name, *DATA).code == 2


def test_ages_are_told_in_their_two_largest_parts() -> None:
    assert age(timedelta(seconds=0)) == "0 s"
    assert age(timedelta(seconds=3725)) == "1 h 2 m"
    assert age(timedelta(days=3, hours=4)) == "3 d 4 h"
