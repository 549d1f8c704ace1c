"""Stripe: `t=...,v1=...` over `{t}.{body}`, HMAC-SHA-256 with the whole `whsec_` text as the key.

Source: docs.stripe.com, "Verify webhook signatures manually". Schemes other than v1 are ignored,
as they ask. What must not go in: what a delivery says (see `presets`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.errors import Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key, active_name, matching_digests
from gateway.sources.verifier import Proof, check_timestamp, from_hex, is_timestamp, required

HEADER = "stripe-signature"
MAX_PARTS = 20
"""Parts of the header that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stripe:
    keys: tuple[Key[bytes], ...]

    def check(self, headers: Headers) -> None:
        _parts(headers)

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:
        timestamp, candidates = _parts(headers)
        signed = timestamp.encode("ascii") + b"." + body
        key = active_name(matching_digests(self.keys, signed, candidates), now)
        check_timestamp(timestamp, now)
        return Proof(key=key)


def _parts(headers: Headers) -> tuple[str, list[bytes]]:
    """The timestamp and the `v1` digests; whatever else stands there is passed over."""
    timestamps: list[str] = []
    candidates: list[bytes] = []
    for part in required(headers, HEADER).split(",", MAX_PARTS)[:MAX_PARTS]:
        name, _, value = part.strip(" ").partition("=")
        if name == "t":
            timestamps.append(value)
        elif name == "v1" and (digest := from_hex(value)) is not None:
            candidates.append(digest)
    if len(timestamps) != 1 or not is_timestamp(timestamps[0]):
        raise Unauthenticated(cause="bad-timestamp")
    if not candidates:
        raise Unauthenticated(cause="malformed")
    return timestamps[0], candidates
