"""What every scheme of verification gives: a proof that a body came from its source.

Verified over the bytes as received, before anything of them is read. What must not go in: a scheme
(one file each in `schemes`).
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timedelta
from typing import Protocol

from core.errors import Unauthenticated
from core.record import record
from gateway.events.headers import Headers

TOLERANCE = timedelta(minutes=5)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+")


@record
class Proof:
    """A delivery that is authentic. `key` names the key that proved it; `id` is the delivery's own
    id if it was signed, too."""

    key: str
    id: str | None = None


class Verifier(Protocol):
    """One source's way of proving itself, with its keys."""

    def check(self, headers: Headers) -> None:
        """What the headers alone tell, before the body is read. Raises Unauthenticated, or
        MalformedRequest if a header that decides came twice."""
        ...

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:
        """Raises as `check`; one text for every cause."""
        ...


def required(headers: Headers, name: str) -> str:
    """The one value of a header. Raises Unauthenticated if it is missing or empty."""
    value = headers.one(name)
    if not value:
        raise Unauthenticated(cause="missing")
    return value


def check_timestamp(text: str, now: datetime, tolerance: timedelta = TOLERANCE) -> None:
    """Seconds since 1970, as written in digits. Raises Unauthenticated."""
    if not is_timestamp(text):
        raise Unauthenticated(cause="bad-timestamp")
    if abs(now.timestamp() - int(text)) > tolerance.total_seconds():
        raise Unauthenticated(cause="stale")


def is_timestamp(text: str) -> bool:
    return _TIMESTAMP.fullmatch(text) is not None


def from_base64(text: str) -> bytes | None:
    """The bytes, or None for what is not base64 with its padding."""
    try:
        return base64.b64decode(as_received(text), validate=True)
    except binascii.Error:
        return None


def from_hex(text: str) -> bytes | None:
    """The bytes, or None for what is not hexadecimal (either case)."""
    raw = as_received(text)
    return bytes.fromhex(raw.decode("ascii")) if _HEX.fullmatch(raw) else None


def as_received(text: str) -> bytes:
    """A header's bytes as they came."""
    return text.encode("utf-8", "surrogateescape")
