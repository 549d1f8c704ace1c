"""No confirm comes: is it the node that is dead, or a queue that is about to change its leader?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import structlog

from core.broker.port import Publisher
from core.broker.rabbitmq import RabbitMQBroker, publishing
from core.errors import BrokerUnavailable
from tests.conformance.broker.conftest import QUEUE, TOPOLOGY
from tests.conformance.broker.steps import messages, until_connected
from tests.servers.rabbitmq import RabbitMQNode

PATIENCE = timedelta(milliseconds=500)


async def silent_calls(broker: Publisher, times: int) -> None:
    for _ in range(times):
        with pytest.raises(BrokerUnavailable):
            await broker.publish(messages(QUEUE, [1]))


@contextmanager
def suspended(node: RabbitMQNode, vhost: str) -> Iterator[None]:
    """The queue takes and confirms nothing; the node answers as ever."""
    name = f'rabbit_misc:r(<<"{vhost}">>, queue, <<"{QUEUE}">>)'
    found = f"{{ok, Q}} = rabbit_amqqueue:lookup({name})"
    node.evaluate(f"{found}, sys:suspend(amqqueue:get_pid(Q))")
    try:
        yield
    finally:
        node.evaluate(f"{found}, sys:resume(amqqueue:get_pid(Q))")


@pytest.mark.fault(4)
async def test_a_frozen_node_is_given_up_although_callers_give_up_sooner(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    """A request has a deadline of its own; without this the heartbeats would tell, in 33 s."""
    async with RabbitMQBroker(node_url) as broker:
        await broker.declare(TOPOLOGY)
        rabbitmq_node.pause()
        try:
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1.25):
                        await broker.publish(messages(QUEUE, [1]))
            await until_connected(broker, connected=False)
        finally:
            rabbitmq_node.resume()
        await until_connected(broker)


async def test_callers_that_are_ended_at_once_say_nothing_about_the_node(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    async with RabbitMQBroker(node_url) as broker:
        await broker.declare(TOPOLOGY)
        with suspended(rabbitmq_node, node_url.rpartition("/")[2]):
            for _ in range(20):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await broker.publish(messages(QUEUE, [1]))
            assert broker.connected


async def test_a_connection_whose_node_answers_is_kept_while_a_queue_has_no_leader(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    """Its channel is told who leads next; on 3.10 a new one would wait a minute for the old."""
    with structlog.testing.capture_logs() as lines:
        async with RabbitMQBroker(node_url, publish_limit=PATIENCE) as broker:
            await broker.declare(TOPOLOGY)
            with suspended(rabbitmq_node, node_url.rpartition("/")[2]):
                await silent_calls(broker, 5)
                assert broker.connected
            await broker.publish(messages(QUEUE, [2]))
            assert [line["event"] for line in lines].count("broker_connected") == 1


async def test_a_node_that_answers_and_never_confirms_is_left_for_another_in_the_end(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    """It may be on the wrong side of a partition."""
    async with RabbitMQBroker(node_url, publish_limit=PATIENCE) as broker:
        await broker.declare(TOPOLOGY)
        with suspended(rabbitmq_node, node_url.rpartition("/")[2]):
            await silent_calls(broker, 8)
            await until_connected(broker, connected=False)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [2]))


async def test_a_broker_is_closed_although_the_library_swallows_that_its_task_was_ended(
    rabbitmq_node: RabbitMQNode, node_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing a channel it does, now and then; the process would never end."""
    asked = asyncio.Event()

    async def swallows(_: object) -> None:
        asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    monkeypatch.setattr(publishing, "_sign_of_life", swallows)
    async with asyncio.timeout(20):
        async with RabbitMQBroker(node_url, publish_limit=PATIENCE) as broker:
            await broker.declare(TOPOLOGY)
            with suspended(rabbitmq_node, node_url.rpartition("/")[2]):
                await silent_calls(broker, 2)
                await asked.wait()
