"""WooCommerce: HMAC-SHA-256 over the body with the webhook's secret, in base64.

WordPress keeps the secret with HTML entities and decodes five of them before it signs (class
WC_Webhook, `generate_signature`; `wp_specialchars_decode`), so both spellings are taken here. What
must not go in: what a delivery says (see `presets`).
"""

from __future__ import annotations

import re

from core.configuration import Secret
from gateway.sources.keys import Key
from gateway.sources.schemes.signed_body import SignedBody
from gateway.sources.verifier import from_base64

HEADER = "x-wc-webhook-signature"
_ENTITIES = {"lt": "<", "gt": ">", "quot": '"', "#039": "'", "#x27": "'", "amp": "&", "#038": "&"}
_ENTITY = re.compile(r"&(lt|gt|quot|#039|#x27|amp|#038);")


def woocommerce(keys: tuple[Key[bytes], ...]) -> SignedBody:
    return SignedBody(keys=keys, header=HEADER, decode=from_base64)


def woocommerce_key(secret: Secret) -> bytes:
    decoded = _ENTITY.sub(lambda found: _ENTITIES[found[1]], secret.reveal())
    return decoded.encode("utf-8", "surrogateescape")
