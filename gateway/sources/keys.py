"""The keys of a source, each with a name for the metrics and the time in which it counts.

Several are active at a time, so that a secret can be changed without refusing anybody. What must
not go in: a scheme of verification.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from core.configuration import Secret
from core.errors import Unauthenticated

MIN_SECRET = 24
"""Bytes. Shorter ones can be guessed."""

Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Generic[Value_co]):
    """One key. `name` is how the configuration refers to it (`env:SHOP_KEY`), never the key."""

    value: Value_co = field(repr=False)
    name: str
    not_before: datetime | None = None
    not_after: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        if self.not_before is not None and now < self.not_before:
            return False
        return self.not_after is None or now <= self.not_after


def text_key(secret: Secret) -> bytes:
    """The bytes of the text. Raises ValueError for one that can be guessed."""
    raw = secret.reveal().encode("utf-8", "surrogateescape")
    if len(raw) < MIN_SECRET:
        raise ValueError(f"this secret is shorter than {MIN_SECRET} bytes")
    return raw


def active_name(matching: Sequence[Key[object]], now: datetime) -> str:
    """The name of the key that counts among those that fit. Raises Unauthenticated if none fits,
    or all that do are out of their time."""
    if not matching:
        raise Unauthenticated(cause="bad-signature")
    for key in matching:
        if key.is_active(now):
            return key.name
    raise Unauthenticated(cause="inactive-secret")


def matching_digests(
    keys: Sequence[Key[bytes]],
    signed: bytes,
    candidates: Sequence[bytes],
    *,
    algorithm: str = "sha256",
) -> list[Key[bytes]]:
    """The keys whose HMAC over `signed` is one of the candidates. Every one is compared each time,
    so that the time taken tells nothing."""
    found: list[Key[bytes]] = []
    for key in keys:
        digest = hmac.digest(key.value, signed, algorithm)
        fits = False
        for candidate in candidates:
            fits |= hmac.compare_digest(digest, candidate)
        if fits:
            found.append(key)
    return found
