"""Schemes and presets by the names that configurations use for them."""

from __future__ import annotations

from enum import StrEnum


class Scheme(StrEnum):
    """How a source proves that it is itself."""

    BEARER = "bearer"
    STANDARD_WEBHOOKS = "standard-webhooks"
    STRIPE = "stripe"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    GITHUB = "github"
    BIGCOMMERCE = "bigcommerce"
    ADOBE_COMMERCE = "adobe-commerce"
    ADOBE_IO = "adobe-io"
    HMAC = "hmac"


class Preset(StrEnum):
    """A system whose deliveries are known: how they are signed, read and answered."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    STRIPE = "stripe"
    BIGCOMMERCE = "bigcommerce"
    GITHUB = "github"
    ADOBE_COMMERCE = "adobe-commerce"


class OnInvalid(StrEnum):
    """What a delivery is answered that is authentic and no event."""

    REJECT = "reject"
    """400 or 422: its sender has to mend it."""
    PARK = "park"
    """200, and it waits for a person: for senders that give an address up after a few refusals."""
