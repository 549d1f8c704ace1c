"""Channels, and who is reached through each. What must not go in: what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.altcraft.errors import Incorrect

STATUSES = (
    "subscribed",
    "unsubscribed",
    "complained",
    "hardbounced",
    "unconfirmed",
    "suspended",
    "invalid",
)
CONTACT_FIELDS: dict[str, tuple[str, ...]] = {
    "email": ("email",),
    "sms": ("phone",),
    "push": ("provider", "subscription_id"),
    "telegram_bot": ("cc_data",),
    "whatsapp": ("cc_data",),
    "viber": ("cc_data",),
    "notify": ("cc_data",),
}
_BY_FIELD = {"email": "email", "email_data": "email", "phone": "sms", "subscription_id": "push"}


def number(params: Mapping[str, Any], name: str) -> int:
    """A required integer. Raises Incorrect."""
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Incorrect(f"{name} is required")
    return value


def text(params: Mapping[str, Any], name: str) -> str:
    """A required text. Raises Incorrect."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise Incorrect(f"{name} is required")
    return value


def channel_and_contact(params: Mapping[str, Any]) -> tuple[str, str]:
    """The channel, and its contact in one text. Raises Incorrect."""
    channel = params.get("channel")
    if channel is None:
        channel = next((named for field, named in _BY_FIELD.items() if params.get(field)), None)
    if not isinstance(channel, str) or channel not in CONTACT_FIELDS:
        raise Incorrect("channel is incorrect")
    nested = params.get("email_data")
    given = {**params, **nested} if isinstance(nested, dict) else params
    parts = []
    for name in CONTACT_FIELDS[channel]:
        value = given.get(name)
        if name == "cc_data" and isinstance(value, dict):
            value = value.get("id" if channel == "telegram_bot" else "phone")
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            raise Incorrect(f"{name} is required")
        parts.append(str(value))
    contact = " ".join(parts)
    return channel, contact.lower() if channel == "email" else contact


def contact_fields(channel: str, contact: str) -> dict[str, Any]:
    """The contact as an answer writes it."""
    names = CONTACT_FIELDS[channel]
    if names == ("cc_data",):
        if channel == "telegram_bot":
            return {"cc_data": {"id": int(contact) if contact.isdecimal() else contact}}
        return {"cc_data": {"phone": contact}}
    return dict(zip(names, contact.split(" ", len(names) - 1), strict=True))


def status(value: Any) -> str | None:
    """A status by its word or number; None: leave it. Raises Incorrect."""
    if value is None or value == -1:
        return None
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(STATUSES):
        return STATUSES[value]
    if isinstance(value, str) and value in STATUSES:
        return value
    raise Incorrect("status is incorrect")
