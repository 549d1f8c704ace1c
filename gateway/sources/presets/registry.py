"""Every preset. A new one is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.sources.names import Preset
from gateway.sources.presets.adobe_commerce import ADOBE_COMMERCE
from gateway.sources.presets.bigcommerce import BIGCOMMERCE
from gateway.sources.presets.github import GITHUB
from gateway.sources.presets.preset import PresetKind
from gateway.sources.presets.shopify import SHOPIFY
from gateway.sources.presets.stripe import STRIPE
from gateway.sources.presets.woocommerce import WOOCOMMERCE

PRESETS: Mapping[Preset, PresetKind] = {
    Preset.SHOPIFY: SHOPIFY,
    Preset.WOOCOMMERCE: WOOCOMMERCE,
    Preset.STRIPE: STRIPE,
    Preset.BIGCOMMERCE: BIGCOMMERCE,
    Preset.GITHUB: GITHUB,
    Preset.ADOBE_COMMERCE: ADOBE_COMMERCE,
}
