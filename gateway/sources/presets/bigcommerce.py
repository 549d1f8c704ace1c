"""BigCommerce. Source: developer.bigcommerce.com, "Webhooks" and "Webhook events".

A delivery holds ids only: what else a rule needs has to come from somewhere else. Its id is signed,
and the same for every attempt. It takes nothing but 200 for an answer, and disables a hook that
fails for long. What must not go in: the signature.
"""

from __future__ import annotations

from core.errors import InvalidEvent
from core.messages import JsonObject
from gateway.events.headers import Headers
from gateway.sources.names import Scheme
from gateway.sources.presets.preset import Found, PresetKind, Topic, text_of
from gateway.sources.presets.shapes import part, present, seconds
from gateway.sources.reading import Delivery

_STATUS = "store/order/statusUpdated"
_TOPICS = {
    "store/order/created": Topic(type="order.placed"),
    f"{_STATUS}/2": Topic(type="order.shipped"),
    f"{_STATUS}/4": Topic(type="order.refunded"),
    f"{_STATUS}/5": Topic(type="order.cancelled"),
    f"{_STATUS}/10": Topic(type="order.delivered"),
    f"{_STATUS}/11": Topic(type="order.paid"),
    "store/customer/created": Topic(type="user.signed_up"),
    "store/customer/updated": Topic(type="user.updated"),
    "store/customer/deleted": Topic(type="user.deleted"),
    "store/cart/abandoned": Topic(type="cart.abandoned"),
}
"""The numbers are those of its order statuses: 2 shipped, 4 refunded, 5 cancelled, 10 completed, 11
awaiting fulfillment."""


def _find(body: JsonObject, _headers: Headers, delivery: Delivery) -> Found:
    name = body.get("scope")
    if not isinstance(name, str) or not name:
        raise InvalidEvent("The delivery does not say what happened.", field="scope")
    told = part(body.get("data"))
    if name == _STATUS:
        status = part(told.get("status")).get("new_status_id")
        name = f"{name}/{status}" if f"{name}/{status}" in _TOPICS else name
    identity = text_of(told.get("id"))
    what = text_of(told.get("type"))
    return Found(
        name=name,
        topic=_TOPICS.get(name, Topic()),
        data=present(
            store_id=text_of(body.get("store_id")),
            order_id=identity if what == "order" else None,
            number=identity if what == "order" else None,
            user_id=identity if what == "customer" else None,
            cart_id=identity if what == "cart" else None,
        ),
        id=delivery.proof.id,
        subject=identity,
        time=seconds(body.get("created_at")),
    )


BIGCOMMERCE = PresetKind(
    scheme=Scheme.BIGCOMMERCE, prefix="bigcommerce", find=_find, topics=frozenset(_TOPICS)
)
