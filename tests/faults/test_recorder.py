"""The recorder: late, interrupted, fed with poison; what it writes is whole and changes no
state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.recorder import Recorder
from consumers.settings import ConsumerSettings
from core.broker.connect import open_broker
from core.broker.port import Broker, Outgoing
from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE, Topology, work_queue
from core.clock import ManualClock
from core.errors import JournalRejected, JournalUnavailable, PublishRefused
from core.journal.connect import open_journal
from core.journal.machine import DEAD_LIMIT
from core.journal.port import ActionFilter, Granted, Recorded
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import ActionMessage, EventRecord, Lane, encode_action, encode_record
from core.tasks import beside
from tests.samples import a_claim, a_record, an_action

SETTINGS = ConsumerSettings(journal_pause=timedelta(milliseconds=20))


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqlJournal]:
    async with open_journal(f"sqlite:{tmp_path}/journal.db", clock=ManualClock()) as opened:
        yield opened


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with open_broker(f"embedded:{tmp_path}/broker.db") as opened:
        await opened.declare(Topology.of(["sms"]))
        yield opened


@pytest.fixture
async def recorder(journal: SqlJournal, broker: Broker) -> AsyncIterator[Presence]:
    """A recorder at work; the fixture is its view of the journal."""
    metrics = ConsumerMetrics(CollectorRegistry())
    presence = Presence(journal, metrics, SETTINGS.journal_pause)
    work = Recorder(
        broker=broker, journal=journal, presence=presence, metrics=metrics, settings=SETTINGS
    )
    stopping = asyncio.Event()
    async with beside(work.serve(stopping), stopping=stopping):
        yield presence


async def tell(broker: Broker, *bodies: bytes, queue: str = RECORDER_QUEUE) -> None:
    await broker.publish([Outgoing(queue=queue, body=body) for body in bodies])


async def expect_eventually(holds: Callable[[], Awaitable[bool]], within: float = 10) -> None:
    """Wait for what other tasks bring about."""
    until = asyncio.get_running_loop().time() + within
    while not await holds():
        assert asyncio.get_running_loop().time() < until, "it did not come about"
        await asyncio.sleep(0.01)


async def events(journal: SqlJournal) -> int:
    return (await journal.books()).events


async def test_what_was_told_is_written_and_acknowledged(
    recorder: Presence, journal: SqlJournal, broker: Broker
) -> None:
    await tell(broker, *(encode_record(a_record(f"o-{n}")) for n in range(50)))

    async def written() -> bool:
        return await events(journal) == 50 and await broker.depth(RECORDER_QUEUE) == 0

    await expect_eventually(written)
    books = await journal.books()
    assert (books.planned, books.rowless) == (50, 0)


async def test_a_recorder_that_comes_late_does_not_start_a_running_action_again(
    recorder: Presence, journal: SqlJournal, broker: Broker
) -> None:
    action = an_action()
    assert isinstance(await journal.claim(a_claim(action)), Granted)
    await tell(broker, encode_record(a_record("o-1", action)))

    async def written() -> bool:
        return await events(journal) == 1

    await expect_eventually(written)
    (stored,) = (await journal.actions(ActionFilter())).actions
    assert stored.state is State.RUNNING


async def test_an_error_that_nobody_foresaw_does_not_end_the_process(
    recorder: Presence,
    journal: SqlJournal,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Workers beside it have calls under way, whose outcomes would be unknown for nothing."""
    record, raised = journal.record, asyncio.Event()

    async def broken_once(records: Sequence[EventRecord]) -> Recorded:
        if not raised.is_set():
            raised.set()
            raise RuntimeError("not foreseen")
        return await record(records)

    monkeypatch.setattr(journal, "record", broken_once)
    await tell(broker, encode_record(a_record("o-1")))

    async def written() -> bool:
        return await events(journal) == 1 and await broker.depth(RECORDER_QUEUE) == 0

    await expect_eventually(written)
    assert raised.is_set()


async def test_a_dead_action_that_cannot_be_stored_is_parked_whole_and_ends_nothing(
    recorder: Presence,
    journal: SqlJournal,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def reject(_: object, *, reason: str) -> bool:
        raise JournalRejected(reason)

    monkeypatch.setattr(journal, "bury", reject)
    await tell(broker, encode_action(ActionMessage(action=an_action())), queue=DEAD_QUEUE)

    async def parked() -> bool:
        found = (await journal.actions(ActionFilter())).actions
        return [action.state for action in found] == [State.PARKED]

    await expect_eventually(parked)
    await tell(broker, encode_record(a_record("o-2")))

    async def written() -> bool:
        return await events(journal) == 1

    await expect_eventually(written)


async def test_a_dead_action_that_its_queue_does_not_take_waits_and_holds_up_no_other(
    recorder: Presence,
    journal: SqlJournal,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A queue that is full for a minute must not have healthy actions parked."""
    full, other = an_action("o-1"), an_action("o-2")
    publish = broker.publish

    async def picky(messages: Sequence[Outgoing]) -> None:
        if any(full.id.encode() in message.body for message in messages):
            raise PublishRefused("full")
        await publish(messages)

    await tell(
        broker,
        *(encode_action(ActionMessage(action=action)) for action in (full, other)),
        queue=DEAD_QUEUE,
    )
    monkeypatch.setattr(broker, "publish", picky)

    async def settled() -> bool:
        return (
            await broker.depth(DEAD_QUEUE) == 0
            and await broker.depth(work_queue("sms", Lane.NORMAL)) == 1
        )

    await expect_eventually(settled)
    found = {action.id: action for action in (await journal.actions(ActionFilter())).actions}
    assert found[full.id].state is State.WAITING
    assert found[full.id].reason == "its queue did not take it again"
    assert found[other.id].state is State.QUEUED


async def test_one_record_that_cannot_be_stored_does_not_hold_up_the_others(
    recorder: Presence,
    journal: SqlJournal,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = journal.record

    async def picky(records: list[EventRecord]) -> object:
        if any(item.event.id == "poison" for item in records):
            raise JournalRejected("cannot be stored")
        return await record(records)

    monkeypatch.setattr(journal, "record", picky)
    names = [f"o-{n}" for n in range(10)]
    names.insert(4, "poison")
    await tell(broker, *(encode_record(a_record(name)) for name in names))

    async def settled() -> bool:
        return await events(journal) == 10 and await broker.depth(RECORDER_QUEUE) == 0

    await expect_eventually(settled)
    parked = (await journal.actions(ActionFilter(state=State.PARKED))).actions
    assert [action.reason for action in parked] == ["cannot be stored"]


@pytest.mark.fault(32)
async def test_what_cannot_be_read_is_parked_whole(
    recorder: Presence, journal: SqlJournal, broker: Broker
) -> None:
    await tell(broker, b"\x00not ours", b'{"v":2,"kind":"event"}', encode_record(a_record()))

    async def settled() -> bool:
        return (await journal.books()).states.get(State.PARKED) == 2 and await events(journal) == 1

    await expect_eventually(settled)


@pytest.mark.fault(25)
async def test_a_journal_that_is_away_loses_nothing(
    recorder: Presence,
    journal: SqlJournal,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It stops consuming, the broker keeps everything, and it goes on by itself."""
    with monkeypatch.context() as away:

        async def fail(*_: object) -> None:
            raise JournalUnavailable("away")

        away.setattr(journal, "record", fail)
        away.setattr(journal, "ping", fail)
        await tell(broker, *(encode_record(a_record(f"o-{n}")) for n in range(5)))

        async def noticed() -> bool:
            return recorder.is_away

        await expect_eventually(noticed)

    async def written() -> bool:
        return await events(journal) == 5

    await expect_eventually(written)
    assert not recorder.is_away


async def test_what_the_broker_gave_up_is_published_again_until_it_is_parked(
    recorder: Presence, journal: SqlJournal, broker: Broker
) -> None:
    action = an_action()
    body = encode_action(ActionMessage(action=action))
    queue = work_queue("sms", Lane.NORMAL)
    for n in range(1, DEAD_LIMIT + 1):
        await tell(broker, body, queue=DEAD_QUEUE)

        async def again(depth: int = n) -> bool:
            return await broker.depth(queue) == depth

        await expect_eventually(again)
    await tell(broker, body, queue=DEAD_QUEUE)

    async def parked() -> bool:
        return (await journal.books()).states == {State.PARKED: 1}

    await expect_eventually(parked)


async def test_a_dead_event_record_is_written_after_all(
    recorder: Presence, journal: SqlJournal, broker: Broker
) -> None:
    await tell(broker, encode_record(a_record()), b"garbage", queue=DEAD_QUEUE)

    async def settled() -> bool:
        return await events(journal) == 1 and (await journal.books()).states.get(State.PARKED) == 1

    await expect_eventually(settled)
