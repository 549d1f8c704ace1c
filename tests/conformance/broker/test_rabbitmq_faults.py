"""What happens to a real RabbitMQ node, and what Postern's side must make of it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import aio_pika
import pytest
import structlog

from core.broker.connect import open_broker
from core.broker.port import Broker
from core.broker.rabbitmq import RabbitMQBroker
from core.broker.topology import EXCHANGE
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, TopologyMismatch, Unroutable
from tests.conformance.broker.conftest import OTHER, QUEUE, TOPOLOGY
from tests.conformance.broker.steps import (
    eventually,
    messages,
    take,
    take_bodies,
    until_connected,
    until_depth,
)
from tests.servers.rabbitmq import RabbitMQNode


@pytest.fixture
def url(rabbitmq_node: RabbitMQNode) -> Iterator[str]:
    """A virtual host of the private node: these tests stop it, pause it and reconfigure it."""
    vhost = f"faults-{uuid.uuid4().hex[:12]}"
    yield rabbitmq_node.add_vhost(vhost)
    rabbitmq_node.start()
    rabbitmq_node.delete_vhost(vhost)


async def delete_queue(url: str, queue: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(queue)


async def declare_otherwise(url: str, queue: str, arguments: dict[str, Any]) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(EXCHANGE, durable=True)
        made = await channel.declare_queue(queue, durable=True, arguments=arguments)
        await made.bind(exchange, routing_key=queue)


async def publish_often(broker: Broker, times: int) -> None:
    for number in range(times):
        await broker.publish(messages(QUEUE, [number]))


async def publish_numbers(broker: Broker, confirmed: set[int], stop: asyncio.Event) -> None:
    """Publish one number after the other until told to stop; only errors of ours may come."""
    number = 0
    while not stop.is_set():
        number += 1
        try:
            await broker.publish(messages(QUEUE, [number]))
        except BrokerError:
            await asyncio.sleep(0.05)
        else:
            confirmed.add(number)


async def test_a_killed_node_loses_nothing_confirmed_and_the_subscription_goes_on(
    rabbitmq_node: RabbitMQNode, url: str
) -> None:
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        confirmed: set[int] = set()
        received: set[int] = set()
        stop = asyncio.Event()

        async def receive() -> None:
            async with broker.subscribe(QUEUE, prefetch=20) as subscription:
                async for delivery in subscription:
                    received.add(int(delivery.body))
                    await delivery.ack()

        async def some_more(count: int) -> None:
            goal = len(confirmed) + count

            async def reached() -> bool:
                return len(confirmed) >= goal

            await eventually(reached)

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            receiving = tasks.create_task(receive())
            publishing = tasks.create_task(publish_numbers(broker, confirmed, stop))
            await some_more(200)
            await asyncio.to_thread(rabbitmq_node.kill)
            await asyncio.to_thread(rabbitmq_node.start)
            await some_more(200)
            await asyncio.to_thread(rabbitmq_node.restart)
            await some_more(200)
            stop.set()
            await publishing

            async def all_received() -> bool:
                return confirmed <= received

            await eventually(all_received)
            receiving.cancel()


async def test_a_frozen_node_is_unavailable_within_three_seconds_and_nobody_seems_cancelled(
    rabbitmq_node: RabbitMQNode, url: str
) -> None:
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
        rabbitmq_node.pause()
        try:
            for _ in range(2):
                started = time.monotonic()
                verdicts = await asyncio.gather(
                    *(broker.publish(messages(QUEUE, [number])) for number in range(5)),
                    return_exceptions=True,
                )
                assert time.monotonic() - started < 3
                assert {type(verdict) for verdict in verdicts} == {BrokerUnavailable}
            await until_connected(broker, connected=False)
            started = time.monotonic()
            with pytest.raises(BrokerUnavailable):
                await broker.publish(messages(QUEUE, [1]))
            assert time.monotonic() - started < 0.5
        finally:
            rabbitmq_node.resume()
        await until_connected(broker)
        await broker.publish(messages(OTHER, [2]))
        assert await take_bodies(broker, OTHER, 1) == [2]


async def test_a_broker_that_is_away_at_the_start_is_found_when_it_comes(
    rabbitmq_node: RabbitMQNode, url: str
) -> None:
    await asyncio.to_thread(rabbitmq_node.stop)
    async with open_broker(url) as broker:
        assert not broker.connected
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            await broker.publish(messages(QUEUE, [1]))
        with pytest.raises(BrokerUnavailable):
            await broker.declare(TOPOLOGY)
        assert time.monotonic() - started < 1
        async with broker.subscribe(QUEUE, prefetch=1) as subscription:
            waiting = asyncio.ensure_future(take(subscription, 1))
            await asyncio.to_thread(rabbitmq_node.start)
            await until_connected(broker)
            await broker.declare(TOPOLOGY)
            await broker.publish(messages(QUEUE, [1]))
            assert [delivery.body for delivery in await waiting] == [b"1"]


async def test_a_deleted_queue_is_unroutable_and_the_subscription_returns_with_the_queue(
    url: str,
) -> None:
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            await broker.publish(messages(QUEUE, [1]))
            (before,) = await take(subscription, 1)
            await delete_queue(url, QUEUE)
            with pytest.raises(Unroutable):
                await broker.publish(messages(QUEUE, [2]))
            await broker.publish(messages(OTHER, [3]))

            async def noticed() -> bool:
                return before.stale

            await eventually(noticed)
            await broker.declare(TOPOLOGY)
            await broker.publish(messages(QUEUE, [4]))
            (after,) = await take(subscription, 1)
            assert after.body == b"4"
            await before.ack()
            await after.ack()
        await until_depth(broker, QUEUE, 0)


async def test_a_consumer_the_broker_silently_lost_is_replaced_when_it_has_been_idle(
    url: str,
) -> None:
    async with RabbitMQBroker(url, renew_idle=timedelta(seconds=0.5)) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            await broker.publish(messages(QUEUE, [1]))
            (before,) = await take(subscription, 1)
            await before.ack()
            await delete_queue(url, QUEUE)
            await broker.declare(TOPOLOGY)
            await broker.publish(messages(QUEUE, [2]))
            (after,) = await take(subscription, 1)
            assert after.body == b"2"


async def test_an_idle_subscription_keeps_what_it_holds(url: str) -> None:
    async with RabbitMQBroker(url, renew_idle=timedelta(seconds=0.05)) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            await broker.publish(messages(QUEUE, [1]))
            (held,) = await take(subscription, 1)
            await asyncio.sleep(0.5)
            assert not held.stale
            await held.ack()
        await until_depth(broker, QUEUE, 0)


async def test_a_deleted_exchange_is_unroutable_until_it_is_declared_again(url: str) -> None:
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            await channel.exchange_delete(EXCHANGE)
        with pytest.raises(Unroutable):
            await broker.publish(messages(QUEUE, [1]))
        await broker.declare(TOPOLOGY)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [2]))
        assert await take_bodies(broker, QUEUE, 1) == [2]


async def test_after_a_closed_connection_what_was_buffered_is_handed_out_once(
    rabbitmq_node: RabbitMQNode, url: str
) -> None:
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(5)))
        async with broker.subscribe(QUEUE, prefetch=5) as subscription:
            (first,) = await take(subscription, 1)
            rabbitmq_node.close_connections()

            async def noticed() -> bool:
                return first.stale

            await eventually(noticed)
            await first.ack()
            again = await take(subscription, 5)
            assert sorted(int(delivery.body) for delivery in again) == [0, 1, 2, 3, 4]
            for delivery in again:
                await delivery.ack()
        await until_depth(broker, QUEUE, 0)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [9]))


async def test_a_full_queue_refuses_and_the_others_go_on(url: str) -> None:
    arguments = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
    await declare_otherwise(url, QUEUE, arguments)
    await declare_otherwise(url, OTHER, {"x-queue-type": "quorum"})
    async with open_broker(url) as broker:
        with pytest.raises(PublishRefused):
            await publish_often(broker, 50)
        await broker.publish(messages(OTHER, [1]))


async def test_a_queue_with_other_arguments_is_one_clear_error_and_publishing_goes_on(
    url: str,
) -> None:
    await declare_otherwise(url, QUEUE, {"x-queue-type": "quorum", "x-max-length": 10})
    async with open_broker(url) as broker:
        with pytest.raises(TopologyMismatch, match=rf"queue {QUEUE} stands with another x-\S+: "):
            await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
        assert broker.connected


async def test_an_exchange_of_another_type_is_a_clear_error(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_exchange(EXCHANGE, "fanout", durable=True)
    async with open_broker(url) as broker:
        with pytest.raises(TopologyMismatch, match=f"exchange {EXCHANGE} stands with another type"):
            await broker.declare(TOPOLOGY)


async def test_wrong_credentials_are_told_without_the_password(url: str) -> None:
    wrong = url.replace("guest:guest", "guest:pa55word")
    with structlog.testing.capture_logs() as lines:
        async with open_broker(wrong) as broker:
            assert not broker.connected
            with pytest.raises(BrokerUnavailable):
                await broker.publish(messages(QUEUE, [1]))
            with pytest.raises(BrokerUnavailable) as caught:
                await broker.declare(TOPOLOGY)
    assert "refused the user name or password" in str(caught.value)
    assert any("refused the user name or password" in str(line) for line in lines)
    assert "pa55word" not in str(lines) + str(caught.value)


async def test_under_a_memory_alarm_publishers_are_told_and_consumers_go_on(
    rabbitmq_node: RabbitMQNode, url: str
) -> None:
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(3)))
        rabbitmq_node.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.000001)")
        try:
            started = time.monotonic()
            with pytest.raises(BrokerUnavailable):
                await publish_often(broker, 2)
            assert time.monotonic() - started < 5.5
            assert await take_bodies(broker, QUEUE, 3) == [0, 1, 2]
        finally:
            rabbitmq_node.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.4)")

        async def publishes_again() -> bool:
            try:
                await broker.publish(messages(OTHER, [1]))
            except BrokerUnavailable:
                return False
            return True

        await eventually(publishes_again)


async def test_closing_leaves_no_task_of_ours_behind(url: str) -> None:
    before = asyncio.all_tasks()
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=1):
            await broker.publish(messages(QUEUE, [1]))

    async def gone() -> bool:
        return asyncio.all_tasks() == before

    await eventually(gone)
