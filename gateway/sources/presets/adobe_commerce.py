"""Adobe Commerce webhooks. Source: developer.adobe.com/commerce/extensibility/webhooks.

A hook says nothing about what it is: each has a source of its own, whose `types: {"*": ...}` says
what its deliveries mean. It is called while the customer waits, and takes an operation for an
answer; refused, it may stop a checkout. What must not go in: the signature.
"""

from __future__ import annotations

from core.messages import JsonObject
from gateway.events.headers import Headers
from gateway.sources.names import Scheme
from gateway.sources.presets.preset import Found, PresetKind, Topic, text_of
from gateway.sources.presets.shapes import first, part, parts, present, utc
from gateway.sources.reading import Delivery

NAME = "webhook"


def _find(body: JsonObject, _headers: Headers, _delivery: Delivery) -> Found:
    told = _entity(body)
    subject = text_of(first(told.get("increment_id"), told.get("entity_id"), told.get("id")))
    return Found(
        name=NAME,
        topic=Topic(),
        data=_order_data(told),
        subject=subject,
        change=text_of(told.get("updated_at")),
        time=utc(first(told.get("updated_at"), told.get("created_at"))),
    )


def _entity(body: JsonObject) -> JsonObject:
    """What it is about: `{"order": {...}}`, `{"data": {"order": {...}}}`, or the body itself."""
    for outer in (part(body.get("data")), body):
        for name in ("order", "customer", "entity"):
            if inner := part(outer.get(name)):
                return inner
    return body


def _order_data(told: JsonObject) -> JsonObject:
    billing = part(told.get("billing_address"))
    shipping = part(told.get("shipping_address"))
    email = first(told.get("customer_email"), told.get("email"), billing.get("email"))
    phone = first(billing.get("telephone"), shipping.get("telephone"))
    names = present(
        first_name=first(
            told.get("customer_firstname"), told.get("firstname"), billing.get("firstname")
        ),
        last_name=first(
            told.get("customer_lastname"), told.get("lastname"), billing.get("lastname")
        ),
    )
    return present(
        order_id=text_of(told.get("entity_id")),
        number=text_of(told.get("increment_id")),
        total=_amount(told.get("grand_total")),
        currency=told.get("order_currency_code"),
        email=email,
        phone=phone,
        customer=present(id=text_of(told.get("customer_id")), email=email, phone=phone, **names),
        items=[
            present(
                sku=each.get("sku"),
                name=each.get("name"),
                count=each.get("qty_ordered"),
                price=_amount(each.get("price")),
            )
            for each in parts(told.get("items"))
        ],
        **names,
    )


def _amount(value: object) -> str | None:
    """Its amounts are numbers, with up to four places."""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").ljust(len(f"{value:.0f}") + 3, "0")
    return text_of(value)


ADOBE_COMMERCE = PresetKind(
    scheme=Scheme.ADOBE_COMMERCE,
    prefix="adobe-commerce",
    find=_find,
    topics=frozenset(),
    success={"op": "success"},
)
