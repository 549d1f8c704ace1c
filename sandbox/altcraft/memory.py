"""Deduplication of requests as the platform documents it: 24 hours by Request-ID and token.

What must not go in: which answers are worth remembering.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A first answer."""

    at: datetime
    status: int
    body: bytes


class Memory:
    """First answers by token and Request-ID, for as long as the window."""

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
    digest = hashlib.sha1(f"{token}\n{request_id}".encode(), usedforsecurity=False).digest()
    return b64encode(digest).decode("ascii")
