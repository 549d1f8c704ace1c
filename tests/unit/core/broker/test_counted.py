"""What the counted broker tells of what it is used for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from core.broker.connect import open_broker
from core.broker.counted import BrokerMetrics, CountedBroker
from core.broker.port import Broker, Delivery, Outgoing
from core.broker.topology import RECORDER_QUEUE, Topology
from core.errors import BrokerUnavailable, PublishRefused, Unroutable


class Refusing:
    """Publishes nothing, and says why."""

    connected = True
    blocked = False

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Unroutable("no queue"), "returned"),
        (PublishRefused("full"), "refused"),
        (BrokerUnavailable("away"), "unconfirmed"),
        (TimeoutError(), "unconfirmed"),
    ],
)
async def test_each_way_to_fail_is_a_result_of_its_own(error: Exception, result: str) -> None:
    registry = CollectorRegistry()
    broker = CountedBroker(cast("Broker", Refusing(error)), BrokerMetrics(registry))
    with pytest.raises(type(error)):
        await broker.publish([Outgoing(queue="q", body=b"1"), Outgoing(queue="q", body=b"2")])
    name = "postern_messages_published_total"
    assert registry.get_sample_value(name, {"result": result}) == 2
    assert registry.get_sample_value(name, {"result": "confirmed"}) == 0


async def test_what_is_in_hand_and_what_goes_back_is_told(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    queue = {"queue": RECORDER_QUEUE}
    async with open_broker(f"embedded:{tmp_path}/broker.db") as bare:
        broker = CountedBroker(bare, BrokerMetrics(registry))
        await broker.declare(Topology.of([]))
        await broker.publish([Outgoing(queue=RECORDER_QUEUE, body=b"%d" % n) for n in range(3)])
        async with broker.subscribe(RECORDER_QUEUE, prefetch=3) as subscription:
            incoming = aiter(subscription)
            first, _second, _third = [await anext(incoming) for _ in range(3)]
            await first.ack()
            assert registry.get_sample_value("postern_consuming", queue) == 1
            assert registry.get_sample_value("postern_messages_in_hand", queue) == 2
        assert registry.get_sample_value("postern_consuming", queue) == 0
        assert registry.get_sample_value("postern_messages_in_hand", queue) == 0
        assert registry.get_sample_value("postern_messages_received_total", queue) == 3
        assert await broker.depth(RECORDER_QUEUE) == 2


async def test_one_that_the_broker_gives_nothing_to_is_not_consuming() -> None:
    """Its queue is gone, or its connection is lost: it tries on, and an alert must be able to
    fire."""

    class Trying:
        consuming = False

        def __aiter__(self) -> Trying:
            return self

        async def __anext__(self) -> Delivery:
            raise StopAsyncIteration

    class Broken:
        connected = True
        blocked = True

        @asynccontextmanager
        async def subscribe(self, *_: object, **__: object) -> AsyncIterator[Trying]:
            yield Trying()

    registry = CollectorRegistry()
    queue = {"queue": RECORDER_QUEUE}
    broker = CountedBroker(cast("Broker", Broken()), BrokerMetrics(registry))
    async with broker.subscribe(RECORDER_QUEUE, prefetch=1) as subscription:
        assert registry.get_sample_value("postern_broker_blocked") == 1
        assert registry.get_sample_value("postern_consuming", queue) == 0
        Trying.consuming = True
        assert subscription.consuming
        assert registry.get_sample_value("postern_consuming", queue) == 1
