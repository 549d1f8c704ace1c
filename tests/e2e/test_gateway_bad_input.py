"""Whatever is sent: a problem with a stable code, nothing published, and the next good request
works."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Limits
from tests.e2e.serving import KEYS, ORDER, SHOP, Served, serving, sign

JSON = {**SHOP, "Content-Type": "application/json"}
CLOUD = {**SHOP, "Content-Type": "application/cloudevents+json"}
GOOD = json.dumps(ORDER).encode()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def served(tmp_path: Path, keys: None) -> AsyncIterator[Served]:
    limits = Limits(body_time=timedelta(milliseconds=300), lingering=timedelta(milliseconds=200))
    async with serving(tmp_path, limits=limits) as it:
        yield it


@dataclass(frozen=True, kw_only=True)
class Bad:
    name: str
    status: int
    code: str
    body: bytes = GOOD
    headers: dict[str, str] = field(default_factory=lambda: JSON)
    method: str = "POST"
    path: str = "/v1/events"
    more: dict[str, Any] = field(default_factory=dict)


def order(**changed: Any) -> bytes:
    return json.dumps({**ORDER, **changed}).encode()


BAD = [
    Bad(name="empty body", status=400, code="malformed", body=b""),
    Bad(name="not JSON", status=400, code="malformed", body=b"{nope"),
    Bad(name="trailing bytes", status=400, code="malformed", body=GOOD + b"x"),
    Bad(name="two documents", status=400, code="malformed", body=GOOD + b"\n" + GOOD),
    Bad(name="invalid UTF-8", status=400, code="malformed", body=b'{"id": "\xff"}'),
    Bad(name="a BOM", status=400, code="malformed", body=b"\xef\xbb\xbf" + GOOD),
    Bad(name="UTF-16", status=400, code="malformed", body=GOOD.decode().encode("utf-16")),
    Bad(name="NaN", status=400, code="malformed", body=b'{"id": "1", "data": {"x": NaN}}'),
    Bad(name="1e400", status=400, code="malformed", body=b'{"id": "1", "data": {"x": 1e400}}'),
    Bad(name="a huge integer", status=400, code="malformed", body=order(data={"x": 10**30})),
    Bad(name="a lone surrogate", status=400, code="malformed", body=b'{"id": "\\ud800"}'),
    Bad(name="a key twice", status=400, code="malformed", body=b'{"id": "1", "id": "2"}'),
    Bad(name="depth 65", status=400, code="malformed", body=b"[" * 65 + b"]" * 65),
    Bad(name="depth 100,000", status=400, code="malformed", body=b"[" * 100_000 + b"]" * 100_000),
    Bad(name="many values", status=400, code="malformed", body=order(data={"x": [1] * 20_000})),
    Bad(name="a string", status=400, code="malformed", body=b'"x"'),
    Bad(name="null", status=400, code="malformed", body=b"null"),
    Bad(name="an empty object", status=422, code="invalid-event", body=b"{}"),
    Bad(
        name="no type",
        status=422,
        code="invalid-event",
        body=b'{"id": "1"}',
        more={"field": "type"},
    ),
    Bad(
        name="no id", status=422, code="invalid-event", body=b'{"type": "a"}', more={"field": "id"}
    ),
    Bad(name="NUL in the id", status=422, code="invalid-event", body=order(id="a\x00b")),
    Bad(name="a number for a type", status=422, code="invalid-event", body=order(type=5)),
    Bad(name="a list for data", status=422, code="invalid-event", body=order(data=[1])),
    Bad(name="a time that is none", status=422, code="invalid-event", body=order(time="soon")),
    Bad(
        name="a time in the future",
        status=422,
        code="event-in-future",
        body=order(time=(datetime.now(UTC) + timedelta(days=1)).isoformat()),
    ),
    Bad(name="an unknown key", status=422, code="invalid-event", body=order(tiem="x")),
    Bad(
        name="a type this source may not send",
        status=403,
        code="event-type-not-allowed",
        body=order(type="payment.made"),
    ),
    Bad(
        name="a batch with one bad element",
        status=422,
        code="invalid-batch",
        body=json.dumps([ORDER, {"id": "2"}, ORDER]).encode(),
        more={"index": 1, "field": "type", "cause": "invalid-event"},
    ),
    Bad(
        name="a batch with one that is not allowed",
        status=422,
        code="invalid-batch",
        body=json.dumps([ORDER, {**ORDER, "type": "payment.made"}]).encode(),
        more={"index": 1, "field": "type", "cause": "event-type-not-allowed"},
    ),
    Bad(name="an empty batch", status=422, code="invalid-batch", body=b"[]", more={"index": 0}),
    Bad(
        name="a long batch",
        status=422,
        code="invalid-batch",
        body=json.dumps([{"id": "1", "type": "a"}] * 1001).encode(),
        more={"index": 1000},
    ),
    Bad(
        name="text/plain",
        status=415,
        code="unsupported-content",
        headers={**SHOP, "Content-Type": "text/plain"},
    ),
    Bad(
        name="a form",
        status=415,
        code="unsupported-content",
        headers={**SHOP, "Content-Type": "application/x-www-form-urlencoded"},
    ),
    Bad(
        name="charset=utf-16",
        status=415,
        code="unsupported-content",
        headers={**SHOP, "Content-Type": "application/json; charset=utf-16"},
    ),
    Bad(
        name="gzip",
        status=415,
        code="unsupported-content",
        body=gzip.compress(GOOD),
        headers={**JSON, "Content-Encoding": "gzip"},
    ),
    Bad(
        name="gzip that is none",
        status=415,
        code="unsupported-content",
        headers={**JSON, "Content-Encoding": "gzip"},
    ),
    Bad(
        name="br",
        status=415,
        code="unsupported-content",
        headers={**JSON, "Content-Encoding": "br"},
    ),
    Bad(
        name="gzip twice",
        status=415,
        code="unsupported-content",
        headers={**JSON, "Content-Encoding": "gzip, gzip"},
    ),
    Bad(
        name="a body over the limit",
        status=413,
        code="body-too-large",
        body=b" " * (256 * 1024 + 1),
    ),
    Bad(
        name="no key",
        status=401,
        code="unauthenticated",
        headers={"Content-Type": "application/json"},
    ),
    Bad(
        name="a wrong key",
        status=401,
        code="unauthenticated",
        headers={**JSON, "Authorization": "Bearer x"},
    ),
    Bad(
        name="not a bearer",
        status=401,
        code="unauthenticated",
        headers={**JSON, "Authorization": "Basic eDp5"},
    ),
    Bad(
        name="a key that is no text",
        status=401,
        code="unauthenticated",
        headers={**JSON, "Authorization": "Bearer \xe9\xff"},
    ),
    Bad(name="an unknown source", status=404, code="not-found", path="/v1/hooks/nobody"),
    Bad(name="a source that does not sign", status=404, code="not-found", path="/v1/hooks/shop"),
    Bad(
        name="an unsigned webhook", status=401, code="unauthenticated", path="/v1/hooks/storefront"
    ),
    Bad(name="an unknown path", status=404, code="not-found", path="/v1/nothing"),
    Bad(name="the root", status=404, code="not-found", path="/"),
    Bad(
        name="dots in the path",
        status=404,
        code="not-found",
        path="/v1/events/..%2f..%2fetc",
        method="GET",
        body=b"",
    ),
    Bad(name="NUL in the path", status=404, code="not-found", path="/v1/hooks/%00"),
    Bad(name="a wrong method", status=405, code="method-not-allowed", method="GET", body=b""),
    Bad(name="DELETE", status=405, code="method-not-allowed", method="DELETE", body=b""),
    Bad(name="PROPFIND", status=405, code="method-not-allowed", method="PROPFIND", body=b""),
    Bad(
        name="an unknown filter",
        status=400,
        code="invalid-parameter",
        method="GET",
        path="/v1/actions?source=other",
        body=b"",
    ),
    Bad(
        name="a CloudEvent of another version",
        status=400,
        code="malformed",
        headers=CLOUD,
        body=b'{"specversion": "0.3", "id": "1", "source": "/", "type": "order.placed"}',
    ),
    Bad(
        name="a batch to be tried",
        status=415,
        code="unsupported-content",
        path="/v1/rules/try",
        body=json.dumps([ORDER]).encode(),
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
async def test_bad_input_is_a_problem_publishes_nothing_and_harms_nobody(
    served: Served, bad: Bad
) -> None:
    answer = await served.ask(bad.method, bad.path, data=bad.body or None, headers=bad.headers)
    assert (answer.status, answer.body.get("code")) == (bad.status, bad.code), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.body) >= {"type", "title", "status", "detail", "instance", "code"}
    assert answer.body["status"] == bad.status
    for name, value in bad.more.items():
        assert answer.body[name] == value
    if bad.status == 405:
        assert answer.headers["Allow"] == "POST"
    assert await served.published() == (0, 0)
    assert (await served.post(ORDER)).status == 202


@pytest.mark.fault(27)
async def test_every_failed_signature_reads_the_same_and_its_cause_is_counted(
    served: Served,
) -> None:
    body = json.dumps(ORDER)
    fresh = sign(body, secret=KEYS["HOOK_NEW"])
    old = str(int(fresh["webhook-timestamp"]) - 301)
    signature = fresh["webhook-signature"]
    tries = [
        await served.hook(body, secret="whsec_" + "QUFB" * 8),
        await served.hook(body, **{"webhook-timestamp": old}),
        await served.hook(body, **{"webhook-timestamp": "nan"}),
        await served.hook(body, **{"webhook-timestamp": "\u0661" * 10}),
        await served.hook(body, **{"webhook-signature": "v1"}),
        await served.hook(body, **{"webhook-signature": "v1,%%%"}),
        await served.hook(body, **{"webhook-signature": "v1a," + signature.partition(",")[2]}),
        await served.hook(body, **{"webhook-signature": "v1,AAAA " * 500}),
        await served.hook(body, **{"webhook-id": ""}),
        await served.hook(body, **{"webhook-id": "\xe9\xff"}),
    ]
    told = {(part.status, part.body["code"], part.body["detail"]) for part in tries}
    assert told == {(401, "unauthenticated", "The request could not be authenticated.")}
    metrics = (await served.probe("/metrics")).body
    assert 'postern_signature_failures_total{cause="bad-signature",source="storefront"}' in metrics
    assert await served.published() == (0, 0)
    assert (await served.hook(body)).status == 202


async def test_a_security_header_sent_twice_is_refused(served: Served) -> None:
    headers = [*JSON.items(), ("Authorization", "Bearer x")]
    answer = await served.ask("POST", "/v1/events", data=GOOD, headers=headers)
    assert (answer.status, answer.body["code"]) == (400, "malformed")


async def test_a_body_of_exactly_the_limit_is_taken(served: Served) -> None:
    body = GOOD + b" " * (256 * 1024 - len(GOOD))
    answer = await served.ask("POST", "/v1/events", data=body, headers=JSON)
    assert answer.status == 202


class Wire:
    """A connection on which anything can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, served: Served) -> AsyncIterator[Wire]:
        listen = served.gateway.listen
        reader, writer = await asyncio.open_connection(listen.host, listen.port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def send(self, *lines: str, body: bytes = b"") -> None:
        head = "\r\n".join(("POST /v1/events HTTP/1.1", "Host: x", *lines)) + "\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(5):
            return await self.reader.read()


KEY_LINE = f"Authorization: {SHOP['Authorization']}"
TYPE_LINE = "Content-Type: application/json"


async def test_a_body_announced_too_large_is_refused_without_reading_it(served: Served) -> None:
    async with Wire.open(served) as wire:
        await wire.send(KEY_LINE, TYPE_LINE, "Content-Length: 99999999")
        answer = await wire.rest()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"code":"body-too-large"' in answer


async def test_a_chunked_body_is_cut_off_at_the_limit(served: Served) -> None:
    async with Wire.open(served) as wire:
        await wire.send(KEY_LINE, TYPE_LINE, "Transfer-Encoding: chunked")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(5):
            wire.writer.write(chunk)
        answer = await wire.rest()
        assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_does_not_arrive_is_408_and_frees_its_place(tmp_path: Path) -> None:
    limits = Limits(
        bodies=1, body_time=timedelta(milliseconds=200), lingering=timedelta(milliseconds=100)
    )
    async with serving(tmp_path, limits=limits) as served, Wire.open(served) as wire:
        await wire.send(KEY_LINE, TYPE_LINE, "Content-Length: 500", body=b'{"id":')
        answer = await wire.rest()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"body-too-slow"' in answer
        assert b"Connection: close" in answer
        assert await served.published() == (0, 0)
        assert (await served.post(ORDER)).status == 202


async def test_a_connection_cut_inside_a_body_frees_its_place(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(bodies=1)) as served, Wire.open(served) as wire:
        await wire.send(KEY_LINE, TYPE_LINE, "Content-Length: 500", body=b'{"id":')
        wire.writer.transport.abort()
        answer = await served.post(ORDER)
        while answer.status == 503:
            answer = await served.post(ORDER)
        assert answer.status == 202
        assert await served.published() == (1, 1)


async def test_broken_chunks_are_400(served: Served) -> None:
    async with Wire.open(served) as wire:
        await wire.send(KEY_LINE, TYPE_LINE, "Transfer-Encoding: chunked", body=b"zz\r\nxx\r\n")
        assert (await wire.rest()).startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
        assert (await served.post(ORDER)).status == 202


async def test_the_body_is_not_even_asked_for_when_the_key_is_wrong(served: Served) -> None:
    async with Wire.open(served) as wire:
        await wire.send(
            "Authorization: Bearer x", TYPE_LINE, "Content-Length: 10", "Expect: 100-continue"
        )
        answer = await wire.rest()
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"100 Continue" not in answer


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(served: Served) -> None:
    async with Wire.open(served) as wire:
        await wire.send(
            KEY_LINE,
            TYPE_LINE,
            f"Content-Length: {len(GOOD)}",
            "Expect: 100-continue",
            "Connection: close",
        )
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.writer.write(GOOD)
        assert (await wire.rest()).startswith(b"HTTP/1.1 202 ")


async def test_no_bytes_whatever_make_a_500(served: Served) -> None:
    """Mutations of good requests, from a fixed seed."""
    chance = random.Random(20261122)
    statuses = set()
    for _ in range(400):
        body = bytearray(GOOD)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(body))
            match chance.randrange(3):
                case 0:
                    body[at] = chance.randrange(256)
                case 1:
                    del body[at : at + chance.randrange(1, 8)]
                case _:
                    body[at:at] = bytes(chance.randrange(256) for _ in range(3))
        kind = chance.choice(["", "cloudevents+", "cloudevents-batch+"])
        headers = {**SHOP, "Content-Type": f"application/{kind}json"}
        answer = await served.ask("POST", "/v1/events", data=bytes(body), headers=headers)
        statuses.add(answer.status)
    assert statuses <= {202, 400, 403, 422}
    assert (await served.post(ORDER)).status == 202
