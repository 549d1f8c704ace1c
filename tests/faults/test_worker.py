"""A worker between its broker and its journal: what is in hand is brought to its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from consumers.breaker import Breaker, BreakerPolicy
from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.worker import Worker
from core.broker.connect import open_broker
from core.broker.port import Outgoing
from core.broker.topology import Topology, work_queue
from core.errors import JournalUnavailable
from core.journal.port import Finish
from core.journal.states import State
from core.messages import Lane, encode_action
from core.tasks import beside
from tests.faults.stage import Stage, a_text, message


async def test_an_outcome_is_kept_until_the_journal_is_back_however_long_the_drain(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker stops consuming meanwhile; the call was made, and only it knows how it went."""
    action = a_text()
    presence = Presence(
        stage.journal, ConsumerMetrics(CollectorRegistry()), timedelta(milliseconds=20)
    )
    finish = stage.journal.finish
    called, back, recorded = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def away(outcome: Finish) -> bool:
        if not back.is_set():
            called.set()
            presence.lost(JournalUnavailable("away"))
            raise JournalUnavailable("away")
        recorded.set()
        return await finish(outcome)

    async def no_answer() -> None:
        if not back.is_set():
            raise JournalUnavailable("away")

    monkeypatch.setattr(stage.journal, "finish", away)
    monkeypatch.setattr(stage.journal, "ping", no_answer)
    drain = timedelta(milliseconds=50)
    minute = timedelta(minutes=1)
    policy = BreakerPolicy(threshold=5, pause=minute, longest=minute, refusal_pause=minute)
    async with open_broker(f"embedded:{tmp_path}/broker.db") as broker:
        await broker.declare(Topology.of(["sms"]))
        worker = Worker(
            carrier=await stage.sms(),
            breaker=Breaker(policy=policy, clock=stage.clock, on_change=lambda *_: None),
            broker=broker,
            presence=presence,
            pauses=stage.pauses,
            lane=Lane.NORMAL,
            prefetch=2,
            drain=drain,
        )
        stopping = asyncio.Event()
        async with beside(worker.serve(stopping), stopping=stopping):
            queue = work_queue("sms", Lane.NORMAL)
            await broker.publish([Outgoing(queue=queue, body=encode_action(message(action)))])
            await called.wait()
            await asyncio.sleep(10 * drain.total_seconds())
            back.set()
            async with asyncio.timeout(5):
                await recorded.wait()
    assert (await stage.stored(action)).state is State.DONE
    assert len(await stage.effects("addsms")) == 1
