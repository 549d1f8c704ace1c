"""When the books balance."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli.books import Ledger, problems
from core.broker.connect import open_broker
from core.broker.port import Outgoing
from core.broker.topology import Topology, work_queue
from core.journal.connect import open_journal
from core.journal.port import Books
from core.journal.states import State
from core.messages import ActionMessage, Event, EventRecord, encode_action
from tests.samples import NOON, an_action
from tests.unit.cli.conftest import Postern

CONFIGURATION = """
providers:
  sms: {kind: smsgateway24, token: {env: SMS_TOKEN}, device_id: 260, region: DE}
"""


def ledger(*, rowless: int = 0, work: int = 0, claimed_only: int = 0, **states: int) -> Ledger:
    rows = {State(name): count for name, count in states.items()}
    planned = sum(rows.values()) + rowless - claimed_only
    books = Books(
        events=1,
        planned=planned,
        claimed_only=claimed_only,
        rowless=rowless,
        states=rows,
        queued={("sms", "normal"): rows[State.QUEUED]} if State.QUEUED in rows else {},
    )
    depths = {"postern.sms.normal": work, "postern.sms.bulk": 7}
    return Ledger(books=books, recorder=0, dead=0, depths=depths)


@pytest.mark.parametrize(
    "balanced",
    [
        ledger(),
        ledger(done=5, parked=1),
        ledger(done=5, claimed_only=2, running=1),
        ledger(queued=3, work=3),
        ledger(queued=3, work=1),
        ledger(waiting=4),
    ],
)
def test_every_action_accounted_for_balances(balanced: Ledger) -> None:
    """Open states are no problem as long as something holds the action."""
    assert problems(balanced) == []


def test_a_planned_action_without_a_row_does_not_balance() -> None:
    assert "no row" in problems(ledger(done=2, rowless=1))[0]


def test_queued_actions_without_any_message_do_not_balance() -> None:
    """Nobody would ever carry them out but for the scheduler's own healing. Messages in another
    lane do not hide it."""
    assert "postern.sms.normal is empty" in problems(ledger(queued=1, work=0))[0]


def test_rows_that_nobody_accepted_do_not_balance() -> None:
    books = Books(events=1, planned=1, claimed_only=0, rowless=0, states={State.DONE: 2}, queued={})
    assert problems(Ledger(books=books, recorder=0, dead=0, depths={})) == [
        "1 actions were accepted, 2 have a row and a state"
    ]


async def record_one(data: Path, *, published: bool) -> str:
    """An event with one queued action, recorded; its message in its queue or lost."""
    action = an_action("o-1")
    event = Event(source="shop", id="o-1", type="order.placed", received_at=NOON)
    async with (
        open_broker(f"embedded:{data / 'broker.db'}") as broker,
        open_journal(f"sqlite:{data / 'journal.db'}") as journal,
    ):
        await broker.declare(Topology.of([action.provider, "sms"]))
        await journal.record([EventRecord(event=event, rules_version="v", actions=(action,))])
        if published:
            body = encode_action(ActionMessage(action=action))
            await broker.publish([Outgoing(queue=work_queue("sms", action.lane), body=body)])
    return action.id


def test_the_command_says_that_all_is_there(postern: Postern) -> None:
    """The row is queued, and its message is in a queue that belongs to nobody else."""
    Path("postern.yaml").write_text(CONFIGURATION)
    asyncio.run(record_one(Path("d"), published=True))
    done = postern("books", "--data", "d", "--patience", "0")
    assert done.code == 0, done
    assert "1 actions accepted = 1 planned in 1 recorded events + 0 claimed" in done.out
    assert "messages in the work queues: 1" in done.out
    assert "The books balance." in done.out


def test_the_command_fails_on_a_queued_action_whose_message_is_lost(postern: Postern) -> None:
    Path("postern.yaml").write_text(CONFIGURATION)
    asyncio.run(record_one(Path("d"), published=False))
    done = postern("books", "--data", "d", "--patience", "0", "--json")
    assert done.code == 1
    told = json.loads(done.out)
    assert told["balanced"] is False
    assert "postern.sms.normal is empty" in told["problems"][0]


def test_the_command_fails_on_a_planned_action_without_a_row(postern: Postern) -> None:
    """As if somebody had deleted it by hand."""
    Path("postern.yaml").write_text(CONFIGURATION)
    lost = asyncio.run(record_one(Path("d"), published=True))
    with closing(sqlite3.connect("d/journal.db")) as journal:
        journal.execute("DELETE FROM actions WHERE id = ?", (lost,))
        journal.commit()
    done = postern("books", "--data", "d", "--patience", "0")
    assert done.code == 1
    assert "NOT BALANCED: 1 planned actions have no row" in done.out
