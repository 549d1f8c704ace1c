"""WooCommerce. Source: woocommerce.com, "Webhooks", and its class WC_Webhook.

Its delivery id is new with every attempt and tells nothing. `order.updated` is sent at every edit:
what it means follows from the order's status, and each meaning happens once. It disables a webhook
after five refusals, and asks by an unsigned form if somebody is there when one is made. What must
not go in: the signature.
"""

from __future__ import annotations

import re

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
from gateway.sources.presets.shapes import first, part, parts, present, utc
from gateway.sources.reading import Delivery
from gateway.sources.schemes.woocommerce import HEADER as SIGNATURE

HEADER = "x-wc-webhook-topic"
_FORM = "application/x-www-form-urlencoded"
_PING = re.compile(rb"webhook_id=[0-9]{1,20}")

_TOPICS = {
    "order.created": Topic(type="order.placed", once=True),
    "order.updated/processing": Topic(type="order.paid", once=True),
    "order.updated/completed": Topic(type="order.shipped", once=True),
    "order.updated/cancelled": Topic(type="order.cancelled", once=True),
    "order.updated/refunded": Topic(type="order.refunded", once=True),
    "customer.created": Topic(type="user.signed_up", once=True),
    "customer.updated": Topic(type="user.updated"),
    "customer.deleted": Topic(type="user.deleted", once=True),
}


class _WooPing:
    def may_be(self, headers: Headers) -> bool:
        kind = (headers.one("content-type") or "").partition(";")[0].strip().lower()
        return kind == _FORM and SIGNATURE not in headers

    def is_one(self, body: bytes) -> bool:
        return _PING.fullmatch(body) is not None


def _find(body: JsonObject, headers: Headers, _delivery: Delivery) -> Found:
    name = topic_header(headers, HEADER).lower()
    status = body.get("status")
    if name == "order.updated" and isinstance(status, str) and f"{name}/{status}" in _TOPICS:
        name = f"{name}/{status}"
    changed = utc(body.get("date_modified_gmt"))
    created = utc(body.get("date_created_gmt"))
    if name.startswith("order."):
        data = _order_data(body)
    elif name.startswith("customer."):
        data = _customer_data(body)
    else:
        data = {}
    return Found(
        name=name,
        topic=_TOPICS.get(name, Topic()),
        data=data,
        subject=required_id(body) if name in _TOPICS else text_of(body.get("id")),
        change=changed,
        time=created if name.endswith(".created") else changed,
    )


def _order_data(body: JsonObject) -> JsonObject:
    billing, shipping = part(body.get("billing")), part(body.get("shipping"))
    phone = first(billing.get("phone"), shipping.get("phone"))
    return present(
        order_id=text_of(body.get("id")),
        number=text_of(first(body.get("number"), body.get("id"))),
        total=text_of(body.get("total")),
        currency=body.get("currency"),
        email=billing.get("email"),
        phone=phone,
        customer=present(
            id=text_of(first(body.get("customer_id"))),
            email=billing.get("email"),
            phone=phone,
            first_name=first(billing.get("first_name"), shipping.get("first_name")),
            last_name=first(billing.get("last_name"), shipping.get("last_name")),
        ),
        items=[
            present(
                sku=each.get("sku"),
                name=each.get("name"),
                count=each.get("quantity"),
                price=text_of(each.get("price")) or text_of(each.get("total")),
            )
            for each in parts(body.get("line_items"))
        ],
    )


def _customer_data(body: JsonObject) -> JsonObject:
    billing = part(body.get("billing"))
    return present(
        user_id=text_of(body.get("id")),
        email=body.get("email"),
        phone=billing.get("phone"),
        first_name=first(body.get("first_name"), billing.get("first_name")),
        last_name=first(body.get("last_name"), billing.get("last_name")),
    )


WOOCOMMERCE = PresetKind(
    scheme=Scheme.WOOCOMMERCE,
    prefix="woocommerce",
    find=_find,
    topics=frozenset(_TOPICS),
    ping=_WooPing(),
)
