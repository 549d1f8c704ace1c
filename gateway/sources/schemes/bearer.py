"""Bearer keys: `Authorization: Bearer <key>`, where the key itself says which source it is.

Keys are kept as SHA-256 only (they are long and random, so nothing slower is needed), and every one
is compared each time, so that the time taken tells nothing. A secret may be given as its hash
already (`sha256:` and 64 hexadecimal digits): then the key is nowhere with us. What must not go in:
signed webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from core.configuration import Secret
from core.errors import Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key, text_key
from gateway.sources.verifier import Proof

KeyHash = bytes
Owner = TypeVar("Owner")

_CREDENTIALS = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]{1,1024})")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A source that proves itself by a key, where its path says already which source it is."""

    keys: tuple[Key[KeyHash], ...]

    def check(self, headers: Headers) -> None:
        self._fitting(headers)

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:  # noqa: ARG002 - a key signs nothing
        return Proof(key=active_bearer(self._fitting(headers), now))

    def _fitting(self, headers: Headers) -> Key[KeyHash]:
        return find_owner(headers.one("authorization"), [(key.value, key) for key in self.keys])


def bearer_key(secret: Secret) -> KeyHash:
    """Raises ValueError saying what was expected."""
    text = secret.reveal()
    if hashed := _HASH.fullmatch(text):
        return bytes.fromhex(hashed[1])
    if text.startswith("sha256:"):
        raise ValueError("expected 64 hexadecimal digits in lower case after sha256:")
    text_key(secret)
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a bearer key is printable ASCII without spaces")
    return key_hash(secret)


def active_bearer(key: Key[KeyHash], now: datetime) -> str:
    """The name of a key that fits. Raises Unauthenticated if it is out of its time."""
    if not key.is_active(now):
        raise Unauthenticated(cause="inactive-secret")
    return key.name


def key_hash(secret: Secret) -> KeyHash:
    return hash_key(secret.reveal())


def find_owner(authorization: str | None, keys: Iterable[tuple[KeyHash, Owner]]) -> Owner:
    """Whose key this is. Raises Unauthenticated whatever is wrong with it."""
    if authorization is None:
        raise Unauthenticated(cause="missing")
    credentials = _CREDENTIALS.fullmatch(authorization)
    if credentials is None:
        raise Unauthenticated(cause="malformed")
    presented = hash_key(credentials[1])
    found: Owner | None = None
    for known, owner in keys:
        if hmac.compare_digest(known, presented):
            found = owner
    if found is None:
        raise Unauthenticated(cause="unknown-key")
    return found


def hash_key(key: str) -> KeyHash:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
