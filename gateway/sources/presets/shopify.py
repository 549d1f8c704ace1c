"""Shopify. Source: shopify.dev, "Webhooks" (topics, payloads, headers).

The topic stands in a header, which is not signed: one webhook secret is one app, so keep it to the
topics that are wanted. Shopify gives a subscription up after eight failures in a row. A shop's own
time zone is in every time. What must not go in: the signature.
"""

from __future__ import annotations

from core.messages import JsonObject
from gateway.events.headers import Headers
from gateway.sources.names import Scheme
from gateway.sources.presets.preset import (
    Found,
    PresetKind,
    Topic,
    required_id,
    text_of,
    topic_header,
)
from gateway.sources.presets.shapes import first, part, parts, present
from gateway.sources.reading import Delivery

HEADER = "x-shopify-topic"

_ORDERS = {
    "orders/create": Topic(type="order.placed", once=True),
    "orders/paid": Topic(type="order.paid", once=True),
    "orders/fulfilled": Topic(type="order.shipped", once=True),
    "orders/cancelled": Topic(type="order.cancelled", once=True),
}
_CUSTOMERS = {
    "customers/create": Topic(type="user.signed_up", once=True),
    "customers/update": Topic(type="user.updated"),
    "customers/delete": Topic(type="user.deleted", once=True),
}
_CONSENTS = {
    "customers_marketing_consent/update": Topic(type="consent.changed"),
    "customers_email_marketing_consent/update": Topic(type="consent.changed"),
}
_REFUND = "refunds/create"
_STEP = "fulfillment_events/create"
_TOPICS = {**_ORDERS, **_CUSTOMERS, **_CONSENTS, _REFUND: Topic(type="order.refunded", once=True)}


def _find(body: JsonObject, headers: Headers, _delivery: Delivery) -> Found:
    name = topic_header(headers, HEADER).lower()
    if name in _ORDERS:
        return _order(name, body)
    if name in _CUSTOMERS:
        return _customer_event(name, body)
    if name in _CONSENTS:
        return _consent(name, body)
    if name == _REFUND:
        return _refund(body)
    if name == _STEP and body.get("status") == "delivered":
        return _delivered(body)
    return Found(
        name=name,
        topic=Topic(),
        data={},
        subject=text_of(body.get("id")),
        change=text_of(body.get("updated_at")),
        time=text_of(body.get("updated_at")),
    )


def _order(name: str, body: JsonObject) -> Found:
    moment = {"orders/create": "created_at", "orders/cancelled": "cancelled_at"}
    return Found(
        name=name,
        topic=_ORDERS[name],
        data=_order_data(body),
        subject=required_id(body),
        time=text_of(body.get(moment.get(name, "updated_at"))),
    )


def _order_data(body: JsonObject) -> JsonObject:
    shipping, billing = part(body.get("shipping_address")), part(body.get("billing_address"))
    buyer = part(body.get("customer"))
    person = _person(buyer)
    phone = first(*(each.get("phone") for each in (body, person, shipping, billing)))
    email = first(body.get("email"), body.get("contact_email"), person.get("email"))
    parcels = list(parts(body.get("fulfillments")))
    parcel = parcels[-1] if parcels else {}
    return present(
        order_id=text_of(body.get("id")),
        number=text_of(first(body.get("order_number"), body.get("name"))),
        total=text_of(first(body.get("current_total_price"), body.get("total_price"))),
        currency=body.get("currency"),
        email=email,
        phone=phone,
        customer={
            **present(
                first_name=first(shipping.get("first_name"), billing.get("first_name")),
                last_name=first(shipping.get("last_name"), billing.get("last_name")),
            ),
            **person,
            **present(email=email, phone=phone, consent=body.get("buyer_accepts_marketing")),
        },
        items=[
            present(
                sku=each.get("sku"),
                name=first(each.get("title"), each.get("name")),
                count=each.get("quantity"),
                price=text_of(each.get("price")),
            )
            for each in parts(body.get("line_items"))
        ],
        tracking=first(parcel.get("tracking_url"), parcel.get("tracking_number")),
        carrier=parcel.get("tracking_company"),
        reason=body.get("cancel_reason"),
    )


def _person(body: JsonObject) -> JsonObject:
    return present(
        id=text_of(body.get("id")),
        email=body.get("email"),
        phone=first(body.get("phone"), part(body.get("default_address")).get("phone")),
        first_name=body.get("first_name"),
        last_name=body.get("last_name"),
    )


def _customer_event(name: str, body: JsonObject) -> Found:
    person = _person(body)
    consent = part(body.get("email_marketing_consent")).get("state")
    return Found(
        name=name,
        topic=_CUSTOMERS[name],
        data={
            **present(user_id=person.pop("id", None), **person),
            **present(consent=present(marketing=_agreed(consent))),
        },
        subject=required_id(body),
        change=text_of(body.get("updated_at")),
        time=text_of(body.get("created_at" if name == "customers/create" else "updated_at")),
    )


def _consent(name: str, body: JsonObject) -> Found:
    channel = "email" if "email" in name else "sms"
    consent = part(body.get(f"{channel}_marketing_consent"))
    moment = text_of(consent.get("consent_updated_at"))
    return Found(
        name=name,
        topic=_CONSENTS[name],
        data=present(
            user_id=text_of(body.get("customer_id")),
            channel=channel,
            email=body.get("email_address"),
            phone=body.get("phone"),
            granted=_agreed(consent.get("state")),
        ),
        subject=required_id(body, "customer_id"),
        change=moment,
        time=moment,
    )


def _agreed(state: object) -> bool | None:
    return None if state is None else state == "subscribed"


def _refund(body: JsonObject) -> Found:
    paid_back = list(parts(body.get("transactions")))
    only = paid_back[0] if len(paid_back) == 1 else {}
    return Found(
        name=_REFUND,
        topic=_TOPICS[_REFUND],
        data=present(
            order_id=text_of(body.get("order_id")),
            refund_id=text_of(body.get("id")),
            amount=text_of(only.get("amount")),
            currency=only.get("currency"),
            reason=body.get("note"),
        ),
        subject=required_id(body),
        time=text_of(body.get("created_at")),
    )


def _delivered(body: JsonObject) -> Found:
    return Found(
        name=f"{_STEP}/delivered",
        topic=Topic(type="order.delivered", once=True),
        data=present(order_id=text_of(body.get("order_id"))),
        subject=required_id(body, "fulfillment_id"),
        time=text_of(body.get("happened_at")),
    )


SHOPIFY = PresetKind(
    scheme=Scheme.SHOPIFY,
    prefix="shopify",
    find=_find,
    topics=frozenset({*_TOPICS, f"{_STEP}/delivered"}),
)
