"""Standard Webhooks 1.0.0 over `{id}.{timestamp}.{body}`: `v1` (HMAC-SHA-256) and `v1a` (ed25519).

Verified over the bytes as received. A malformed entry among the signatures is skipped, as the
specification asks of a list that several keys signed. What must not go in: other schemes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.configuration import Secret
from core.errors import Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key, active_name, matching_digests
from gateway.sources.verifier import Proof, as_received, check_timestamp, from_base64, is_timestamp

SigningKey = bytes | Ed25519PublicKey

MAX_SIGNATURES = 20
"""Entries that are looked at: a sender signs with one or two keys."""

MIN_KEY, MAX_KEY = 24, 64
_SYMMETRIC, _PUBLIC, _PRIVATE = "whsec_", "whpk_", "whsk_"
_FAMILIES = ("webhook-", "svix-")
_NAMES = ("id", "timestamp", "signature")
_MAX_ID = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardWebhooks:
    keys: tuple[Key[bytes], ...]
    public_keys: tuple[Key[Ed25519PublicKey], ...] = ()

    def check(self, headers: Headers) -> None:
        identity, timestamp, _ = _security_headers(headers)
        if not 1 <= len(identity) <= _MAX_ID:
            raise Unauthenticated(cause="bad-id")
        if not is_timestamp(timestamp):
            raise Unauthenticated(cause="bad-timestamp")

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:
        """The webhook's id, if one of the keys signed this body within the tolerance."""
        self.check(headers)
        identity, timestamp, signature = _security_headers(headers)
        signed = b".".join((as_received(identity), timestamp.encode("ascii"), body))
        digests, signatures = _candidates(signature)
        found = active_name(self._fitting(signed, digests, signatures), now)
        check_timestamp(timestamp, now)
        return Proof(key=found, id=identity)

    def _fitting(
        self, signed: bytes, digests: Sequence[bytes], signatures: Sequence[bytes]
    ) -> list[Key[object]]:
        found: list[Key[object]] = [*matching_digests(self.keys, signed, digests)]
        found.extend(
            key
            for key in self.public_keys
            if any(_is_signed(key.value, signed, candidate) for candidate in signatures)
        )
        return found


def standard_webhooks(keys: Sequence[Key[SigningKey]]) -> StandardWebhooks:
    symmetric: list[Key[bytes]] = []
    public: list[Key[Ed25519PublicKey]] = []
    for key in keys:
        match key.value:
            case bytes() as secret:
                symmetric.append(replace(key, value=secret))  # type: ignore[arg-type]
            case public_key:
                public.append(replace(key, value=public_key))  # type: ignore[arg-type]
    return StandardWebhooks(keys=tuple(symmetric), public_keys=tuple(public))


def signing_key(secret: Secret) -> SigningKey:
    """The key of a `whsec_...` secret or a `whpk_...` public key. Raises ValueError saying what was
    expected."""
    text = secret.reveal()
    if text.startswith(_PRIVATE):
        raise ValueError("whsk_ is the private key and stays with the sender: give the whpk_")
    prefix = _PUBLIC if text.startswith(_PUBLIC) else _SYMMETRIC
    if not text.startswith(prefix):
        raise ValueError("expected a secret that begins with whsec_, or a public key with whpk_")
    try:
        key = base64.b64decode(text.removeprefix(prefix), validate=True)
    except ValueError:
        raise ValueError(f"expected base64 after {prefix}") from None
    if prefix == _PUBLIC:
        try:
            return Ed25519PublicKey.from_public_bytes(key)
        except ValueError:
            raise ValueError(f"expected an ed25519 key of 32 bytes after {prefix}") from None
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise ValueError(f"expected a key of {MIN_KEY} to {MAX_KEY} bytes after {prefix}")
    return key


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


def _candidates(signature: str) -> tuple[list[bytes], list[bytes]]:
    """The `v1` and the `v1a` signatures of a list, decoded; whatever else stands there is passed
    over."""
    found: dict[str, list[bytes]] = {"v1": [], "v1a": []}
    for entry in signature.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]:
        version, _, encoded = entry.partition(",")
        decoded = from_base64(encoded) if version in found else None
        if decoded is not None:
            found[version].append(decoded)
    return found["v1"], found["v1a"]


def _is_signed(key: Ed25519PublicKey, signed: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
