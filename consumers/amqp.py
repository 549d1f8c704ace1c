"""Calls through a vendor's own RabbitMQ: a message to its queue, and the answer with the same id.

All consumer processes take answers from one queue, so one may get another's: it hands it round by a
fanout exchange, to which each process listens. What must not go in: what a message means, and our
own broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import aio_pika
import orjson
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
)

from consumers.http import Lease
from core.broker.failures import library_failures
from core.clock import Clock
from core.errors import (
    BrokerError,
    CallDropped,
    MaybeSent,
    NotSent,
    PublishRefused,
    Unroutable,
)
from core.logs import get_logger
from vendors.wire import Answer, Queued, Request

log = get_logger()

ROUND = "postern.answers"
"""The exchange by which processes hand each other answers."""

_CONNECT_LIMIT = timedelta(seconds=5)
_CLOSE_LIMIT = timedelta(seconds=2)
_HEARTBEAT = 10
_ANSWERS_AT_A_TIME = 100


@dataclass(slots=True)
class _Session:
    """One connection: publishing with confirms on one channel, answers on another."""

    connection: AbstractConnection
    sending: AbstractChannel
    answers: AbstractChannel
    round: AbstractExchange
    keys: dict[str, str] = field(default_factory=dict)
    """The queues whose answers are taken, and the field that holds the id in each."""

    @property
    def is_open(self) -> bool:
        channels = (self.sending, self.answers)
        return not self.connection.is_closed and not any(each.is_closed for each in channels)


class AmqpClient:
    """Calls one provider through its broker. Opened by `open_amqp_client`."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._session: _Session | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[tuple[str, str], asyncio.Future[bytes]] = {}

    async def call(self, request: Request, *, within: timedelta, lease: Lease) -> Answer:
        """Publish a request, persistent and mandatory, and wait for its answer.

        Raises CallDropped, NotSent (the broker is away, refused the message, or has no such queue)
        or MaybeSent.
        """
        queued = request.queued
        if queued is None:
            raise NotSent("this call cannot go through the provider's broker")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        key = (queued.answers, queued.id)
        written = False
        try:
            async with asyncio.timeout(within.total_seconds()):
                session = await self._ready(queued)
                # Only now: making the session anew ends everybody who waited on the old one.
                self._waiting[key] = answer
                if not lease.covers(self._clock.monotonic(), within):
                    raise CallDropped("the lease no longer covers the call")
                written = True
                await self._send(session, queued, request.body)
                body = await answer
        except TimeoutError:
            raise (MaybeSent if written else NotSent)("timeout") from None
        finally:
            if self._waiting.get(key) is answer:
                del self._waiting[key]
        return Answer(status=200, headers={}, body=body)

    async def _send(self, session: _Session, queued: Queued, body: bytes) -> None:
        message = aio_pika.Message(
            body,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            with library_failures("publishing"):
                await session.sending.default_exchange.publish(
                    message, routing_key=queued.queue, mandatory=True
                )
        except (PublishRefused, Unroutable) as error:
            raise NotSent(f"the provider's broker: {error}") from error
        except BrokerError as error:
            raise MaybeSent(f"the provider's broker: {error}") from error

    async def _ready(self, queued: Queued) -> _Session:
        """A session that takes this answer. Raises NotSent."""
        try:
            async with self._opening:
                if self._session is None or not self._session.is_open:
                    await self._close()
                    self._session = await self._open()
                session = self._session
                if queued.answers not in session.keys:
                    await self._take_answers(session, queued)
        except BrokerError as error:
            await self._close()
            raise NotSent(f"the provider's broker: {error}") from error
        return session

    async def _open(self) -> _Session:
        with library_failures("connecting"):
            async with asyncio.timeout(_CONNECT_LIMIT.total_seconds()):
                connection = await aio_pika.connect(
                    self._url,
                    heartbeat=_HEARTBEAT,
                    client_properties={"connection_name": "postern calls"},
                )
                sending = await connection.channel(publisher_confirms=True, on_return_raises=True)
                answers = await connection.channel(publisher_confirms=True, on_return_raises=False)
                await answers.set_qos(prefetch_count=_ANSWERS_AT_A_TIME)
                exchange = await answers.declare_exchange(
                    ROUND, aio_pika.ExchangeType.FANOUT, auto_delete=True
                )
                own = await answers.declare_queue(exclusive=True)
                await own.bind(exchange)
                await own.consume(self._handed_round, no_ack=True)
        connection.close_callbacks.add(self._lost)
        return _Session(connection, sending, answers, exchange)

    async def _take_answers(self, session: _Session, queued: Queued) -> None:
        """Only once the queue is consumed may a request go out."""
        with library_failures(f"taking answers of {queued.answers}"):
            async with asyncio.timeout(_CONNECT_LIMIT.total_seconds()):
                queue = await session.answers.get_queue(queued.answers)
                session.keys[queued.answers] = queued.key
                await queue.consume(self._answered)

    async def _answered(self, message: AbstractIncomingMessage) -> None:
        """An answer from the vendor: for us, or for another process of ours."""
        session = self._session
        queue = message.routing_key or ""
        if session is None or queue not in session.keys:
            return  # left unacknowledged: the connection is going
        with suppress(BrokerError), library_failures("handing an answer round"):
            if not self._settle(queue, session.keys[queue], message.body):
                await session.round.publish(
                    aio_pika.Message(
                        message.body, headers={"queue": queue, "key": session.keys[queue]}
                    ),
                    routing_key="",
                )
            await message.ack()

    async def _handed_round(self, message: AbstractIncomingMessage) -> None:
        queue, key = message.headers.get("queue"), message.headers.get("key")
        if isinstance(queue, str) and isinstance(key, str):
            self._settle(queue, key, message.body)

    def _settle(self, queue: str, key: str, body: bytes) -> bool:
        """Whether somebody here waited for it."""
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            log.warning("answer_unreadable", queue=queue)
            return True
        name = content.get(key) if isinstance(content, dict) else None
        answer = self._waiting.get((queue, name)) if isinstance(name, str) else None
        if answer is None or answer.done():
            return False
        answer.set_result(body)
        return True

    def _lost(self, *_: object) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(MaybeSent("the provider's broker was lost"))
                answer.exception()

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(BrokerError), library_failures("closing"):
                async with asyncio.timeout(_CLOSE_LIMIT.total_seconds()):
                    await session.connection.close()


@asynccontextmanager
async def open_amqp_client(url: str, *, clock: Clock) -> AsyncIterator[AmqpClient]:
    """Connects at the first call: a broker that is away does not keep a process from starting."""
    client = AmqpClient(url, clock)
    try:
        yield client
    finally:
        await client._close()  # noqa: SLF001 - the one place that opens and closes
