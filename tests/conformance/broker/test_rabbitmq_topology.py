"""Queues and exchanges that are deleted, full or declared otherwise at a real RabbitMQ node."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta
from typing import Any

import aio_pika
import pytest

from core.broker.connect import open_broker
from core.broker.rabbitmq import RabbitMQBroker
from core.broker.topology import EXCHANGE
from core.errors import PublishRefused, TopologyMismatch, Unroutable
from tests.conformance.broker.conftest import OTHER, QUEUE, TOPOLOGY
from tests.conformance.broker.steps import (
    eventually,
    messages,
    publish_often,
    take,
    take_bodies,
    until_connected,
    until_depth,
)


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


@pytest.mark.fault(7)
@pytest.mark.fault(13)
async def test_a_deleted_queue_is_unroutable_and_the_subscription_returns_with_the_queue(
    node_url: str,
) -> None:
    async with open_broker(node_url) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            await broker.publish(messages(QUEUE, [1]))
            (before,) = await take(subscription, 1)
            await delete_queue(node_url, QUEUE)
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


@pytest.mark.fault(13)
async def test_a_consumer_the_broker_silently_lost_is_replaced_when_it_has_been_idle(
    node_url: str,
) -> None:
    async with RabbitMQBroker(node_url, renew_idle=timedelta(seconds=0.5)) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            await broker.publish(messages(QUEUE, [1]))
            (before,) = await take(subscription, 1)
            await before.ack()
            await delete_queue(node_url, QUEUE)
            await broker.declare(TOPOLOGY)
            await broker.publish(messages(QUEUE, [2]))
            (after,) = await take(subscription, 1)
            assert after.body == b"2"


async def test_an_idle_subscription_keeps_what_it_holds(node_url: str) -> None:
    async with RabbitMQBroker(node_url, renew_idle=timedelta(seconds=0.05)) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            await broker.publish(messages(QUEUE, [1]))
            (held,) = await take(subscription, 1)
            await asyncio.sleep(0.5)
            assert not held.stale
            await held.ack()
        await until_depth(broker, QUEUE, 0)


@pytest.mark.fault(8)
async def test_a_deleted_exchange_is_unroutable_until_it_is_declared_again(node_url: str) -> None:
    async with open_broker(node_url) as broker:
        await broker.declare(TOPOLOGY)
        async with await aio_pika.connect(node_url) as connection:
            channel = await connection.channel()
            await channel.exchange_delete(EXCHANGE)
        with pytest.raises(Unroutable):
            await broker.publish(messages(QUEUE, [1]))
        await broker.declare(TOPOLOGY)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [2]))
        assert await take_bodies(broker, QUEUE, 1) == [2]


@pytest.mark.fault(6)
async def test_a_full_queue_refuses_and_the_others_go_on(node_url: str) -> None:
    arguments = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
    await declare_otherwise(node_url, QUEUE, arguments)
    await declare_otherwise(node_url, OTHER, {"x-queue-type": "quorum"})
    async with open_broker(node_url) as broker:
        with pytest.raises(PublishRefused):
            await publish_often(broker, QUEUE, 50)
        await broker.publish(messages(OTHER, [1]))


@pytest.mark.fault(12)
async def test_a_queue_with_other_arguments_is_one_clear_error_and_publishing_goes_on(
    node_url: str,
) -> None:
    await declare_otherwise(node_url, QUEUE, {"x-queue-type": "quorum", "x-max-length": 10})
    async with open_broker(node_url) as broker:
        with pytest.raises(TopologyMismatch, match=rf"queue {QUEUE} stands with another x-\S+: "):
            await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
        assert broker.connected


async def test_an_exchange_of_another_type_is_a_clear_error(node_url: str) -> None:
    async with await aio_pika.connect(node_url) as connection:
        channel = await connection.channel()
        await channel.declare_exchange(EXCHANGE, "fanout", durable=True)
    async with open_broker(node_url) as broker:
        with pytest.raises(TopologyMismatch, match=f"exchange {EXCHANGE} stands with another type"):
            await broker.declare(TOPOLOGY)


async def test_a_queue_that_is_deleted_before_it_is_bound_is_declared_again(
    broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, left = aio_pika.Queue.bind, [QUEUE]

    async def deleted_first(queue: aio_pika.Queue, *args: Any, **named: Any) -> Any:
        if queue.name in left:
            left.remove(queue.name)
            await delete_queue(broker_url, queue.name)
        return await original(queue, *args, **named)

    monkeypatch.setattr(aio_pika.Queue, "bind", deleted_first)
    async with open_broker(broker_url) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
    assert not left


async def test_channels_that_were_closed_leave_nothing_behind(node_url: str) -> None:
    """A consumer asks for the length of each queue every few seconds, for months."""
    async with RabbitMQBroker(node_url) as broker:
        await broker.declare(TOPOLOGY)
        for _ in range(20):
            await broker.depth(QUEUE)
        kept = _futures()
        for _ in range(100):
            await broker.depth(QUEUE)
        assert _futures() - kept < 50


def _futures() -> int:
    gc.collect()
    return sum(isinstance(each, asyncio.Future) for each in gc.get_objects())
