"""Steps that the broker tests share: numbered bodies, taking them, waiting for a state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from core.broker.port import Broker, Delivery, Outgoing, Subscription


def messages(queue: str, bodies: Iterable[int]) -> list[Outgoing]:
    return [Outgoing(queue=queue, body=b"%d" % body) for body in bodies]


async def take(subscription: Subscription, count: int) -> list[Delivery]:
    """The next `count` deliveries, unacknowledged; fails if they do not come."""
    taken: list[Delivery] = []
    async with asyncio.timeout(20):
        while len(taken) < count:
            taken.append(await anext(aiter(subscription)))
    return taken


async def take_bodies(broker: Broker, queue: str, count: int) -> list[int]:
    """Take and acknowledge `count` messages."""
    async with broker.subscribe(queue, prefetch=count) as subscription:
        deliveries = await take(subscription, count)
        for delivery in deliveries:
            await delivery.ack()
    return [int(delivery.body) for delivery in deliveries]


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, within: timedelta = timedelta(seconds=15)
) -> None:
    """Look again and again at something the broker does in its own time; fails after `within`."""
    async with asyncio.timeout(within.total_seconds()):
        while not await condition():  # noqa: ASYNC110 - the broker sends no event for its own state
            await asyncio.sleep(0.02)


async def until_depth(broker: Broker, queue: str, depth: int) -> None:
    async def reached() -> bool:
        return await broker.depth(queue) == depth

    await eventually(reached)


async def until_connected(broker: Broker, *, connected: bool = True) -> None:
    async def reached() -> bool:
        return broker.connected is connected

    await eventually(reached)


async def publish_often(broker: Broker, queue: str, times: int) -> None:
    for number in range(times):
        await broker.publish(messages(queue, [number]))
