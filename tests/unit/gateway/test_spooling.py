"""The spool beside a broker of which one queue takes nothing: it holds up nobody but itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from core.broker.embedded.spool import Spool
from core.broker.port import Outgoing, Told
from core.broker.spool import SpoolBounds
from core.clock import SystemClock
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, SpoolFull, Unroutable
from gateway.metrics import Metrics
from gateway.spooling import Spooling

STUCK, WELL = "postern.sms.normal", "postern.recorder"


@dataclass
class Broker:
    """Takes everything but what is for the stuck queue; of a request with both, the rest."""

    error: BrokerError | None
    connected: bool = True
    taken: list[bytes] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.asked += [each.body for each in messages]
        self.taken += [each.body for each in messages if not self._refuses(each)]
        if self.error is not None and any(map(self._refuses, messages)):
            raise self.error

    def _refuses(self, message: Outgoing) -> bool:
        return self.error is not None and message.queue == STUCK

    @property
    def posts(self) -> bool:
        return False

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        return False


def stuck(body: bytes) -> Outgoing:
    return Outgoing(queue=STUCK, body=body)


def well(body: bytes) -> Outgoing:
    return Outgoing(queue=WELL, body=body)


@asynccontextmanager
async def spooling(
    folder: Path, broker: Broker, *, messages: int = 1000
) -> AsyncIterator[tuple[Spooling, Spool]]:
    clock = SystemClock()
    async with Spool(folder, clock=clock, bounds=SpoolBounds(messages=messages)) as spool:
        spools = Spooling(
            spool,
            broker,
            deadline=timedelta(seconds=5),
            metrics=Metrics(CollectorRegistry()),
            clock=clock,
        )
        emptying = asyncio.create_task(spools.run())
        try:
            yield spools, spool
        finally:
            emptying.cancel()
            await asyncio.gather(emptying, return_exceptions=True)


async def until_left(spools: Spooling, spool: Spool, count: int) -> None:
    """Until so many are in it and the broker is asked again for what else comes."""
    async with asyncio.timeout(20):
        while spool.holding.messages != count or await _goes_behind(spools):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _goes_behind(spools: Spooling) -> bool:
    return not await spools.publish([well(b"probe")])


@pytest.mark.parametrize(
    "error", [PublishRefused("full"), BrokerUnavailable("no confirm"), Unroutable("gone")]
)
async def test_a_queue_that_takes_nothing_holds_up_no_other(
    tmp_path: Path, error: BrokerError
) -> None:
    broker = Broker(error)
    async with spooling(tmp_path, broker) as (spools, spool):
        assert await spools.publish([stuck(b"stuck"), well(b"well")]) is False
        await until_left(spools, spool, 1)
        assert b"well" in broker.taken
        assert await spools.publish([well(b"later")]) is True
        assert await spools.publish([stuck(b"stuck too")]) is False
        assert b"stuck too" not in broker.asked, "no time is lost on what is known to be stuck"
        broker.error = None
        async with asyncio.timeout(20):
            while spool.holding.messages:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert {b"stuck", b"stuck too"} <= set(broker.taken)


async def test_what_does_not_fit_behind_the_rest_is_taken_by_the_broker(tmp_path: Path) -> None:
    """Else events that nobody sends again would be refused with a broker that takes them."""
    broker = Broker(PublishRefused("full"))
    async with spooling(tmp_path, broker, messages=1) as (spools, _):
        assert await spools.publish([stuck(b"stuck")]) is False
        assert await spools.publish([well(b"well")]) is True
        with pytest.raises(SpoolFull):
            await spools.publish([stuck(b"one too many")])
    assert broker.taken == [b"well"]


async def test_what_nobody_waits_for_any_more_goes_out_all_the_same(tmp_path: Path) -> None:
    """The time of its request was over; it is on disk, and would lie there until the next one."""
    broker = Broker(None)
    async with spooling(tmp_path, broker) as (_, spool):
        putting = asyncio.create_task(spool.put([well(b"late")]))
        await asyncio.sleep(0)
        putting.cancel()
        async with asyncio.timeout(20):
            while broker.taken != [b"late"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
