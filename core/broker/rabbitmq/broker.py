"""RabbitMQ's side of the port: two connections, so that a blocked publisher does not stop the
consumers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Self

from core.broker.failures import library_failures
from core.broker.port import Outgoing, Subscription, Told
from core.broker.rabbitmq import declaring, library, pipelined
from core.broker.rabbitmq.consuming import RENEW_IDLE, RabbitMQSubscription
from core.broker.rabbitmq.link import Link, running
from core.broker.rabbitmq.publishing import Publishing, PublishingConnection
from core.broker.topology import Topology

_FIRST_TRY = timedelta(seconds=2)
_DECLARE_LIMIT = timedelta(seconds=30)
_DEPTH_LIMIT = timedelta(seconds=2.5)


class PublisherKind(StrEnum):
    """By what messages are published."""

    PIPELINED = "pipelined"
    AIO_PIKA = "aio-pika"


_CONNECT: dict[PublisherKind, Callable[[str, str], Awaitable[PublishingConnection]]] = {
    PublisherKind.PIPELINED: pipelined.connect,
    PublisherKind.AIO_PIKA: library.connect,
}


class RabbitMQBroker:
    """A connection to RabbitMQ. Used as a context manager, which opens even while the broker is
    away."""

    def __init__(
        self,
        url: str,
        *,
        publish_limit: timedelta = timedelta(seconds=2.5),
        renew_idle: timedelta = RENEW_IDLE,
        publisher: PublisherKind = PublisherKind.PIPELINED,
    ) -> None:
        self._url = url
        self._renew_idle = renew_idle
        connect = _CONNECT[publisher]
        self._publishing_link = Link(partial(connect, url, "publishing"), "publishing")
        self._consuming_link = Link(partial(library.connect, url, "consuming"), "consuming")
        self._consuming = False
        self._publishing = Publishing(self._publishing_link, limit=publish_limit)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Returns when connected, or soon, with the connection still being tried in the
        background."""
        await self._stack.enter_async_context(running(self._publishing_link.run()))
        await self._stack.enter_async_context(running(self._publishing.run()))
        try:
            async with asyncio.timeout(_FIRST_TRY.total_seconds()):
                await self._publishing_link.tried.wait()
        except TimeoutError:
            pass
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def connected(self) -> bool:
        return self._publishing.ready

    @property
    def blocked(self) -> bool:
        return self._publishing.blocked

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        await self._publishing.publish(messages)

    @property
    def posts(self) -> bool:
        return self._publishing.posts

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        return self._publishing.post(messages, told)

    async def declare(self, topology: Topology) -> None:
        connection = await library.connect(self._url, "declaring")
        try:
            with library_failures("declaring the topology"):
                async with asyncio.timeout(_DECLARE_LIMIT.total_seconds()):
                    await declaring.declare(connection.library, topology)
        finally:
            await connection.close()

    @asynccontextmanager
    async def subscribe(self, queue: str, *, prefetch: int) -> AsyncIterator[Subscription]:
        await self._start_consuming()
        subscription = RabbitMQSubscription(
            self._consuming_link, queue, prefetch=prefetch, renew_idle=self._renew_idle
        )
        async with running(subscription.run()):
            yield subscription

    async def depth(self, queue: str) -> int:
        await self._start_consuming()
        with library_failures(f"looking at {queue}"):
            async with asyncio.timeout(_DEPTH_LIMIT.total_seconds()):
                connection = await self._consuming_link.connected()
                count = await declaring.ready(await connection.open_channel(), queue)
        return count

    async def _start_consuming(self) -> None:
        """The second connection is made when it is first needed: a gateway only publishes."""
        if not self._consuming:
            self._consuming = True
            await self._stack.enter_async_context(running(self._consuming_link.run()))
