"""Cleaning a broker that tests were given: AMQP cannot list queues or make virtual hosts, only
delete.

What must not go in: anything that could touch a queue that is not named as Postern names its own.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import aio_pika

from core.broker.topology import DEAD_EXCHANGE, DEAD_QUEUE, EXCHANGE, Topology

PROVIDERS = ("altcraft", "sms", "other", "nobody", "bench")
"""Names of providers that tests may use at a broker; queues of others would be left standing."""


def empty_broker(url: str) -> None:
    """Delete the exchanges and every queue that a test may have declared at `url`."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _empty(url)).result()


async def _empty(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for queue in (*Topology.of(PROVIDERS).queues, DEAD_QUEUE):
            await channel.queue_delete(queue)
        for exchange in (EXCHANGE, DEAD_EXCHANGE):
            await channel.exchange_delete(exchange)
