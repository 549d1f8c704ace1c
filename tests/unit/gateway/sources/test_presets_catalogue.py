"""What presets make of full deliveries keeps to the catalogue: `schema: strict` refuses none."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.events.headers import Headers
from gateway.events.schemas import load_catalogue
from gateway.sources.names import Preset
from gateway.sources.presets.preset import PresetReader
from gateway.sources.presets.registry import PRESETS
from gateway.sources.reading import Delivery
from gateway.sources.verifier import Proof

FOLDER = Path(__file__).resolve().parents[4] / "gateway" / "sources" / "presets"
OUTSIDE = {"github"}
"""Makes no business events."""

PERSON = {
    "id": 7,
    "email": "ida@example.com",
    "phone": "+491713920003",
    "first_name": "Ida",
    "last_name": "May",
}
SHOPIFY_ORDER = {
    "id": 820982911946154508,
    "order_number": 1001,
    "current_total_price": "129.50",
    "currency": "EUR",
    "email": "ida@example.com",
    "phone": None,
    "customer": PERSON,
    "shipping_address": {"phone": "0171 3920003", "first_name": "Ida"},
    "buyer_accepts_marketing": True,
    "line_items": [{"sku": "LAMP-3", "title": "Lamp", "quantity": 1, "price": "19.90"}],
    "fulfillments": [{"tracking_number": "T1", "tracking_company": "DHL"}],
    "cancel_reason": "customer",
    "updated_at": "2026-11-22T10:00:00+01:00",
}
SHOPIFY_REFUND = {
    "id": 1,
    "order_id": 2,
    "note": "broken",
    "transactions": [{"amount": "5.00", "currency": "EUR"}],
}
WOO_ORDER = {
    "id": 5,
    "number": "5",
    "status": "refunded",
    "total": "12.50",
    "currency": "EUR",
    "customer_id": 7,
    "billing": {"phone": "0171 3920003", "email": "ida@example.com", "first_name": "Ida"},
    "line_items": [{"sku": "A", "name": "Lamp", "quantity": 2, "price": 6.25, "total": "12.50"}],
}
STRIPE_SESSION = {
    "id": "cs_1",
    "client_reference_id": "1001",
    "amount_total": 2000,
    "currency": "eur",
    "payment_status": "paid",
    "customer": "cus_1",
    "customer_details": {"email": "ida@example.com", "phone": "+491713920003", "name": "Ida May"},
    "consent": {"promotions": "opt_in"},
}
BIGCOMMERCE_CART = {"store_id": "1", "data": {"type": "cart", "id": "c-1"}}
ADOBE_ORDER = {
    "order": {
        "entity_id": 5,
        "increment_id": "000000005",
        "grand_total": 12.5,
        "order_currency_code": "EUR",
        "customer_email": "ida@example.com",
        "customer_id": 7,
        "customer_firstname": "Ida",
        "billing_address": {"telephone": "0171 3920003"},
        "items": [{"sku": "A", "name": "Lamp", "qty_ordered": 2.0, "price": 6.25}],
    }
}


def stripe(name: str, told: dict[str, Any]) -> dict[str, Any]:
    return {"id": "evt_1", "type": name, "created": 1763805600, "data": {"object": told}}


def topic(name: str) -> dict[str, str]:
    return {"x-shopify-topic": name, "x-wc-webhook-topic": name}


@pytest.mark.parametrize(
    ("preset", "headers", "body", "kind"),
    [
        (Preset.SHOPIFY, topic("orders/create"), SHOPIFY_ORDER, "order.placed"),
        (Preset.SHOPIFY, topic("orders/cancelled"), SHOPIFY_ORDER, "order.cancelled"),
        (Preset.SHOPIFY, topic("refunds/create"), SHOPIFY_REFUND, "order.refunded"),
        (
            Preset.SHOPIFY,
            topic("customers/update"),
            {**PERSON, "email_marketing_consent": {"state": "subscribed"}},
            "user.updated",
        ),
        (
            Preset.SHOPIFY,
            topic("customers_marketing_consent/update"),
            {
                "customer_id": 7,
                "phone": "+491713920003",
                "sms_marketing_consent": {"state": "unsubscribed"},
            },
            "consent.changed",
        ),
        (Preset.WOOCOMMERCE, topic("order.updated"), WOO_ORDER, "order.refunded"),
        (Preset.WOOCOMMERCE, topic("customer.created"), PERSON, "user.signed_up"),
        (Preset.STRIPE, {}, stripe("checkout.session.completed", STRIPE_SESSION), "order.paid"),
        (Preset.STRIPE, {}, stripe("checkout.session.expired", STRIPE_SESSION), "cart.abandoned"),
        (
            Preset.STRIPE,
            {},
            stripe("charge.refunded", {"id": "ch_1", "amount_refunded": 500, "currency": "eur"}),
            "order.refunded",
        ),
        (
            Preset.BIGCOMMERCE,
            {},
            {"scope": "store/cart/abandoned", **BIGCOMMERCE_CART},
            "cart.abandoned",
        ),
        (Preset.ADOBE_COMMERCE, {}, ADOBE_ORDER, "order.placed"),
    ],
)
def test_a_full_delivery_keeps_to_the_catalogue(
    preset: Preset, headers: dict[str, str], body: dict[str, Any], kind: str
) -> None:
    delivery = Delivery(
        source="shop",
        body=orjson.dumps(body),
        headers=Headers({"content-type": "application/json", **headers}.items()),
        proof=Proof(key="k", id="d-1"),
        now=datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
    )
    types = {"*": kind} if preset is Preset.ADOBE_COMMERCE else {}
    (event,) = PresetReader(PRESETS[preset], types).read(delivery).events
    assert event.type == kind
    assert len(event.data) > 2
    load_catalogue().check(event.type, event.data)


def made_fields(file: Path) -> Iterator[str]:
    """The names that a preset gives to what it finds: those of its calls of `present`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "present":
            yield from (keyword.arg for keyword in node.keywords if keyword.arg is not None)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_every_field_that_a_preset_makes_stands_in_the_catalogue(file: Path) -> None:
    named = frozenset[str]().union(*(schema.names for schema in load_catalogue()))
    if file.stem not in OUTSIDE:
        assert set(made_fields(file)) <= named
