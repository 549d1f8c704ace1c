"""The scheduler: what is due is published, what was lost is healed, and a crash in between is
harmless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.retention import Retention
from consumers.scheduler import Scheduler
from consumers.settings import ConsumerSettings
from core.broker.connect import open_broker
from core.broker.port import Broker, Outgoing
from core.broker.topology import Topology, work_queue
from core.clock import ManualClock
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, Unroutable
from core.journal.connect import open_journal
from core.journal.port import ActionFilter, Finish, Granted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, ActionMessage, Lane, decode_action
from tests.faults.stage import a_text
from tests.samples import a_claim, a_record, an_action
from vendors.smsgateway24.provider import SmsGateway24Provider

QUEUE = work_queue("sms", Lane.NORMAL)


@dataclass
class Desk:
    broker: Broker
    journal: SqlJournal
    clock: ManualClock
    scheduler: Scheduler
    registry: CollectorRegistry

    def lag(self) -> float | None:
        return self.registry.get_sample_value("postern_scheduler_lag_seconds")

    async def waiting(self, action: Action, seconds: int) -> int:
        """Claim an action and let its retry wait; returns the seq it waits with."""
        granted = await self.journal.claim(a_claim(action))
        assert isinstance(granted, Granted)
        retry = Finish(
            action_id=action.id,
            seq=granted.seq,
            state=State.WAITING,
            due_in=timedelta(seconds=seconds),
        )
        assert await self.journal.finish(retry)
        return granted.seq

    async def state(self) -> State:
        (stored,) = (await self.journal.actions(ActionFilter())).actions
        return stored.state

    async def published(self) -> list[ActionMessage]:
        """What stands in the queue now (and goes back to it)."""
        depth = await self.broker.depth(QUEUE)
        async with self.broker.subscribe(QUEUE, prefetch=100) as subscription:
            incoming = aiter(subscription)
            return [decode_action((await anext(incoming)).body) for _ in range(depth)]


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    clock = ManualClock()
    provider = SmsGateway24Provider.model_validate(
        {"url": "http://127.0.0.1:1", "token": {"env": "X"}, "device_id": 1, "region": "DE"}
    )
    async with (
        open_broker(f"embedded:{tmp_path}/broker.db") as broker,
        open_journal(f"sqlite:{tmp_path}/journal.db", clock=clock) as journal,
    ):
        await broker.declare(Topology.of(["sms"]))
        registry = CollectorRegistry()
        metrics = ConsumerMetrics(registry)
        settings = ConsumerSettings()
        scheduler = Scheduler(
            broker=broker,
            journal=journal,
            presence=Presence(journal, metrics, settings.journal_pause),
            providers=lambda: {"sms": provider},
            retention=Retention(journal, lambda: timedelta(days=30), metrics, clock),
            metrics=metrics,
            settings=settings,
            clock=clock,
        )
        yield Desk(
            broker=broker, journal=journal, clock=clock, scheduler=scheduler, registry=registry
        )


async def test_what_is_due_is_published_once_with_the_seq_that_stands(desk: Desk) -> None:
    seq = await desk.waiting(a_text(), 10)
    await desk.scheduler.turn()
    assert await desk.published() == []
    desk.clock.advance(timedelta(seconds=11))
    await desk.scheduler.turn()
    await desk.scheduler.turn()
    assert [message.seq for message in await desk.published()] == [seq]
    assert await desk.state() is State.QUEUED


async def test_killed_between_confirm_and_mark_it_publishes_twice_and_one_claim_wins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.waiting(a_text(), 0)

    async def die(_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(desk.journal, "mark_queued", die)
        with pytest.raises(KeyboardInterrupt):
            await desk.scheduler.turn()
    await desk.scheduler.turn()
    messages = await desk.published()
    assert len(messages) == 2
    results = [
        await desk.journal.claim(a_claim(message.action, seq=message.seq)) for message in messages
    ]
    assert [isinstance(result, Granted) for result in results] == [True, False]


async def test_who_does_not_reach_the_broker_leads_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may reach it, and could not publish what is due while this one leads."""
    await desk.waiting(a_text(), 0)
    stopping = asyncio.Event()

    async def away(_: object) -> None:
        raise BrokerUnavailable("away")

    monkeypatch.setattr(desk.broker, "publish", away)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(desk.scheduler.serve(stopping))
        while not desk.scheduler.leads:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
        while not await desk.journal.lead("scheduler", "another", timedelta(seconds=15)):  # noqa: ASYNC110 - nor of this
            await asyncio.sleep(0.01)
        stopping.set()
    assert not desk.scheduler.leads


async def test_a_broker_that_takes_nothing_leaves_it_due(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.waiting(a_text(), 0)

    async def refuse(_: object) -> None:
        raise BrokerUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(desk.broker, "publish", refuse)
        with pytest.raises(BrokerUnavailable):
            await desk.scheduler.turn()
    assert await desk.state() is State.WAITING
    await desk.scheduler.turn()
    assert len(await desk.published()) == 1


async def test_a_lane_that_rests_is_late_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full queue is left out for a while; an alert on the lag would else never see it."""
    await desk.waiting(a_text(), 0)
    desk.clock.advance(timedelta(seconds=60))

    async def refuse(_: object) -> None:
        raise PublishRefused("full")

    monkeypatch.setattr(desk.broker, "publish", refuse)
    with pytest.raises(PublishRefused):
        await desk.scheduler.turn()
    desk.clock.advance(timedelta(seconds=5))
    await desk.scheduler.turn()
    assert desk.lag() == 65


@pytest.mark.fault(7)
async def test_an_action_whose_message_is_gone_is_published_again_after_five_minutes(
    desk: Desk,
) -> None:
    """A gateway died between two publishes, or somebody deleted a queue."""
    action = a_text()
    await desk.journal.record([a_record("o-1", action)])
    await desk.scheduler.heal()
    assert await desk.published() == []
    desk.clock.advance(timedelta(minutes=5, seconds=1))
    await desk.scheduler.heal()
    assert [message.action.id for message in await desk.published()] == [action.id]
    await desk.scheduler.heal()
    assert len(await desk.published()) == 1


async def test_nothing_is_healed_while_its_queue_has_messages(desk: Desk) -> None:
    """A long backlog is no loss: its actions have been queued for long, too."""
    await desk.journal.record([a_record("o-1", a_text())])
    await desk.waiting(a_text("o-2"), 0)
    await desk.scheduler.turn()
    desk.clock.advance(timedelta(minutes=6))
    await desk.scheduler.heal()
    assert [message.action.event_id for message in await desk.published()] == ["o-2"]


async def test_a_deleted_queue_stands_again_although_something_is_due_for_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publishing what is due fails then, every time; healing must not wait for it to succeed."""
    await desk.waiting(a_text(), 0)
    declared: list[Topology] = []
    publish, depth, declare = desk.broker.publish, desk.broker.depth, desk.broker.declare

    async def publish_to_what_stands(messages: Sequence[Outgoing]) -> None:
        if not declared:
            raise Unroutable("there is no such queue")
        await publish(messages)

    async def depth_of_what_stands(queue: str) -> int:
        if not declared:
            raise Unroutable("there is no such queue")
        return await depth(queue)

    async def declare_again(topology: Topology) -> None:
        declared.append(topology)
        await declare(topology)

    monkeypatch.setattr(desk.broker, "publish", publish_to_what_stands)
    monkeypatch.setattr(desk.broker, "depth", depth_of_what_stands)
    monkeypatch.setattr(desk.broker, "declare", declare_again)
    for _ in range(3):
        with suppress(BrokerError):
            await desk.scheduler.turn()
        desk.clock.advance(timedelta(seconds=31))
    await desk.scheduler.turn()
    assert len(await desk.published()) == 1


async def test_what_no_queue_takes_does_not_stand_before_what_is_due_for_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of it than a batch holds, and older: a provider that was renamed, a queue that is
    full."""
    settings = ConsumerSettings(due_batch=2)
    monkeypatch.setattr(desk.scheduler, "_settings", settings)
    for n in range(3):
        await desk.waiting(an_action(f"gone-{n}", provider="gone"), 0)
    desk.clock.advance(timedelta(seconds=1))
    await desk.waiting(a_text(), 0)
    with pytest.raises(Unroutable):
        await desk.scheduler.turn()
    await desk.scheduler.turn()
    assert [message.action.provider for message in await desk.published()] == ["sms"]


async def test_an_abandoned_action_is_taken_over_and_comes_again_after_the_lag(desk: Desk) -> None:
    action = a_text()
    assert isinstance(await desk.journal.claim(a_claim(action)), Granted)
    desk.clock.advance(timedelta(seconds=21))
    await desk.scheduler.turn()
    assert await desk.state() is State.WAITING
    desk.clock.advance(timedelta(seconds=31))
    await desk.scheduler.turn()
    assert [message.seq for message in await desk.published()] == [1]
