"""Load and faults, one after another, so that everything that is watched has something to tell.

What must not go in: what is made of it (see `finding`).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aio_pika
import aiohttp

from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE
from tests.chart.watching.watched import CALLBACK, ONCE, TILL, UNSERVED, Watched
from tests.load import order

RATE = 15.0
"""Events a second."""
_GUESSES = 80
_CONNECTIONS = 320
_ELSEWHERE = "127.0.0.2"
"""Who guesses is not who sends: an address that fails too often is held off."""
_LIMIT = aiohttp.ClientTimeout(total=10)


async def bring_about(stack: Watched, seconds: float) -> None:
    """Everything once, then an ordinary load until so many seconds are over."""
    until = asyncio.get_running_loop().time() + seconds
    async with _loaded(stack):
        for trouble in (
            _before_anything_is_confirmed,
            _guesses,
            _refused_configuration,
            _refusing_provider,
            _failing_provider,
            _too_many_connections,
            _unreadable,
            _missing_queue,
            _dead_message,
            _paused,
            _journal_away,
            _broker_away,
            _frozen_leader,
        ):
            await trouble(stack)
        # What nobody serves must have been seen waiting for a while.
        await asyncio.sleep(max(5, until - asyncio.get_running_loop().time()))


async def end_everything(stack: Watched) -> None:
    """First the gateway, then the consumers instead of it, then everybody."""
    stack.kill("gateway")
    await asyncio.sleep(4)
    await asyncio.to_thread(stack.start, "gateway")
    await asyncio.sleep(2)
    for part in ("consumers-1", "consumers-2"):
        stack.kill(part)
    await asyncio.sleep(4)
    stack.kill("gateway")
    await asyncio.sleep(4)


async def _before_anything_is_confirmed(stack: Watched) -> None:
    stack.broker.pause()
    await asyncio.sleep(7)
    stack.broker.resume()
    await asyncio.sleep(3)


async def _guesses(stack: Watched) -> None:
    connector = aiohttp.TCPConnector(local_addr=(_ELSEWHERE, 0))
    async with aiohttp.ClientSession(timeout=_LIMIT, connector=connector) as http:
        for number in range(_GUESSES):
            signed = {
                "webhook-id": f"guess-{number}",
                "webhook-timestamp": "1",
                "webhook-signature": "v1,AAAA",
            }
            hook = f"{stack.events}/v1/hooks/storefront"
            async with http.post(hook, json=order(number), headers=signed) as answer:
                assert answer.status in {401, 429}
            async with http.post(f"{stack.events}/v1/events", json={}) as answer:
                assert answer.status in {401, 429}
            await asyncio.sleep(0.02)


async def _refused_configuration(stack: Watched) -> None:
    right = stack.config.read_text(encoding="utf-8")
    stack.config.write_text("rules: 7\n", encoding="utf-8")
    await asyncio.sleep(3)
    stack.config.write_text(right, encoding="utf-8")


async def _refusing_provider(stack: Watched) -> None:
    """First the single text, for good; then our token."""
    spare = {"call": "addsms", "match": {"device_id": "261"}}
    async with _fault(stack, {**spare, "fault": "error-body", "times": 200}):
        for number in range(40):
            await _post(stack, _event("order.spare", f"spare-{number}"))
        await asyncio.sleep(3)
    async with _fault(stack, {**spare, "fault": "status", "status": 401, "times": 200}):
        for number in range(10):
            await _post(stack, _event("order.spare", f"token-{number}"))
        await asyncio.sleep(2)


async def _failing_provider(stack: Watched) -> None:
    """And phones that texts do not reach."""
    await _ask(stack, "/_sandbox/smsgateway24/outcomes", {"status": 9, "times": 60})
    down = {"call": "subscriptions/set", "fault": "status", "status": 503, "times": 500}
    async with _fault(stack, down):
        await asyncio.sleep(5)


async def _too_many_connections(stack: Watched) -> None:
    with _connections(stack.listens("gateway"), _CONNECTIONS):
        await asyncio.sleep(2)


async def _unreadable(stack: Watched) -> None:
    """What a shop system, a provider and somebody at the broker's console may leave."""
    body = b'{"what": "is this"}'
    key = stack.secrets[TILL].encode()
    signed = base64.b64encode(hmac.digest(key, body, hashlib.sha256)).decode()
    headers = {"x-till": signed, "Content-Type": "application/json"}
    async with aiohttp.ClientSession(timeout=_LIMIT) as http:
        for path in ("/v1/hooks/till", f"/v1/callbacks/spare/{stack.secrets[CALLBACK]}"):
            await _until_taken(http, f"{stack.events}{path}", body, headers)
    async with _channel(stack) as channel:
        for queue in ("postern.sms.normal", RECORDER_QUEUE):
            message = aio_pika.Message(b"not ours")
            await channel.default_exchange.publish(message, routing_key=queue)


async def _missing_queue(stack: Watched) -> None:
    """The scheduler declares it again within half a minute."""
    async with _channel(stack) as channel:
        await channel.queue_delete("postern.sms.bulk")
    await asyncio.sleep(2)


async def _dead_message(stack: Watched) -> None:
    """As the broker leaves one, with what it knows of an action that nobody carries out."""
    async with _channel(stack) as channel:
        queue = await channel.get_queue(f"postern.{UNSERVED}.urgent")
        message = await queue.get(timeout=5)
        dead = aio_pika.Message(message.body)
        await channel.default_exchange.publish(dead, routing_key=DEAD_QUEUE)
        await message.nack(requeue=True)


async def _paused(stack: Watched) -> None:
    headers = {"Authorization": f"Bearer {stack.operator}"}
    things = ({"kind": "rule", "name": "shipped"}, {"kind": "provider", "name": "spare"})
    async with aiohttp.ClientSession(timeout=_LIMIT, headers=headers) as http:
        for way, rest in (("pause", 2), ("resume", 0)):
            for what in things:
                async with http.post(f"{stack.events}/v1/operator/{way}", json=what) as answer:
                    assert answer.status == 200, await answer.text()
            await asyncio.sleep(rest)


async def _journal_away(stack: Watched) -> None:
    await asyncio.to_thread(stack.postgres.stop)
    await asyncio.sleep(3)
    await asyncio.to_thread(stack.postgres.start)


async def _broker_away(stack: Watched) -> None:
    await asyncio.to_thread(stack.broker.restart)
    await asyncio.sleep(3)


async def _frozen_leader(stack: Watched) -> None:
    """The other one takes over within its lease; until then nobody's turn is new."""
    (leader,) = stack.prometheus.ask("postern_scheduler_leading == 1")[:1]
    part = leader["metric"]["instance"]
    stack.signal(part, signal.SIGSTOP)
    await asyncio.sleep(4)
    stack.signal(part, signal.SIGCONT)


@asynccontextmanager
async def _loaded(stack: Watched) -> AsyncIterator[None]:
    """A steady load of all kinds of events. Senders take what they get: much is refused here."""
    numbers = itertools.count()

    async def send() -> None:
        async with asyncio.TaskGroup() as group:
            for number in numbers:
                group.create_task(_post(stack, _some(number), key=_key(stack, number)))
                await asyncio.sleep(1 / RATE)

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


def _key(stack: Watched, number: int) -> str:
    return stack.secrets[ONCE] if number % 4 == 0 else stack.key


def _some(number: int) -> dict[str, Any]:
    match number % 10:
        case 1:
            return _event("user.signed_up", f"code-{number}", code="4711")
        case 2:
            return _event("order.shipped", f"shipped-{number}")  # without what its text names
        case 3 | 5:
            return _event("order.campaign", f"campaign-{number}")
        case 7:
            return _event(f"order.{UNSERVED}", f"left-{number}")
        case _:
            return order(number)


def _event(kind: str, name: str, **data: str) -> dict[str, Any]:
    return {"id": name, "type": kind, "data": {"phone": "+4915112345678", **data}}


async def _post(stack: Watched, event: dict[str, Any], key: str = "") -> None:
    headers = {"Authorization": f"Bearer {key or stack.key}"}
    async with aiohttp.ClientSession(timeout=_LIMIT) as http:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.post(f"{stack.events}/v1/events", json=event, headers=headers):
                pass


async def _until_taken(
    http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> None:
    """As a sender does that is told to come again."""
    async with asyncio.timeout(30):
        while True:
            async with http.post(url, data=body, headers=headers) as answer:
                if answer.status < 500:
                    assert answer.status == 200, await answer.text()
                    return
            await asyncio.sleep(0.5)


async def _ask(stack: Watched, path: str, body: dict[str, Any]) -> None:
    async with (
        aiohttp.ClientSession(timeout=_LIMIT) as http,
        http.post(f"{stack.sandbox}{path}", json=body) as answer,
    ):
        assert answer.status in {200, 201}, await answer.text()


@asynccontextmanager
async def _fault(stack: Watched, body: dict[str, Any]) -> AsyncIterator[None]:
    await _ask(stack, "/_sandbox/faults", body)
    yield
    async with (
        aiohttp.ClientSession(timeout=_LIMIT) as http,
        http.delete(f"{stack.sandbox}/_sandbox/faults") as answer,
    ):
        assert answer.status == 204


@asynccontextmanager
async def _channel(stack: Watched) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(stack.broker.url) as connection:
        yield await connection.channel()


@contextmanager
def _connections(port: int, count: int) -> Iterator[None]:
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            with contextlib.suppress(OSError):
                connection = socket.create_connection(("127.0.0.1", port), timeout=1)
                opened.enter_context(connection)
        yield
