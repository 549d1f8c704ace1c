"""Deliveries of shop systems, as their documentation has them, and their signatures."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

FOLDER = Path(__file__).resolve().parents[1] / "deliveries"
SECRET = "a-secret-of-more-than-24-bytes"
ADOBE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ADOBE_PEM = (
    ADOBE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A delivery before it is signed."""

    headers: dict[str, str]
    body: Any

    @property
    def raw(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False).encode()


def recorded(name: str) -> Recorded:
    return Recorded(**json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def _digest(signed: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), signed, "sha256")


def _shopify(body: bytes, secret: str) -> dict[str, str]:
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(_digest(body, secret)).decode()}


def _woocommerce(body: bytes, secret: str) -> dict[str, str]:
    return {"X-WC-Webhook-Signature": base64.b64encode(_digest(body, secret)).decode()}


def _github(body: bytes, secret: str) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={_digest(body, secret).hex()}"}


def _stripe(body: bytes, secret: str) -> dict[str, str]:
    now = str(int(datetime.now(UTC).timestamp()))
    signed = f"{now}.".encode() + body
    return {"Stripe-Signature": f"t={now},v1={_digest(signed, secret).hex()},v0=00"}


def _bigcommerce(body: bytes, secret: str) -> dict[str, str]:
    now, webhook_id = datetime.now(UTC), "msg_2Yh3"
    # Their sample encodes the client secret before it gives it to the library.
    library = Webhook(base64.b64encode(secret.encode()).decode())
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": library.sign(webhook_id, now, body.decode()),
    }


def _adobe_commerce(body: bytes, _secret: str) -> dict[str, str]:
    signature = ADOBE.sign(base64.b64encode(body), PKCS1v15(), SHA256())
    return {"x-adobe-commerce-webhook-signature": base64.b64encode(signature).decode()}


SIGN: dict[str, Callable[[bytes, str], dict[str, str]]] = {
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "stripe": _stripe,
    "bigcommerce": _bigcommerce,
    "github": _github,
    "adobe-commerce": _adobe_commerce,
}
