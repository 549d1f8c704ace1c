"""The subscriptions the platform knows, and what setting one changes.

Profiles, databases and resources come into being when they are first named. What must not go in:
HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
_UNSAFE = frozenset({"complained", "hardbounced", "invalid"})
_PLAIN_FIELDS = ("priority", "cats", "date", "ip", "url")


class Incorrect(Exception):
    """The request is incorrect (error 400)."""


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One subscription of one profile."""

    status: str = "subscribed"
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one call changed: `data` is the documented answer, `changed` old and new by field."""

    data: dict[str, Any]
    contact: str
    changed: dict[str, tuple[Any, Any]]


class Subscriptions:
    """All of them, by (database, profile) and then (resource, channel, contact)."""

    def __init__(self) -> None:
        self._by_profile: dict[tuple[int, str], dict[tuple[int, str, str], Subscription]] = {}

    def clear(self) -> None:
        self._by_profile.clear()

    def set(self, params: Mapping[str, Any]) -> Change:
        """Add or edit one. Raises Incorrect."""
        db_id, resource_id = _id(params, "db_id"), _id(params, "resource_id")
        profile_id = params.get("profile_id")
        if not isinstance(profile_id, str) or not profile_id:
            raise Incorrect("profile_id is required")
        channel, contact = _contact(params)
        status = _status(params.get("status"))
        priority = params.get("priority")
        if priority is not None and (not isinstance(priority, int) or priority < 0):
            raise Incorrect("priority is incorrect")
        if not isinstance(params.get("custom_fields", {}), dict):
            raise Incorrect("custom_fields is incorrect")
        known = self._by_profile.setdefault((db_id, profile_id), {})
        of_resource = [key for key in known if key[0] == resource_id]
        same_channel = [key for key in of_resource if key[1] == channel]
        key = (resource_id, channel, contact)
        is_new = key not in known
        subscription = known.setdefault(key, Subscription())
        changed = _change(subscription, params, status, is_new=is_new)
        data = {
            "action": subscription.status,
            "is_new_channel": bool(of_resource) and not same_channel,
            "is_new_contact": bool(same_channel) and is_new,
            "is_new_subscription": not of_resource,
            "is_restored": False,  # nothing can be deleted yet
            "is_safe": subscription.status not in _UNSAFE,
        }
        return Change(data=data, contact=contact, changed=changed)


def _change(
    subscription: Subscription, params: Mapping[str, Any], status: str | None, *, is_new: bool
) -> dict[str, tuple[Any, Any]]:
    """Write what was given; what was not given stays."""
    changed: dict[str, tuple[Any, Any]] = {}
    before = None if is_new else subscription.status
    subscription.status = status or subscription.status
    if before != subscription.status:
        changed["status"] = (before, subscription.status)
    wanted = {name: params[name] for name in _PLAIN_FIELDS if params.get(name) is not None}
    for name, value in {**wanted, **params.get("custom_fields", {})}.items():
        old = subscription.fields.get(name)
        if old != value:
            changed[name] = (old, value)
        subscription.fields[name] = value
    return changed


def _id(params: Mapping[str, Any], name: str) -> int:
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Incorrect(f"{name} is required")
    return value


def _contact(params: Mapping[str, Any]) -> tuple[str, str]:
    channel = params.get("channel")
    if not isinstance(channel, str) or channel not in CONTACT_FIELDS:
        raise Incorrect("channel is incorrect")
    parts = []
    for name in CONTACT_FIELDS[channel]:
        value = params.get(name)
        if name == "cc_data" and isinstance(value, dict):
            value = value.get("id" if channel == "telegram_bot" else "phone")
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            raise Incorrect(f"{name} is required")
        parts.append(str(value))
    return channel, " ".join(parts)


def _status(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(STATUSES):
        return STATUSES[value]
    if isinstance(value, str) and value in STATUSES:
        return value
    raise Incorrect("status is incorrect")
