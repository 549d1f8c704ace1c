"""The short way of one whole event answers as the ordinary way does, to the byte, and takes nothing
that it would have to refuse."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import BrokerBlocked, BrokerUnavailable, PublishRefused, Unroutable
from gateway.settings import Limits
from tests.e2e.serving import KEYS, ORDER, Served, serving
from tests.e2e.test_gateway_bad_input import BAD, JSON, Bad

_CHANGING = re.compile(rb"req_[0-9a-f]{16}|\r\nDate: [^\r]+")
_LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)", re.IGNORECASE)
_LIMIT = 5


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def served(tmp_path: Path, keys: None) -> AsyncIterator[Served]:
    limits = Limits(body_time=timedelta(milliseconds=300), lingering=timedelta(milliseconds=200))
    async with serving(tmp_path, limits=limits) as it:
        yield it


def body_of(number: int = 1, **changed: Any) -> bytes:
    return json.dumps({**ORDER, "id": f"o-{number}", **changed}).encode()


def request_of(
    body: bytes,
    headers: dict[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/v1/events",
    version: str = "1.1",
) -> bytes:
    given = {"Host": "postern", "Content-Length": str(len(body)), **(JSON | (headers or {}))}
    lines = [f"{method} {path} HTTP/{version}"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


class Client:
    """One connection, by bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def answer(self) -> bytes:
        """The next whole answer; what there is of one when the connection ends."""
        async with asyncio.timeout(_LIMIT):
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as error:
                return error.partial
            length = _LENGTH.search(head)
            return head + (await self._reader.readexactly(int(length[1])) if length else b"")

    async def rest(self) -> bytes:
        async with asyncio.timeout(_LIMIT):
            return await self._reader.read()


async def connect(served: Served) -> Client:
    listen = served.gateway.listen
    return Client(*await asyncio.open_connection(listen.host, listen.port))


async def ask(served: Served, *parts: bytes) -> bytes:
    client = await connect(served)
    for part in parts:
        client.writer.write(part)
        await client.writer.drain()
        await asyncio.sleep(0.01 if len(parts) > 1 else 0)
    found = await client.answer()
    client.writer.close()
    return _CHANGING.sub(b"-", found)


async def both(served: Served, *parts: bytes) -> tuple[bytes, bytes, bool]:
    """The answer of the ordinary way, that of a gateway which may take the short one, and whether
    it did."""
    served.broker.takes_posts = False
    ordinary = await ask(served, *parts)
    served.broker.takes_posts, before = True, served.broker.posted
    short = await ask(served, *parts)
    return ordinary, short, served.broker.posted > before


@dataclass(frozen=True, kw_only=True)
class Sent:
    body: bytes = field(default_factory=body_of)
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    short: bool = True


HEAD = b"POST /v1/events HTTP/1.1\r\nHost: a\r\n"
CLOUD_EVENT = {"specversion": "1.0", "id": "c-1", "source": "s", "type": "order.placed"}

GOOD = {
    "one event": Sent(),
    "a rule that says no": Sent(body=body_of(data={"total": 1})),
    "a rule that cannot be evaluated": Sent(body=body_of(data={})),
    "no rule": Sent(body=body_of(type="user.seen")),
    "no time": Sent(body=body_of(time=None)),
    "a charset": Sent(headers={"Content-Type": "application/json; charset=UTF-8"}),
    "escapes": Sent(body=body_of(data={"x": "ü\n\u2028"})),
    "a CloudEvent": Sent(
        body=json.dumps(CLOUD_EVENT).encode(),
        headers={"Content-Type": "application/cloudevents+json"},
    ),
    "a CloudEvent in headers": Sent(
        body=b'{"total": 20}',
        headers={
            "ce-specversion": "1.0",
            "ce-id": "c-2",
            "ce-source": "s",
            "ce-type": "order.placed",
        },
    ),
    "headers of no meaning": Sent(headers={"X-Anything": "ü", "Cookie": "a=b", "TE": "trailers"}),
    "a proxy": Sent(headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}),
    "a batch": Sent(body=b"[" + body_of() + b"]", short=False),
    "a query": Sent(more={"path": "/v1/events?x=1"}, short=False),
    "a fragment of a path": Sent(more={"path": "/v1/%65vents"}, short=False),
    "HTTP/1.0": Sent(more={"version": "1.0"}, short=False),
    "an end of the connection": Sent(headers={"Connection": "close"}, short=False),
    "an upgrade": Sent(headers={"Connection": "upgrade", "Upgrade": "websocket"}, short=False),
    "a wish to be asked": Sent(headers={"Expect": "100-continue"}, short=False),
    "a large one": Sent(body=body_of(data={"x": ["y" * 1000] * 20}), short=False),
    "a coding that is none": Sent(headers={"Content-Encoding": "identity"}, short=False),
}


@pytest.mark.parametrize("name", GOOD)
async def test_what_is_taken_is_answered_to_the_byte_as_ever(served: Served, name: str) -> None:
    sent = GOOD[name]
    whole = request_of(sent.body, sent.headers, **sent.more)
    ordinary, short, taken = await both(served, whole)
    assert ordinary.startswith((b"HTTP/1.1 202 ", b"HTTP/1.1 100 ", b"HTTP/1.0 202 ")), ordinary
    assert short == ordinary
    assert taken is sent.short


@pytest.mark.parametrize("bad", BAD, ids=[bad.name for bad in BAD])
async def test_what_is_refused_is_refused_to_the_byte_as_ever(served: Served, bad: Bad) -> None:
    rest = {name: value for name, value in bad.headers.items() if name not in JSON}
    whole = request_of(bad.body, rest, method=bad.method, path=bad.path)
    for name, value in JSON.items():
        line = f"{name}: {bad.headers[name]}\r\n" if name in bad.headers else ""
        whole = whole.replace(f"{name}: {value}\r\n".encode(), line.encode(), 1)
    ordinary, short, taken = await both(served, whole)
    assert ordinary.startswith(b"HTTP/1.1 %d " % bad.status)
    assert short == ordinary
    assert not taken


@pytest.mark.parametrize(
    "broken",
    [
        b"POST /v1/events HTTP/1.1\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Bad Header: 1\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"POST /v1/events\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
async def test_what_is_no_http_is_answered_as_ever(served: Served, broken: bytes) -> None:
    ordinary, short, taken = await both(served, broken + b"\r\n\r\n")
    assert short == ordinary
    assert not taken


@pytest.mark.parametrize(
    "error",
    [
        BrokerUnavailable("no answer in time"),
        BrokerBlocked("low on memory"),
        PublishRefused("full"),
        Unroutable("no queue"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_the_broker_does_not_take_is_told_as_ever(
    served: Served, error: Exception
) -> None:
    await served.post(ORDER)
    served.broker.error, served.broker.away = error, False
    ordinary, short, taken = await both(served, request_of(body_of()))
    assert ordinary.startswith(b"HTTP/1.1 503 ")
    assert short == ordinary
    assert taken


async def test_wherever_a_request_is_cut_the_answer_is_the_same(served: Served) -> None:
    whole = request_of(body_of())
    expected = await ask(served, whole)
    for at in range(1, len(whole), 7):
        assert await ask(served, whole[:at], whole[at:]) == expected


async def test_answers_come_in_the_order_of_their_requests(served: Served) -> None:
    """Short and ordinary ones in one go, while the first waits for the broker."""
    client = await connect(served)
    served.broker.hold = asyncio.Event()
    kinds = [body_of(1), b"[" + body_of(2) + b"]", body_of(3), b"{}", body_of(5), body_of(6)]
    first, *others = [request_of(body) for body in kinds]
    client.writer.write(first)
    await served.broker.entered.wait()
    client.writer.write(b"".join(others[:2]) + others[2][:30])
    await asyncio.sleep(0.05)
    client.writer.write(others[2][30:] + b"".join(others[3:]))
    await asyncio.sleep(0.05)
    served.broker.hold.set()
    answers = [await client.answer() for _ in kinds]
    told = [re.findall(rb'"id":"(o-[0-9])"', answer) for answer in answers]
    assert told == [[b"o-1"], [b"o-2"], [b"o-3"], [], [b"o-5"], [b"o-6"]]
    assert answers[3].startswith(b"HTTP/1.1 422 ")
    client.writer.close()


async def test_a_thousand_on_one_connection(served: Served) -> None:
    client = await connect(served)
    for number in range(1000):
        client.writer.write(request_of(body_of(number)))
    for number in range(1000):
        answer = await client.answer()
        assert answer.startswith(b"HTTP/1.1 202 "), answer
        assert b'"id":"o-%d"' % number in answer
    client.writer.close()


async def test_who_does_not_read_is_not_served_without_end(served: Served) -> None:
    """Answers that nobody reads would fill the memory."""
    client = await connect(served)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    whole = request_of(body_of(data={"total": 20, "phone": "+4915112345678", "x": "y" * 200}))
    sent = 0
    try:
        async with asyncio.timeout(3):
            while True:
                client.writer.write(whole * 100)
                sent += 100
                await client.writer.drain()
    except TimeoutError:
        pass
    await asyncio.sleep(0.5)
    before = served.broker.posted
    await asyncio.sleep(0.5)
    assert served.broker.posted == before
    assert served.broker.posted < sent
    client.writer.transport.abort()


async def test_a_client_that_has_gone_frees_its_place_and_stops_nobody(served: Served) -> None:
    served.broker.hold = asyncio.Event()
    client = await connect(served)
    client.writer.write(request_of(body_of(1)) + request_of(body_of(2)))
    await served.broker.entered.wait()
    client.writer.transport.abort()
    await asyncio.sleep(0.1)
    served.broker.hold.set()
    answer = await served.post({**ORDER, "id": "o-3"})
    assert answer.status == 202
    metrics = str((await served.probe("/metrics")).body)
    assert "postern_ingress_in_progress 0.0" in metrics


async def test_what_is_under_way_is_answered_before_the_gateway_ends(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        served.broker.hold = asyncio.Event()
        client = await connect(served)
        client.writer.write(request_of(body_of(1)))
        await served.broker.entered.wait()
        asyncio.get_running_loop().call_later(0.3, served.broker.hold.set)
        served.gateway.readiness.draining = True
    answer = await client.answer()
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert await client.rest() == b""
    client.writer.close()


async def test_an_idle_connection_ends_and_one_with_a_request_does_not(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(keepalive=timedelta(seconds=0.5))) as served:
        client = await connect(served)
        served.broker.hold = asyncio.Event()
        client.writer.write(request_of(body_of(1)))
        await served.broker.entered.wait()
        await asyncio.sleep(1.2)
        served.broker.hold.set()
        assert (await client.answer()).startswith(b"HTTP/1.1 202 ")
        began = time.monotonic()
        assert await client.rest() == b""
        assert 0.3 < time.monotonic() - began < 20, "the idle time was counted from the answer"
        client.writer.close()


async def test_both_ways_are_counted_alike(served: Served) -> None:
    async def counted(*, posts: bool) -> dict[str, float]:
        served.broker.takes_posts = posts
        before = await _counts(served)
        await ask(served, request_of(body_of(7)))
        await ask(served, request_of(body_of(8, data={})))
        await ask(served, request_of(b"{}"))
        after = await _counts(served)
        return {name: after[name] - before.get(name, 0.0) for name in after}

    await counted(posts=False)
    ordinary = await counted(posts=False)
    assert await counted(posts=True) == ordinary
    assert any(ordinary.values())


async def _counts(served: Served) -> dict[str, float]:
    text = str((await served.probe("/metrics")).body)
    lines = [line for line in text.splitlines() if line.startswith("postern_")]
    found = dict(line.rsplit(" ", 1) for line in lines)
    timed = re.compile(r"_seconds_(bucket|sum)|_timestamp|_created")
    return {name: float(value) for name, value in found.items() if not timed.search(name)}
