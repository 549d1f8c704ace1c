"""Bearer keys: `Authorization: Bearer <key>`, where the key itself says which source it is.

Keys are kept as SHA-256 only (they are long and random, so nothing slower is needed), and every one
is compared each time, so that the time taken tells nothing. What must not go in: signed webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import TypeVar

from core.configuration import Secret
from core.errors import Unauthenticated

KeyHash = bytes
Owner = TypeVar("Owner")

_CREDENTIALS = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]{1,1024})")


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
