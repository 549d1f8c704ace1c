"""Values that several calls take: statuses, dates, field functions, settable fields of a
subscription.

What must not go in: who it is that they are set for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from core.clock import from_rfc3339, to_text
from vendors.altcraft.contact import Line
from vendors.parameters import StrictParams

STATUSES = (
    "subscribed",
    "unsubscribed",
    "complained",
    "hardbounced",
    "unconfirmed",
    "suspended",
    "invalid",
)
"""By number: the platform takes either, the word travels."""

_MOVING = frozenset({"incr", "add"})


def status(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(STATUSES):
        return STATUSES[value]
    if isinstance(value, str) and value in STATUSES:
        return value
    raise ValueError("expected one of " + ", ".join(STATUSES) + ", or 0 to 6")


def moment(value: str) -> str:
    try:
        return to_text(from_rfc3339(value))
    except (ValueError, OverflowError):
        # Python's own words would repeat the value.
        raise ValueError("expected an RFC 3339 time such as 2018-08-22T00:00:00Z") from None


def _ip(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("expected an IPv4 or IPv6 address") from None


def _named(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if any(not name or not name.isprintable() for name in value):
        raise ValueError("every field needs a name")
    return value


def _custom_fields(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if any(is_moving(content) for content in value.values()):
        raise ValueError(MOVING)
    return _named(value)


MOVING = "a field that counts up or adds cannot be repeated safely"


def is_moving(value: Any) -> bool:
    """Whether a field function changes a value by what it was before: sent twice it counts twice,
    and of two of them the older one may not be left out."""
    return isinstance(value, dict) and value.get("action") in _MOVING


Status = Annotated[str, BeforeValidator(status)]
Moment = Annotated[str, AfterValidator(moment)]
IpAddress = Annotated[str, AfterValidator(_ip)]
Priority = Annotated[int, Field(ge=0, le=2**31 - 1)]
Fields = Annotated[dict[str, JsonValue], AfterValidator(_named)]
CustomFields = Annotated[dict[str, JsonValue], AfterValidator(_custom_fields)]


class SettableFields(StrictParams):
    """What can be set of a subscription, besides that it is there."""

    status: Status | None = Field(None, description="word or number 0..6; only to change it")
    priority: Priority | None = Field(None, description="0 is the highest")
    custom_fields: CustomFields | None = Field(
        None, description="standard and custom subscription fields by name"
    )
    cats: list[Line] | None = Field(None, description="resource categories to subscribe to")
    date: Moment | None = Field(None, description="registration date, RFC 3339")
    ip: IpAddress | None = Field(None, description="registration IP")
    url: Line | None = Field(None, description="registration URL")


_SETTABLE = ("status", "priority", "date", "ip", "url", "cats")
_CUSTOM = "custom_fields."
PRESENCE = frozenset({"contact", "deleted"})
"""What any call for a subscription sets: it is there, and not deleted (setting one restores it)."""


def fields_set(params: dict[str, Any]) -> frozenset[str]:
    """The names of what these parameters set of their subscription."""
    return PRESENCE.union(_settings(params))


def only(params: dict[str, Any], kept: frozenset[str]) -> dict[str, Any]:
    """The parameters that set only the kept fields; the contact stays: it names the
    subscription."""
    if "*" in kept:
        return dict(params)
    reduced = {
        name: value for name, value in params.items() if name not in _SETTABLE or name in kept
    }
    custom = {
        name: value
        for name, value in (reduced.pop("custom_fields", None) or {}).items()
        if _CUSTOM + name in kept
    }
    return {**reduced, "custom_fields": custom} if custom else reduced


def _settings(params: dict[str, Any]) -> Iterator[str]:
    yield from (name for name in _SETTABLE if name in params)
    yield from (_CUSTOM + name for name in params.get("custom_fields") or {})
