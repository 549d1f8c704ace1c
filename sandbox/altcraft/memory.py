"""Deduplication of requests as the platform documents it: 24 hours by Request-ID and token, or
without a Request-ID by a checksum of headers and body.

What must not go in: which answers are worth remembering, and which calls know checksums.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A first answer."""

    at: datetime
    status: int
    body: bytes
    content_type: str = "application/json"


class Memory:
    """First answers by key, for as long as the window."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Remembered] = OrderedDict()

    def recall(self, key: str, *, now: datetime, window: timedelta) -> Remembered | None:
        while self._answers:
            oldest = next(iter(self._answers))
            if now - self._answers[oldest].at < window:
                break
            del self._answers[oldest]
        return self._answers.get(key)

    def keep(self, key: str, answer: Remembered) -> None:
        self._answers.setdefault(key, answer)

    def clear(self) -> None:
        self._answers.clear()


def duplicate_key(token: str, request_id: str) -> str:
    """28 characters: 20 bytes in base64, as in the vendor's example."""
    return _hashed(f"{token}\n{request_id}".encode())


def checksum_key(path: str, headers: Mapping[str, str], body: bytes) -> str:
    """The same shape over the request's data. A header that differs each time makes it useless, as
    the vendor warns."""
    written = "\n".join(f"{name.lower()}:{value}" for name, value in sorted(headers.items()))
    return _hashed(f"{path}\n{written}\n".encode() + body)


def _hashed(content: bytes) -> str:
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    return b64encode(digest).decode("ascii")
