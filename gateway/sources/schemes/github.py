"""GitHub: HMAC-SHA-256 over the body, as `sha256=` and hexadecimal digits.

Source: docs.github.com, "Validating webhook deliveries". The older SHA-1 header is not looked at.
What must not go in: what a delivery says (see `presets`).
"""

from __future__ import annotations

from gateway.sources.keys import Key
from gateway.sources.schemes.signed_body import SignedBody
from gateway.sources.verifier import from_hex

HEADER = "x-hub-signature-256"


def github(keys: tuple[Key[bytes], ...]) -> SignedBody:
    return SignedBody(keys=keys, header=HEADER, prefix="sha256=", decode=from_hex)
