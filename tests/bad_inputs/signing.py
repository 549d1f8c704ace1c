"""Signatures as the senders make them."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime

from standardwebhooks import Webhook

from tests.bad_inputs.postern import KEYS, Header


def signed(
    body: bytes, secret: str, *, webhook_id: str = "msg_1", age: float = 0
) -> list[tuple[str, str]]:
    """The headers of Standard Webhooks; `age` in seconds."""
    moment = datetime.fromtimestamp(datetime.now(UTC).timestamp() - age, UTC)
    return [
        ("webhook-id", webhook_id),
        ("webhook-timestamp", str(int(moment.timestamp()))),
        ("webhook-signature", Webhook(secret).sign(webhook_id, moment, body.decode("utf-8"))),
    ]


def digest(body: bytes, secret: str, *, algorithm: str = "sha256") -> bytes:
    return hmac.digest(KEYS[secret].encode(), body, algorithm)


def in_base64(body: bytes, secret: str) -> str:
    return base64.b64encode(digest(body, secret)).decode()


def shopify(body: bytes) -> list[Header]:
    return [("X-Shopify-Hmac-Sha256", in_base64(body, "SHOPIFY_SECRET"))]


def woocommerce(body: bytes) -> list[Header]:
    return [("X-WC-Webhook-Signature", in_base64(body, "WOO_SECRET"))]


def github(body: bytes) -> list[Header]:
    return [("X-Hub-Signature-256", "sha256=" + digest(body, "GITHUB_SECRET").hex())]
