"""Stripe. Source: docs.stripe.com, "Types of events" and "Zero-decimal currencies".

Every event has an id of its own, inside what is signed. One payment is told by several events; only
those of Checkout are mapped, so that nobody is texted twice about it. What must not go in: the
signature.
"""

from __future__ import annotations

from core.errors import InvalidEvent
from core.messages import JsonObject
from gateway.events.headers import Headers
from gateway.sources.names import Scheme
from gateway.sources.presets.preset import Found, PresetKind, Topic, required_id, text_of
from gateway.sources.presets.shapes import first, part, present, seconds
from gateway.sources.reading import Delivery

_PLACES = {
    **dict.fromkeys(("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"), 0),
    **dict.fromkeys(("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"), 0),
    **dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3),
}
"""Decimal places of the currencies that have other than two."""

_COMPLETED = "checkout.session.completed"
_TOPICS = {
    f"{_COMPLETED}/paid": Topic(type="order.paid"),
    f"{_COMPLETED}/no_payment_required": Topic(type="order.paid"),
    f"{_COMPLETED}/unpaid": Topic(type="order.placed"),
    "checkout.session.async_payment_succeeded": Topic(type="order.paid"),
    "checkout.session.expired": Topic(type="cart.abandoned"),
    "charge.refunded": Topic(type="order.refunded"),
    "customer.created": Topic(type="user.signed_up"),
    "customer.updated": Topic(type="user.updated"),
    "customer.deleted": Topic(type="user.deleted"),
}


def _find(body: JsonObject, _headers: Headers, _delivery: Delivery) -> Found:
    name = body.get("type")
    if not isinstance(name, str):
        raise InvalidEvent("The delivery does not say what happened.", field="type")
    told = part(part(body.get("data")).get("object"))
    if name == _COMPLETED:
        name = f"{name}/{told.get('payment_status')}"
        if name not in _TOPICS:
            name = _COMPLETED
    return Found(
        name=name,
        topic=_TOPICS.get(name, Topic()),
        data=_data(name, told),
        id=required_id(body),
        subject=text_of(told.get("id")),
        time=seconds(body.get("created")),
    )


def _data(name: str, told: JsonObject) -> JsonObject:
    if name.startswith("checkout.session."):
        return _checkout(told)
    if name == "charge.refunded":
        return _refund(told)
    if name.startswith("customer.") and name in _TOPICS:
        first_name, last_name = _names(told.get("name"))
        return present(
            user_id=text_of(told.get("id")),
            email=told.get("email"),
            phone=told.get("phone"),
            first_name=first_name,
            last_name=last_name,
        )
    return {}


def _checkout(told: JsonObject) -> JsonObject:
    buyer = part(told.get("customer_details"))
    email, phone = first(buyer.get("email"), told.get("customer_email")), buyer.get("phone")
    first_name, last_name = _names(buyer.get("name"))
    promotions = part(told.get("consent")).get("promotions")
    return present(
        order_id=text_of(first(told.get("client_reference_id"), told.get("id"))),
        cart_id=text_of(told.get("id")),
        number=text_of(told.get("client_reference_id")),
        total=_money(told.get("amount_total"), told.get("currency")),
        currency=_currency(told.get("currency")),
        email=email,
        phone=phone,
        customer=present(
            id=text_of(told.get("customer")),
            email=email,
            phone=phone,
            first_name=first_name,
            last_name=last_name,
            consent=None if promotions is None else promotions == "opt_in",
        ),
    )


def _refund(told: JsonObject) -> JsonObject:
    billing = part(told.get("billing_details"))
    return present(
        order_id=text_of(first(part(told.get("metadata")).get("order_id"), told.get("id"))),
        amount=_money(told.get("amount_refunded"), told.get("currency")),
        currency=_currency(told.get("currency")),
        email=first(billing.get("email"), told.get("receipt_email")),
        phone=billing.get("phone"),
    )


def _names(name: object) -> tuple[str | None, str | None]:
    """A whole name in two, as well as can be."""
    if not isinstance(name, str):
        return None, None
    first_name, _, last_name = name.strip().partition(" ")
    return first_name or None, last_name.strip() or None


def _currency(code: object) -> str | None:
    return code.upper() if isinstance(code, str) else None


def _money(amount: object, currency: object) -> str | None:
    """An amount in a currency's smallest unit as a decimal: 2000 usd is 20.00."""
    if isinstance(amount, bool) or not isinstance(amount, int) or not isinstance(currency, str):
        return None
    places = _PLACES.get(currency, 2)
    if not places:
        return str(amount)
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


STRIPE = PresetKind(scheme=Scheme.STRIPE, prefix="stripe", find=_find, topics=frozenset(_TOPICS))
