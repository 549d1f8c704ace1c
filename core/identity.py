"""Names that follow from what they name: the same event, rule and step always get the same ones.

All are opaque: hashes, each part with its length in front, so that no two lists of parts collide.
What must not go in: anything random, or that a restart would change.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256


def _digest(*parts: str) -> bytes:
    """SHA-256 over the parts, each with its length in front, so that no two lists of parts
    collide."""
    return sha256(b"".join([_known(part) for part in parts[:-1]]) + _piece(parts[-1])).digest()


def _piece(part: str) -> bytes:
    raw = part.encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(8, "big") + raw


_known = lru_cache(maxsize=1024)(_piece)
"""What comes first are the names of sources, rules and steps, and an event's id once for each of
its actions."""


def _opaque(prefix: str, digest: bytes) -> str:
    return prefix + urlsafe_b64encode(digest).decode("ascii").rstrip("=")


@lru_cache(maxsize=256)
def event_ref(source: str, event_id: str) -> str:
    """The opaque, stable name of an event: `ev_` and 28 characters.

    The last four bytes tie it to its source, so that a reference that was mistyped or belongs to
    another source is told from one that the recorder has not reached yet. It is asked for with each
    action of an event.
    """
    name = _digest("event", source, event_id)[:17]
    return _opaque("ev_", name + _ref_check(source, name))


def is_ref_of(ref: str, source: str) -> bool:
    """Whether `ref` could have been given to an event of this source."""
    encoded = ref.removeprefix("ev_")
    if not ref.startswith("ev_") or len(encoded) != 28:
        return False
    try:
        raw = b64decode(encoded, altchars=b"-_", validate=True)
    except ValueError:
        return False
    return raw[17:] == _ref_check(source, raw[:17])


def _ref_check(source: str, name: bytes) -> bytes:
    return _digest("ref", source, name.hex())[:4]


def action_id(source: str, event_id: str, rule: str, step: str) -> str:
    """The action's identity: the same event, rule and step always give the same id (contract line
    2)."""
    return _opaque("ac_", _digest("action", source, event_id, rule, step)[:18])


def request_id(action: str, generation: int) -> str:
    """The provider-side idempotency key of one generation of an action (`Request-ID` at
    Altcraft)."""
    return _opaque("", _digest("request", action, str(generation))[:18])


def text_tag(action: str, generation: int) -> int:
    """The 31-bit tag a text carries in `customerid`, by which it is found again (never 0)."""
    return int.from_bytes(_digest("text", action, str(generation))[:4], "big") % 0x7FFFFFFE + 1
