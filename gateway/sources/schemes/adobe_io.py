"""Adobe I/O Events: RSA with SHA-256 over the body, under one of two keys, and for us.

Source: developer.adobe.com/events/docs, "Security verification". The headers name where the public
keys can be fetched; nothing is fetched here, the keys are configured. The signature proves that
Adobe sent it, `recipient_client_id` that it was meant for us. What must not go in: what it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from core.errors import Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key, active_name
from gateway.sources.schemes.rsa_key import signing
from gateway.sources.verifier import Proof, from_base64

HEADERS = ("x-adobe-digital-signature-1", "x-adobe-digital-signature-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdobeIo:
    keys: tuple[Key[RSAPublicKey], ...]
    client_id: str

    def check(self, headers: Headers) -> None:
        _signatures(headers)

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:
        proof = Proof(key=active_name(signing(self.keys, body, _signatures(headers)), now))
        try:
            told = orjson.loads(body)
        except ValueError:
            told = None
        recipient = told.get("recipient_client_id") if isinstance(told, dict) else None
        if recipient != self.client_id:
            raise Unauthenticated(cause="wrong-recipient")
        return proof


def _signatures(headers: Headers) -> list[bytes]:
    texts = [text for name in HEADERS if (text := headers.one(name))]
    if not texts:
        raise Unauthenticated(cause="missing")
    signatures = [raw for text in texts if (raw := from_base64(text)) is not None]
    if not signatures:
        raise Unauthenticated(cause="malformed")
    return signatures
