"""What every HTTP listener of ours shares: how it binds and ends, how many connections it holds,
JSON answers, their headers.

What must not go in: routes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

import orjson
from aiohttp import StreamReader, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from core.errors import ConfigurationError
from core.settings import Address

HEADERS = {
    "Server": "postern",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`. An answer that needs another policy brings it along."""
    response.headers["Server"] = HEADERS["Server"]
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def answer_json(body: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


_JSON_HEADERS = (("Content-Type", "application/json"),)
_AFTER = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items() if name != "Server")
_LAST = {
    close: "".join(
        (
            f"Server: {HEADERS['Server']}\r\n",
            "Connection: close\r\n" if close else "",
            f"{_AFTER}\r\n",
        )
    ).encode("ascii")
    for close in (False, True)
}


def written(
    body: bytes,
    *,
    status: int,
    headers: Iterable[tuple[str, str]] = _JSON_HEADERS,
    close: bool = False,
) -> bytes:
    """An answer as aiohttp would write it, in the same order, with the headers of every answer."""
    return b"%bContent-Length: %d\r\nDate: %b\r\n%b%b" % (
        _first(status, tuple(headers)),
        len(body),
        rfc822_formatted_time().encode("ascii"),
        _LAST[close],
        body,
    )


@lru_cache(maxsize=64)
def _first(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {_REASONS[status]}\r\n{lines}".encode("ascii")


def new_instance() -> str:
    """An opaque id for one refused request."""
    return f"req_{secrets.token_hex(8)}"


_REASONS = {int(status): status.phrase for status in HTTPStatus}

_NO_HTTP = {
    "type": "urn:postern:problem:malformed",
    "title": "Malformed request",
    "detail": "This is not HTTP as it is taken here.",
    "code": "malformed",
}

_BACKLOG = 64
"""Connections that may be accepted at one go, each a file descriptor, before any is refused."""

_COUNT_EVERY = 0.05
"""Seconds."""


Answer = Callable[[bytes, bool], None]
"""Takes the bytes of an answer, and whether the connection ends with it."""

Short = Callable[[RawRequestMessage, bytes, "str | None", Answer], bool]
"""Is shown a request that is there whole, its body and whom it is from, when nothing else is under
way on its connection. True: it is taken, and answered once, later, whatever happens."""

_SHORT_BODY = 16 * 1024
_HELD = 64 * 1024
"""Bytes kept of what follows a request that is answered the short way, before no more is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How many connections there may be at a time. Those beyond are answered 503 unread, and
    `refused` is told: without a bound, clients that only connect would take every file descriptor,
    and with them the probes and the way to the broker."""

    connections: int
    retry_after: int
    header_time: float
    """Seconds within which a request's head has to be there whole, from its first byte on. A
    connection that sends nothing is the keep-alive's concern."""
    refused: Callable[[], None]


@asynccontextmanager
async def listener(
    runner: web.AppRunner,
    address: Address,
    setting: str,
    *,
    bound: Bound | None = None,
    short: Short | None = None,
    shares_port: bool = False,
) -> AsyncIterator[Address]:
    """Listen at an address; yields the one that is really bound. `shares_port`: the system hands
    each connection to one of those that listen there (SO_REUSEPORT).

    When the context is left it stops accepting and waits for requests in progress. Raises
    ConfigurationError naming `setting` if the address is taken.
    """
    await runner.setup()
    try:
        site = _Site(runner, address, bound, short, shares_port=shares_port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {address} ({error.strerror or type(error).__name__})",
                field=setting,
            ) from error
        host, port = runner.addresses[0][:2]
        yield Address(host=host, port=port)
    finally:
        await runner.cleanup()


class _Site(web.BaseSite):
    def __init__(
        self,
        runner: web.AppRunner,
        address: Address,
        bound: Bound | None,
        short: Short | None,
        *,
        shares_port: bool,
    ) -> None:
        super().__init__(runner)
        self._shares_port = shares_port
        self._short = short
        self._address = address
        self._bound = bound
        self._open = 0
        self._counted = 0.0

    @property
    def name(self) -> str:
        return f"http://{self._address}"

    async def start(self) -> None:
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(
            self._taken,
            self._address.host or None,
            self._address.port,
            backlog=_BACKLOG,
            reuse_port=self._shares_port,
        )

    def _taken(self) -> asyncio.BaseProtocol:
        server, bound = self._runner.server, self._bound
        if server is None:
            raise RuntimeError("a site listens before its runner is set up")
        if bound is not None and self._is_full(server, bound.connections):
            bound.refused()
            return _Refusal(bound.retry_after)
        header_time = bound.header_time if bound is not None else None
        return _Handler.made_by(server, header_time, self._short)

    def _is_full(self, server: web.Server, most: int) -> bool:
        """Counted up here, since many are accepted before the first one is registered; the true
        number costs a copy of them all, so that it is looked at now and then."""
        now = asyncio.get_running_loop().time()
        if self._open >= most and now - self._counted >= _COUNT_EVERY:
            self._counted = now
            self._open = len(server.connections)
        if self._open >= most:
            return True
        self._open += 1
        return False


class _Sieve:
    """The parser of a connection, which passes on only what does not go the short way."""

    __slots__ = ("_parser", "_takes")

    def __init__(
        self, parser: Any, takes: Callable[[RawRequestMessage, StreamReader], bool]
    ) -> None:
        self._parser = parser
        self._takes = takes

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        found: tuple[Any, bool, bytes] = self._parser.feed_data(data)
        messages, upgraded, tail = found
        if len(messages) == 1 and not upgraded and self._takes(*messages[0]):
            self._parser.message_consumed()
            return (), upgraded, tail
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


class _Handler(RequestHandler):
    """Hangs up on a client that does not get its request's head out, since aiohttp takes a byte a
    minute for a sign of life.

    What is no HTTP is answered in our words and logged nowhere: aiohttp would quote what was sent,
    name itself and its version, and write an error for each, which a stranger could make without
    end.
    """

    __slots__ = ("_header_time", "_held", "_is_busy", "_short", "_timer")

    _header_time: float | None
    _timer: asyncio.TimerHandle | None
    _short: Short | None
    _is_busy: bool
    """A request is answered the short way."""
    _held: bytes
    """What came meanwhile: answers go out in the order of their requests."""

    @classmethod
    def made_by(
        cls, server: web.Server, header_time: float | None, short: Short | None
    ) -> _Handler:
        """As the server would make one; it does not ask which class to use."""
        made = server._kwargs  # noqa: SLF001 - nothing public tells; a test holds it
        handler = cls(server, loop=asyncio.get_running_loop(), **made)
        handler._header_time = header_time
        handler._timer = None
        handler._short = short
        handler._is_busy = False
        handler._held = b""
        if short is not None:
            handler._parser = cast("Any", _Sieve(handler._parser, handler._takes))
        return handler

    def data_received(self, data: bytes) -> None:
        if self._is_busy:
            self._hold(data)
            return
        super().data_received(data)
        if not self._waits_for_head():
            self._disarm()
        elif self._timer is None and self._header_time is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._header_time, self.force_close)

    def _waits_for_head(self) -> bool:
        """After bytes came: if it still waits for a request, they are part of a head."""
        return not (self._is_busy or self._waiter is None or self._waiter.done())

    def connection_lost(self, exc: BaseException | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _takes(self, message: RawRequestMessage, payload: StreamReader) -> bool:
        """Whether the request goes the short way."""
        if (
            self._short is None
            or self._waiter is None
            or self._waiter.done()
            or self._messages
            or self._paused
            or self._manager is None
            or not payload.is_eof()
            or not 0 < payload.total_bytes <= _SHORT_BODY
            or payload.exception() is not None
        ):
            return False
        peer = self.peername
        remote = str(peer[0]) if isinstance(peer, tuple) else peer
        self._is_busy = self._request_in_progress = True
        # Looked at and not taken out: it may go the ordinary way.
        body = b"".join(payload._buffer)  # noqa: SLF001 - nothing public shows it; a test holds it
        taken = False
        try:
            taken = self._short(message, body, remote, self._answer)
        finally:
            if not taken:
                self._is_busy = self._request_in_progress = False
        if taken:
            self._request_count += 1
            self._manager.requests_count += 1
        return taken

    def _answer(self, data: bytes, close: bool) -> None:
        # What came meanwhile has its turn later: whoever tells of a verdict may be telling others.
        self._is_busy = bool(self._held)
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        if self.transport is None:
            return
        self.transport.write(data)
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if close or self._force_close or self._close:
            self.force_close()
        elif self._held:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_busy = False
        if self.transport is not None:
            held, self._held = self._held, b""
            self.transport.resume_reading()
            self.data_received(held)

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > _HELD and self.transport is not None:
            self.transport.pause_reading()

    def _process_keepalive(self) -> None:
        if self._is_busy:
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        super()._process_keepalive()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        response = web.Response(
            status=status,
            body=orjson.dumps({**_NO_HTTP, "status": status, "instance": new_instance()}),
            content_type="application/problem+json",
            headers=HEADERS,
        )
        response.force_close()
        return response


class _Refusal(asyncio.Protocol):
    """Answers at once and hangs up."""

    def __init__(self, retry_after: int) -> None:
        self._answer = (
            "HTTP/1.1 503 Service Unavailable\r\n"
            f"Retry-After: {retry_after}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ).encode("ascii")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.write(self._answer)
            transport.close()
