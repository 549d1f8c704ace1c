"""Profiles of one database: how they are found, what importing changes.

What must not go in: HTTP.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.altcraft.contacts import text
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.subscriptions import Change, Key, Subscription, Wish, apply, wished

MODES: dict[str, tuple[str, ...]] = {
    "email": ("email",),
    "email_profile": ("email",),
    "email_sub": ("email",),
    "phone": ("phone",),
    "phone_sub": ("phone",),
    "profile_id": ("profile_id",),
    "push_sub": ("provider", "subscription_id"),
    "custom": ("field_name", "field_value"),
    "custom_sub": ("cc_data",),
    "email_phone": ("email", "phone"),
    "email_phone_sub": ("email", "phone"),
}
_EITHER = frozenset({"email_phone", "email_phone_sub"})
_ONLY_SUBSCRIPTIONS = frozenset({"email_sub", "phone_sub", "email_phone_sub"})
_ID_PREFIX = "5f4fa1a5ce94"


@dataclass(slots=True, kw_only=True)
class Profile:
    """Fields by name, subscriptions by resource, channel and contact."""

    id: str
    fields: dict[str, Any] = field(default_factory=dict)
    subscriptions: dict[Key, Subscription] = field(default_factory=dict)
    segments: set[int] = field(default_factory=set)

    def shown(self) -> dict[str, Any]:
        subscriptions = [each.shown() for each in self.subscriptions.values()]
        return {**self.fields, "_id": self.id, "subscriptions": subscriptions}


class Database:
    """The profiles of one database, with an index of the contacts they are found by."""

    def __init__(self, db_id: int) -> None:
        self.id = db_id
        self.profiles: dict[str, Profile] = {}
        self._index: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)

    def __iter__(self) -> Iterator[Profile]:
        return iter(self.profiles.values())

    def get(self, profile_id: str) -> Profile:
        """Raises Incorrect if there is none."""
        if profile_id not in self.profiles:
            raise Incorrect("profile not found")
        return self.profiles[profile_id]

    def named(self, profile_id: str) -> Profile:
        """The profile, which comes into being when it is first named."""
        return self.profiles.setdefault(profile_id, Profile(id=profile_id))

    def create(self) -> Profile:
        return self.named(f"{_ID_PREFIX}{self.id:04x}{len(self.profiles) + 1:08x}")

    def find(self, params: Mapping[str, Any]) -> Profile | None:
        """By the matching mode and its fields. Raises Incorrect where those are wrong."""
        mode = matching(params)
        for kind, value in _looked_for(mode, params):
            for profile_id in self._index.get((kind, value), ()):
                profile = self.profiles[profile_id]
                if _is_of_resource(profile, kind, value, params.get("resource_id")):
                    return profile
        if mode == "profile_id":
            return self.profiles.get(params["profile_id"])
        if mode == "custom":
            name, value = params["field_name"], params["field_value"]
            return next((each for each in self if _has(each.fields.get(name), value)), None)
        return None

    def write(self, profile: Profile | None, data: Mapping[str, Any]) -> Profile:
        """Set fields of a profile, or of a new one, each plainly or by a function. Raises Incorrect
        before anything is written, also for an address that another profile has."""
        address = data.get("email")
        if isinstance(address, str):
            owners = self._index.get(("field:email", address.lower()), {})
            if any(owner != (profile.id if profile else None) for owner in owners):
                raise Incorrect("email is not unique")
        fields = dict(profile.fields) if profile else {}
        for name, value in data.items():
            if name != "subscriptions":
                _set_field(fields, name, value)
        profile = profile or self.create()
        self._forget(profile)
        profile.fields = fields
        self._learn(profile)
        return profile

    def subscribe(self, profile: Profile, wish: Wish) -> Change:
        change = apply(profile.subscriptions, wish)
        self._index[(f"sub:{wish.key[1]}", wish.key[2])][profile.id] = None
        return change

    def _forget(self, profile: Profile) -> None:
        for key in _field_keys(profile):
            self._index[key].pop(profile.id, None)

    def _learn(self, profile: Profile) -> None:
        for key in _field_keys(profile):
            self._index[key][profile.id] = None


def matching(params: Mapping[str, Any]) -> str:
    """The mode, its fields checked. Raises Incorrect."""
    mode = params.get("matching", "email")
    if mode not in MODES:
        raise Incorrect("matching is incorrect")
    missing = [name for name in MODES[mode] if params.get(name) in (None, "")]
    if missing and not (mode in _EITHER and len(missing) == 1):
        raise Incorrect(f"{missing[0]} is required")
    return str(mode)


def wishes(data: Mapping[str, Any], *, skip_invalid: bool) -> list[Wish]:
    """The subscriptions in a profile's data, checked before anything is written. Raises
    Incorrect."""
    entries = data.get("subscriptions") or []
    if not isinstance(entries, list):
        entries = [entries]
    found = []
    for entry in entries:
        try:
            if not isinstance(entry, dict):
                raise Incorrect("subscriptions is incorrect")
            found.append(wished(entry))
        except Incorrect:
            if not skip_invalid:
                raise
    return found


def _looked_for(mode: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where to look, in order: the profile's own field, then its subscriptions."""
    if "email" in MODES[mode] and params.get("email"):
        address = text(params, "email").lower()
        if mode not in _ONLY_SUBSCRIPTIONS:
            yield "field:email", address
        if mode != "email_profile":
            yield "sub:email", address
    if "phone" in MODES[mode] and params.get("phone"):
        digits = text(params, "phone")
        if mode not in _ONLY_SUBSCRIPTIONS:
            yield "field:phone", digits
        yield "sub:sms", digits
    if mode == "push_sub":
        yield "sub:push", f"{params['provider']} {params['subscription_id']}"
    if mode == "custom_sub":
        cc_data = params["cc_data"] if isinstance(params["cc_data"], dict) else {}
        for channel in ("telegram_bot", "whatsapp", "viber", "notify"):
            value = cc_data.get("id" if channel == "telegram_bot" else "phone")
            if value is not None:
                yield f"sub:{channel}", str(value)


def _is_of_resource(profile: Profile, kind: str, contact: str, resource_id: Any) -> bool:
    """Whether what was found still counts: not deleted, and of the resource that was asked for."""
    if not kind.startswith("sub:"):
        return True
    channel = kind.removeprefix("sub:")
    return any(
        key[1:] == (channel, contact) and not subscription.deleted and resource_id in (None, key[0])
        for key, subscription in profile.subscriptions.items()
    )


def _field_keys(profile: Profile) -> Iterator[tuple[str, str]]:
    address = profile.fields.get("email")
    if isinstance(address, str):
        yield "field:email", address.lower()
    phones = profile.fields.get("phones") or []
    for digits in phones if isinstance(phones, list) else [phones]:
        yield "field:phone", str(digits)


def _has(value: Any, wanted: Any) -> bool:
    """Equal, or a tag field that holds every tag of the combination."""
    if isinstance(value, list):
        return {tag.strip() for tag in str(wanted).split(",")} <= set(map(str, value))
    return value is not None and str(value) == str(wanted)


def _set_field(fields: dict[str, Any], name: str, value: Any) -> None:
    is_function = (
        isinstance(value, dict) and set(value) <= {"action", "value"} and "action" in value
    )
    action, operand = (value["action"], value.get("value")) if is_function else ("set", value)
    old = fields.get(name)
    match action:
        case "set" | "upsert":
            fields[name] = operand
        case "unset":
            fields.pop(name, None)
        case "incr":
            if not isinstance(operand, int | float) or not isinstance(old or 0, int | float):
                raise Incorrect(f"{name}: only a number can be increased")
            fields[name] = (old or 0) + operand
        case "add":
            fields[name] = [*(old or []), *(it for it in _listed(operand) if it not in (old or []))]
        case "delete":
            fields[name] = [it for it in old or [] if it not in _listed(operand)]
        case _:
            raise Incorrect(f"{name}: action is incorrect")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
