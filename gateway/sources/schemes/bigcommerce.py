"""BigCommerce: Standard Webhooks, with the bytes of the app's client secret as the key.

Source: developer.bigcommerce.com, "Webhooks overview". The `hash` in the body is no signature. What
must not go in: what a delivery says (see `presets`).
"""

from __future__ import annotations

from gateway.sources.keys import Key
from gateway.sources.schemes.standard_webhooks import StandardWebhooks


def bigcommerce(keys: tuple[Key[bytes], ...]) -> StandardWebhooks:
    return StandardWebhooks(keys=keys)
