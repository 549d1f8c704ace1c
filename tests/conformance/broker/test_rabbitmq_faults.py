"""What happens to a real RabbitMQ node, and what Postern's side must make of it."""

from __future__ import annotations

import asyncio
import time

import pytest
import structlog

from core.broker.connect import open_broker
from core.broker.port import Broker
from core.errors import BrokerError, BrokerUnavailable
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
from tests.servers.rabbitmq import RabbitMQNode


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


@pytest.mark.fault(2)
async def test_a_killed_node_loses_nothing_confirmed_and_the_subscription_goes_on(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    async with open_broker(node_url) as broker:
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


@pytest.mark.fault(4)
async def test_a_frozen_node_is_unavailable_within_three_seconds_and_nobody_seems_cancelled(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    async with open_broker(node_url) as broker:
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


@pytest.mark.fault(1)
async def test_a_broker_that_is_away_at_the_start_is_found_when_it_comes(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    await asyncio.to_thread(rabbitmq_node.stop)
    async with open_broker(node_url) as broker:
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


@pytest.mark.fault(13)
async def test_after_a_closed_connection_what_was_buffered_is_handed_out_once(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    async with open_broker(node_url) as broker:
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


@pytest.mark.fault(14)
async def test_wrong_credentials_are_told_without_the_password(node_url: str) -> None:
    wrong = node_url.replace("guest:guest", "guest:pa55word")
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


@pytest.mark.fault(9)
async def test_under_a_memory_alarm_publishers_are_told_and_consumers_go_on(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    async with open_broker(node_url) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(3)))
        rabbitmq_node.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.000001)")
        try:
            started = time.monotonic()
            with pytest.raises(BrokerUnavailable):
                await publish_often(broker, QUEUE, 2)
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


async def test_closing_leaves_no_task_of_ours_behind(node_url: str) -> None:
    before = asyncio.all_tasks()
    async with open_broker(node_url) as broker:
        await broker.declare(TOPOLOGY)
        async with broker.subscribe(QUEUE, prefetch=1):
            await broker.publish(messages(QUEUE, [1]))

    async def gone() -> bool:
        return asyncio.all_tasks() == before

    await eventually(gone)
    assert await gone()
