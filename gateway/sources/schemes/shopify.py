"""Shopify: HMAC-SHA-256 over the body with the app's client secret, in base64.

Source: shopify.dev, "Verify webhook deliveries". After a rotation Shopify may sign with the old
secret for up to an hour: keep both. What must not go in: what a delivery says (see `presets`).
"""

from __future__ import annotations

from gateway.sources.keys import Key
from gateway.sources.schemes.signed_body import SignedBody
from gateway.sources.verifier import from_base64

HEADER = "x-shopify-hmac-sha256"


def shopify(keys: tuple[Key[bytes], ...]) -> SignedBody:
    return SignedBody(keys=keys, header=HEADER, decode=from_base64)
