"""Adobe Commerce webhooks: RSA with SHA-256 over the base64 text of the body.

Source: developer.adobe.com/commerce/extensibility/webhooks, "Signature verification": its text says
HMAC, its code checks an RSA signature with the public key of the admin page. What must not go in:
what a delivery says (see `presets`).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from core.errors import Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key, active_name
from gateway.sources.schemes.rsa_key import signing
from gateway.sources.verifier import Proof, from_base64, required

HEADER = "x-adobe-commerce-webhook-signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdobeCommerce:
    keys: tuple[Key[RSAPublicKey], ...]

    def check(self, headers: Headers) -> None:
        _signature(headers)

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:
        signature = _signature(headers)
        return Proof(key=active_name(signing(self.keys, base64.b64encode(body), [signature]), now))


def _signature(headers: Headers) -> bytes:
    signature = from_base64(required(headers, HEADER))
    if signature is None:
        raise Unauthenticated(cause="malformed")
    return signature
