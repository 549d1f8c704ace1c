"""Standard Webhooks 1.0.0, symmetric: HMAC-SHA-256 over `{id}.{timestamp}.{body}`, several keys.

Verified over the bytes as received. A malformed entry among the signatures is skipped, as the
specification asks of a list that several keys signed. What must not go in: other schemes (`v1a`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from core.configuration import Secret
from core.errors import Unauthenticated
from gateway.events.headers import Headers

SigningKey = bytes

TOLERANCE = timedelta(minutes=5)
MAX_SIGNATURES = 20
"""Entries that are looked at: a sender signs with one or two keys."""

MIN_KEY, MAX_KEY = 24, 64
_PREFIX = "whsec_"
_FAMILIES = ("webhook-", "svix-")
_NAMES = ("id", "timestamp", "signature")
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_MAX_ID = 256


def signing_key(secret: Secret) -> SigningKey:
    """The key of a `whsec_...` secret. Raises ValueError saying what was expected."""
    text = secret.reveal()
    if not text.startswith(_PREFIX):
        raise ValueError("expected a secret that begins with whsec_")
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except ValueError:
        raise ValueError("expected base64 after whsec_") from None
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise ValueError(f"expected a key of {MIN_KEY} to {MAX_KEY} bytes after whsec_")
    return key


def verify(body: bytes, headers: Headers, *, keys: Sequence[SigningKey], now: datetime) -> str:
    """The webhook's id, if one of the keys signed this body within the tolerance.

    Raises Unauthenticated (one text for every cause), or MalformedRequest if a header that decides
    came twice.
    """
    identity, timestamp, signature = _security_headers(headers)
    if not 1 <= len(identity) <= _MAX_ID:
        raise Unauthenticated(cause="bad-id")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Unauthenticated(cause="bad-timestamp")
    age = now.timestamp() - int(timestamp)
    signed = b".".join((_raw(identity), timestamp.encode("ascii"), body))
    expected = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    matched = False
    for candidate in _candidates(signature):
        for digest in expected:
            matched |= hmac.compare_digest(digest, candidate)
    if not matched:
        raise Unauthenticated(cause="bad-signature")
    if abs(age) > TOLERANCE.total_seconds():
        raise Unauthenticated(cause="stale")
    return identity


def _security_headers(headers: Headers) -> tuple[str, str, str]:
    """Id, timestamp and signature, all of one family. Each is looked at, so that none hides."""
    complete: tuple[str, str, str] | None = None
    for family in _FAMILIES:
        identity, timestamp, signature = (headers.one(family + name) for name in _NAMES)
        if complete is None and identity and timestamp and signature:
            complete = identity, timestamp, signature
    if complete is None:
        raise Unauthenticated(cause="missing")
    return complete


def _candidates(signature: str) -> list[bytes]:
    """The `v1` signatures of a list, decoded; whatever else stands there is passed over."""
    found: list[bytes] = []
    for entry in signature.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]:
        version, _, encoded = entry.partition(",")
        if version != "v1":
            continue
        try:
            found.append(base64.b64decode(_raw(encoded), validate=True))
        except binascii.Error:
            continue
    return found


def _raw(text: str) -> bytes:
    """A header's bytes as they were received."""
    return text.encode("utf-8", "surrogateescape")
