"""A keep-alive HTTP client that does nothing but count: a full one would be slower than the
gateway.

One request at a time per connection; every answer is read whole, and its status counted. What must
not go in: what the requests are about.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_STATUS = slice(9, 12)
ACCEPTED = 202
_PATIENCE = 60.0
"""Seconds for the answers that are outstanding when the time is up."""


@dataclass(slots=True)
class Load:
    """What came of it, up to the last answer. `latencies` (seconds) are of what was accepted."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        return self.statuses.total()

    @property
    def refused(self) -> int:
        return self.answered - self.statuses[ACCEPTED]


def post_request(url: str, key: str, body: bytes) -> bytes:
    """The bytes of one `POST /v1/events`."""
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


async def post_all(
    url: str,
    requests: Iterable[bytes],
    *,
    connections: int,
    seconds: float,
    rate: float | None = None,
) -> Load:
    """Send requests until the time is up or there are no more, and wait for every answer.

    `rate`: so many a second at most; what waits for a free connection is late, and counts so.
    Raises ConnectionError if the server closes a connection with a request on it.
    """
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    load = Load()
    async with asyncio.timeout(seconds + _PATIENCE):
        loop = asyncio.get_running_loop()
        run = _Run(iter(requests), load, loop.create_future(), 1 / rate if rate else 0.0)
        lines = [
            (await loop.create_connection(lambda: _Line(run), host, port))[1]
            for _ in range(connections)
        ]
        started = time.perf_counter()
        run.until = started + seconds
        run.due = started
        run.open = len(lines)
        for line in lines:
            line.send()
        await run.ended
        # Up to the last answer, since that is counted too: of long requests, those on their way
        # when the time is up would be a large part.
        load.seconds = time.perf_counter() - started
    return load


@dataclass(slots=True)
class _Run:
    requests: Iterator[bytes]
    load: Load
    ended: asyncio.Future[None]
    pause: float
    """Seconds between two requests; 0: none."""
    due: float = 0.0
    """When the next one is to be sent."""
    until: float = 0.0
    open: int = 0

    def next_moment(self) -> float:
        now = time.perf_counter()
        if not self.pause:
            return now
        due, self.due = self.due, self.due + self.pause
        return due

    def next_request(self) -> bytes | None:
        if time.perf_counter() < self.until and not self.ended.done():
            return next(self.requests, None)
        return None

    def line_ended(self) -> None:
        self.open -= 1
        if self.open == 0 and not self.ended.done():
            self.ended.set_result(None)

    def failed(self) -> None:
        if not self.ended.done():
            self.ended.set_exception(ConnectionError("the server closed a connection in use"))


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = b""
        self._sent = 0.0
        self._write: Callable[[bytes], None]
        self._close: Callable[[], None]
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        self._write, self._close = stream.write, stream.close

    def connection_lost(self, _error: Exception | None) -> None:
        if self._busy:
            self._run.failed()

    def send(self) -> None:
        moment = self._run.next_moment()
        if (wait := moment - time.perf_counter()) > 0:
            asyncio.get_running_loop().call_later(wait, self._send, moment)
        else:
            self._send(moment)

    def _send(self, moment: float) -> None:
        request = self._run.next_request()
        self._busy = request is not None
        if request is None:
            self._close()
            self._run.line_ended()
            return
        self._sent = moment
        self._write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, complete, rest = self._received.partition(b"\r\n\r\n")
        if not complete:
            return
        length = _LENGTH.search(head)
        if length is None or len(rest) < int(length[1]):
            return
        status = int(head[_STATUS])
        self._run.load.statuses[status] += 1
        if status == ACCEPTED:
            self._run.load.latencies.append(time.perf_counter() - self._sent)
        self._received = b""
        self.send()
