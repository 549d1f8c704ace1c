"""Reading a request's body within its limits: size, time, and how many at once.

What must not go in: what the bytes mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from core.errors import (
    BodyTooLarge,
    BodyTooSlow,
    MalformedRequest,
    Overloaded,
    UnsupportedContent,
)


class BodyGate:
    """Bounds how many requests with a body are in progress, and so the memory they take."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    @contextmanager
    def pass_through(self) -> Iterator[None]:
        """Raises Overloaded at once when there are too many: waiting would only make it worse."""
        if self._free <= 0:
            raise Overloaded("Too many requests are in progress.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


async def read_body(request: web.Request, *, limit: int, within: timedelta) -> bytes:
    """The whole body as it was sent. Nothing is read of a body that is refused by its headers
    alone.

    Raises UnsupportedContent (compressed), BodyTooLarge, BodyTooSlow, MalformedRequest.
    """
    for coding in request.headers.getall(hdrs.CONTENT_ENCODING, []):
        if coding.strip().lower() not in {"", "identity"}:
            raise UnsupportedContent("Compressed bodies are not taken.")
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(within.total_seconds()):
            await _say_continue(request)
            return await _read(request, limit)
    except TimeoutError:
        seconds = within.total_seconds()
        raise BodyTooSlow(f"The body did not arrive within {seconds:g} seconds.") from None


async def leave_continue_to_handler(_request: web.Request) -> None:
    """In place of aiohttp's answer to `Expect`: the body is asked for only once somebody wants
    it."""


async def _say_continue(request: web.Request) -> None:
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # It does not count as the start of the answer.
        request.writer.output_size = 0


async def _read(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    try:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > limit:
                raise _too_large(limit)
    except (RequestPayloadError, HttpProcessingError):
        raise MalformedRequest("The body's framing is broken.") from None
    return bytes(body)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.")
