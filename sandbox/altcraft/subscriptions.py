"""One subscription of one profile, and what setting it changes. What must not go in: HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.altcraft.contacts import channel_and_contact, contact_fields, number, status
from sandbox.altcraft.errors import Incorrect

Key = tuple[int, str, str]
"""Resource, channel, contact."""

_UNSAFE = frozenset({"complained", "hardbounced", "invalid"})
_PLAIN_FIELDS = ("cats", "date", "ip", "url")


@dataclass(slots=True, kw_only=True)
class Subscription:
    """Deleted ones stay, marked."""

    key: Key
    status: str = "subscribed"
    fields: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    deleted: bool = False

    def shown(self) -> dict[str, Any]:
        """As the platform's answers write it."""
        resource_id, channel, contact = self.key
        return {
            "channel": channel,
            "resource_id": resource_id,
            "status": self.status,
            "priority": self.fields.get("priority", 0),
            "custom_fields": self.custom,
            "cats": self.fields.get("cats") or [],
            "is_delete": self.deleted,
            **contact_fields(channel, contact),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A subscription as a request wants it, checked."""

    key: Key
    status: str | None
    plain: Mapping[str, Any]
    custom: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one call changed of one subscription: `data` is the documented answer, `changed` old and
    new by field."""

    key: Key
    data: dict[str, Any]
    changed: dict[str, tuple[Any, Any]]

    @property
    def is_new(self) -> bool:
        flags = ("is_new_subscription", "is_new_channel", "is_new_contact")
        return any(self.data[flag] for flag in flags)


def wished(params: Mapping[str, Any]) -> Wish:
    """Check what a request says of one subscription. Raises Incorrect."""
    resource_id = number(params, "resource_id")
    channel, contact = channel_and_contact(params)
    wanted = status(params.get("status"))
    priority = params.get("priority")
    if priority == -1:
        priority = None
    if priority is not None and (not isinstance(priority, int) or priority < 0):
        raise Incorrect("priority is incorrect")
    custom = params.get("custom_fields")
    if custom is not None and not isinstance(custom, dict):
        raise Incorrect("custom_fields is incorrect")
    plain = {name: params[name] for name in _PLAIN_FIELDS if params.get(name) is not None}
    if priority is not None:
        plain["priority"] = priority
    return Wish(
        key=(resource_id, channel, contact), status=wanted, plain=plain, custom=custom or {}
    )


def apply(held: dict[Key, Subscription], wish: Wish) -> Change:
    """Write what was given; what was not given stays. A deleted one comes back."""
    resource_id, channel, _ = wish.key
    of_resource = [key for key in held if key[0] == resource_id]
    same_channel = [key for key in of_resource if key[1] == channel]
    is_new = wish.key not in held
    subscription = held.setdefault(wish.key, Subscription(key=wish.key))
    is_restored, subscription.deleted = subscription.deleted, False
    changed = _write(subscription, wish, is_new=is_new)
    data = {
        "action": subscription.status,
        "is_new_channel": bool(of_resource) and not same_channel,
        "is_new_contact": bool(same_channel) and is_new,
        "is_new_subscription": not of_resource,
        "is_restored": is_restored,
        "is_safe": subscription.status not in _UNSAFE,
    }
    return Change(key=wish.key, data=data, changed=changed)


def with_status(subscription: Subscription, wanted: str, *, deleted: bool = False) -> Change:
    """A change that only sets the status, or whether it is deleted, of one that is there."""
    changed: dict[str, tuple[Any, Any]] = {}
    if subscription.status != wanted:
        changed["status"] = (subscription.status, wanted)
    if subscription.deleted != deleted:
        changed["is_delete"] = (subscription.deleted, deleted)
    subscription.status, subscription.deleted = wanted, deleted
    data = dict.fromkeys(("is_new_channel", "is_new_contact", "is_new_subscription"), False)
    return Change(key=subscription.key, data={"action": wanted, **data}, changed=changed)


def hash_id(db_id: int, profile_id: str, key: Key) -> str:
    """Names a subscription among all of them, in an order that stays."""
    written = f"{db_id}\n{profile_id}\n{key}".encode()
    return hashlib.sha1(written, usedforsecurity=False).hexdigest()


def _write(subscription: Subscription, wish: Wish, *, is_new: bool) -> dict[str, tuple[Any, Any]]:
    changed: dict[str, tuple[Any, Any]] = {}
    before = None if is_new else subscription.status
    subscription.status = wish.status or subscription.status
    if before != subscription.status:
        changed["status"] = (before, subscription.status)
    for kept, wanted in ((subscription.fields, wish.plain), (subscription.custom, wish.custom)):
        for name, value in wanted.items():
            old = kept.get(name)
            if old != value:
                changed[name] = (old, value)
            kept[name] = value
    return changed
