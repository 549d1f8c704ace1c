"""Reading a request's body within its limits: size, time, and how many at once.

What must not go in: what the bytes mean.
"""

from __future__ import annotations

import asyncio
import zlib
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

_GZIP = 16 + zlib.MAX_WBITS


class BodyGate:
    """Bounds how many requests with a body are in progress, and so the memory they take.

    A quarter is kept for those who have proved who they are before their body is read: strangers
    who send bodies byte by byte cannot take every place.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._kept = limit // 4

    def enter(self, *, proved: bool) -> bool:
        """False: there are too many. Else until `leave`."""
        if self._free <= (0 if proved else self._kept):
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        self._free += 1

    @contextmanager
    def pass_through(self, *, proved: bool = True) -> Iterator[None]:
        """Raises Overloaded at once when there are too many: waiting would only make it worse."""
        if not self.enter(proved=proved):
            raise Overloaded("Too many requests are in progress.")
        try:
            yield
        finally:
            self.leave()


def is_compressed(request: web.Request, *, gzip: bool) -> bool:
    """Whether the body is compressed with gzip, where that is taken. Raises UnsupportedContent for
    any other way, and for gzip where it is not taken."""
    if hdrs.CONTENT_ENCODING not in request.headers:
        return False
    codings = [
        coding.strip().lower()
        for line in request.headers.getall(hdrs.CONTENT_ENCODING, [])
        for coding in line.split(",")
    ]
    wanted = [coding for coding in codings if coding not in {"", "identity"}]
    if not wanted:
        return False
    if gzip and wanted == ["gzip"]:
        return True
    raise UnsupportedContent(
        "A body is taken as it is or compressed once with gzip."
        if gzip
        else "Compressed bodies are not taken."
    )


def inflate(body: bytes, *, limit: int) -> bytes:
    """What was compressed with gzip. Raises MalformedRequest, or BodyTooLarge: no more than `limit`
    bytes are ever made of it."""
    unpacking = zlib.decompressobj(wbits=_GZIP)
    try:
        plain = unpacking.decompress(body, limit + 1)
    except zlib.error:
        raise MalformedRequest("The body is not gzip.") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedRequest("The body is not one whole gzip member.")
    return plain


async def read_body(
    request: web.Request, *, limit: int, within: timedelta, gzip: bool = False
) -> bytes:
    """The whole body as it was sent. Nothing is read of a body that is refused by its headers
    alone.

    `gzip`: it may be compressed; it is not unpacked here, since what was signed is what was sent.
    Raises UnsupportedContent, BodyTooLarge, BodyTooSlow, MalformedRequest.
    """
    is_compressed(request, gzip=gzip)
    if request.headers.get(hdrs.TRANSFER_ENCODING, "chunked").strip().lower() != "chunked":
        # Nothing else is undone, so that the body would not be what its sender meant.
        raise UnsupportedContent("Of transfer codings only chunked is taken.")
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    if request.content.is_eof():
        return await _read(request, limit)  # all of it is here, and nobody has to be waited for
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
