"""The broker port's promises, held to by every adapter."""

from __future__ import annotations

import asyncio

import pytest

from core.broker.port import Outgoing
from core.broker.topology import DEAD_QUEUE, DELIVERY_LIMIT, Topology
from core.errors import Unroutable
from tests.conformance.broker.conftest import MISSING, OTHER, QUEUE, TOPOLOGY, Adapter
from tests.conformance.broker.steps import messages, take, take_bodies, until_connected, until_depth


async def test_what_was_published_is_there_after_reopening(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        assert broker.connected
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(5)))
    async with adapter.open() as broker:
        assert await take_bodies(broker, QUEUE, 5) == [0, 1, 2, 3, 4]


async def test_one_call_may_publish_to_several_queues(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish([*messages(QUEUE, [1]), *messages(OTHER, [2])])
        assert await take_bodies(broker, QUEUE, 1) == [1]
        assert await take_bodies(broker, OTHER, 1) == [2]


async def test_a_body_comes_back_byte_for_byte(adapter: Adapter) -> None:
    body = bytes(range(256)) * 4096
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish([Outgoing(queue=QUEUE, body=body), Outgoing(queue=QUEUE, body=b"")])
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            first, second = await take(subscription, 2)
            assert (first.queue, first.body, second.body) == (QUEUE, body, b"")


async def test_publishing_where_no_queue_is_raises_unroutable(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        with pytest.raises(Unroutable):
            await broker.publish(messages(MISSING, [1]))
        with pytest.raises(Unroutable):
            await broker.publish([*messages(QUEUE, [1]), *messages(MISSING, [2])])


async def test_before_anything_is_declared_publishing_raises_unroutable_and_heals(
    adapter: Adapter,
) -> None:
    async with adapter.open() as broker:
        with pytest.raises(Unroutable):
            await broker.publish(messages(QUEUE, [1]))
        await broker.declare(TOPOLOGY)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [2]))
        assert await take_bodies(broker, QUEUE, 1) == [2]


@pytest.mark.fault(10)
async def test_concurrent_publishes_each_get_their_own_verdict(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        queues = [MISSING if number % 3 == 0 else QUEUE for number in range(60)]
        verdicts = await asyncio.gather(
            *(broker.publish(messages(queue, [number])) for number, queue in enumerate(queues)),
            return_exceptions=True,
        )
        for queue, verdict in zip(queues, verdicts, strict=True):
            assert isinstance(verdict, Unroutable) if queue == MISSING else verdict is None
        arrived = await take_bodies(broker, QUEUE, 40)
        assert sorted(arrived) == [number for number in range(60) if number % 3]


async def test_an_acknowledged_message_is_gone_for_good(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(3)))
        assert await take_bodies(broker, QUEUE, 2) == [0, 1]
        await until_depth(broker, QUEUE, 1)
    async with adapter.open() as broker:
        assert await take_bodies(broker, QUEUE, 1) == [2]


async def test_what_was_not_acknowledged_comes_back_in_its_place(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(4)))
        async with broker.subscribe(QUEUE, prefetch=3) as subscription:
            first, second, third = await take(subscription, 3)
            await second.ack()
            assert [first.stale, third.stale] == [False, False]
        assert [first.stale, third.stale] == [True, True]
        await until_depth(broker, QUEUE, 3)
        assert await take_bodies(broker, QUEUE, 3) == [0, 2, 3]


async def test_acknowledging_a_stale_delivery_does_nothing(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
        async with broker.subscribe(QUEUE, prefetch=1) as subscription:
            (delivery,) = await take(subscription, 1)
        await delivery.ack()
        assert await take_bodies(broker, QUEUE, 1) == [1]


async def test_stopping_ends_iteration_and_leaves_acknowledging_possible(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(4)))
        async with broker.subscribe(QUEUE, prefetch=3) as subscription:
            first, _second = await take(subscription, 2)
            await subscription.stop()
            assert [delivery async for delivery in subscription] == []
            assert not first.stale
            await first.ack()
        await until_depth(broker, QUEUE, 3)
        assert await take_bodies(broker, QUEUE, 3) == [1, 2, 3]


async def test_stopping_wakes_a_consumer_that_waits(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=1) as subscription, asyncio.timeout(10):
            waiting = asyncio.ensure_future(anext(aiter(subscription), None))
            await asyncio.sleep(0)
            await subscription.stop()
            assert await waiting is None


async def test_no_more_than_the_prefetch_is_out_at_a_time(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(5)))
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            first, _second = await take(subscription, 2)
            await until_depth(broker, QUEUE, 3)
            third = asyncio.ensure_future(anext(aiter(subscription)))
            await asyncio.sleep(0.1)
            assert not third.done()
            await first.ack()
            async with asyncio.timeout(10):
                assert (await third).body == b"2"


async def test_messages_come_in_the_order_they_were_published(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        for start in range(0, 100, 10):
            await broker.publish(messages(QUEUE, range(start, start + 10)))
        async with broker.subscribe(QUEUE, prefetch=7) as subscription:
            bodies = []
            for _ in range(100):
                (delivery,) = await take(subscription, 1)
                bodies.append(int(delivery.body))
                await delivery.ack()
        assert bodies == list(range(100))


async def test_a_message_published_later_wakes_a_waiting_consumer(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=1) as subscription:
            waiting = asyncio.ensure_future(take(subscription, 1))
            await asyncio.sleep(0)
            await broker.publish(messages(QUEUE, [7]))
            assert [delivery.body for delivery in await waiting] == [b"7"]


async def test_two_consumers_share_a_queue_and_take_each_message_once(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(40)))
        taken: list[int] = []
        done = asyncio.Event()

        async def consume() -> None:
            async with broker.subscribe(QUEUE, prefetch=3) as subscription:
                async for delivery in subscription:
                    await delivery.ack()
                    taken.append(int(delivery.body))
                    if len(taken) == 40:
                        done.set()

        workers = [asyncio.ensure_future(consume()) for _ in range(2)]
        async with asyncio.timeout(20):
            await done.wait()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        assert sorted(taken) == list(range(40))
        assert await broker.depth(QUEUE) == 0


async def test_depth_counts_what_is_ready_and_a_missing_queue_is_unroutable(
    adapter: Adapter,
) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        assert await broker.depth(QUEUE) == 0
        await broker.publish(messages(QUEUE, range(3)))
        await until_depth(broker, QUEUE, 3)
        with pytest.raises(Unroutable):
            await broker.depth(MISSING)
        assert await broker.depth(QUEUE) == 3


async def test_declaring_again_changes_nothing_and_adds_what_is_new(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
        await broker.declare(TOPOLOGY)
        await broker.declare(Topology.of(["sms", "nobody"]))
        await broker.publish(messages(MISSING, [2]))
        assert await take_bodies(broker, QUEUE, 1) == [1]
        assert await take_bodies(broker, MISSING, 1) == [2]


async def test_a_real_cancellation_of_a_publisher_is_passed_on(adapter: Adapter) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        publishing = asyncio.ensure_future(broker.publish(messages(QUEUE, range(200))))
        await asyncio.sleep(0)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        await broker.publish(messages(OTHER, [1]))


async def test_a_message_that_is_never_acknowledged_ends_in_the_dead_queue(
    adapter: Adapter,
) -> None:
    async with adapter.open() as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [13, 14]))
        for _ in range(DELIVERY_LIMIT + 1):
            async with broker.subscribe(QUEUE, prefetch=1) as subscription:
                (poisoned,) = await take(subscription, 1)
                assert poisoned.body == b"13"
        await until_depth(broker, DEAD_QUEUE, 1)
        assert await take_bodies(broker, DEAD_QUEUE, 1) == [13]
        assert await take_bodies(broker, QUEUE, 1) == [14]
