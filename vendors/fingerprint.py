"""Opaque, stable names for what an action sets, comparable without personal data.

What must not go in: which parts make up a name. Changing how parts are joined would orphan every
mark that journals hold: an older consent could then overwrite a newer one.
"""

from __future__ import annotations

import hashlib


def fingerprint(kind: str, *parts: str | int) -> str:
    """32 hexadecimal characters over the parts, each with its length in front."""
    digest = hashlib.sha256()
    for part in (kind, *parts):
        raw = str(part).encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()[:32]
