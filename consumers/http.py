"""The one seam between Postern and a provider's network: bounded, without redirects, told apart
exactly.

What matters to the delivery protocol is whether a request may have gone out. Up to the moment its
first byte is handed to the connection it has not; from then on only an answer tells. What must not
go in: what a request or an answer means, and any logging of either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace

import aiohttp

from consumers.resolver import GuardedResolver
from core.clock import Clock
from core.errors import CallDropped, MaybeSent, NotSent
from vendors.wire import Answer, Request

ANSWER_LIMIT = 4 * 1024 * 1024
"""Bytes of an answer that are read. The rest is cut off, which its vendor then reads as no
answer."""

KEEP_ALIVE = 15.0
"""Seconds an idle connection is kept; shorter than at common servers: they must not close on us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Until when (monotonic seconds) a call may be under way."""

    until: float

    def covers(self, now: float, timeout: timedelta) -> bool:
        return now + timeout.total_seconds() <= self.until


@dataclass(slots=True)
class _Flight:
    """One request on its way: whether its first byte may have left."""

    lease: Lease
    timeout: timedelta
    written: bool = False


class ProviderClient:
    """Calls one provider. Opened by `open_client`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    async def call(self, request: Request, *, within: timedelta, lease: Lease) -> Answer:
        """Post a request and read its answer.

        Raises CallDropped (the lease no longer covers the timeout; nothing was written), NotSent or
        MaybeSent. `within` covers connecting, writing and reading together.
        """
        flight = _Flight(lease=lease, timeout=within)
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._post(request, flight)
        except CallDropped:
            raise
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            reason = _described(error)
            if flight.written:
                raise MaybeSent(reason) from error
            raise NotSent(reason) from error

    async def _post(self, request: Request, flight: _Flight) -> Answer:
        async with self._session.post(
            f"{self._url}/{request.path}",
            data=request.body,
            headers=dict(request.headers),
            allow_redirects=False,
            trace_request_ctx=flight,
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(64 * 1024):
                body += chunk
                if len(body) > ANSWER_LIMIT:
                    response.close()
                    break
            return Answer(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(body[:ANSWER_LIMIT]),
            )


@asynccontextmanager
async def open_client(
    url: str, *, clock: Clock, connections: int, allow_hosts: frozenset[str] = frozenset()
) -> AsyncIterator[ProviderClient]:
    async def before_writing(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        # The connection stands and nothing is written yet. A process that was stopped while it
        # connected notices here that somebody else may have its action by now.
        flight = context.trace_request_ctx
        if not flight.lease.covers(clock.monotonic(), flight.timeout):
            raise CallDropped("the lease no longer covers the call")
        flight.written = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(before_writing)
    connector = aiohttp.TCPConnector(
        limit=connections,
        keepalive_timeout=KEEP_ALIVE,
        resolver=GuardedResolver(allow_hosts),
    )
    async with aiohttp.ClientSession(
        connector=connector,
        trace_configs=[trace],
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=True,
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"User-Agent": "postern"},
    ) as session:
        yield ProviderClient(session, url)


def _described(error: Exception) -> str:
    """What went wrong in words without addresses or data."""
    match error:
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorDNSError():
            return "the host's name cannot be resolved"
        case aiohttp.ClientSSLError():
            return "TLS failure"
        case aiohttp.ClientConnectorError():
            return "cannot connect"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "connection lost"
        case _:
            return type(error).__name__
