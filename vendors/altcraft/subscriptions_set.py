"""`subscriptions/set`: add or edit one subscription of a profile, in any channel.

A set operation: repeating it gives the same state, so an unknown outcome is simply repeated, under
the same Request-ID. What must not go in: what other subscription calls do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from core.clock import from_rfc3339, to_text
from vendors.altcraft.contact import Contact, Line, entity, placed, profile_key, recipient
from vendors.altcraft.envelope import WINDOW, outcome, request
from vendors.altcraft.provider import altcraft
from vendors.effect import Effect, Target
from vendors.operation import Operation
from vendors.parameters import checked, dumped
from vendors.provider import Provider
from vendors.wire import Answer, Identity, Outcome, Params, Request

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

SETTABLE = ("status", "priority", "date", "ip", "url", "cats")
"""What a call may set besides the contact itself; custom fields are set one by one."""

_CUSTOM = "custom_fields."


def _status(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(STATUSES):
        return STATUSES[value]
    if isinstance(value, str) and value in STATUSES:
        return value
    raise ValueError("expected one of " + ", ".join(STATUSES) + ", or 0 to 6")


def _date(value: str) -> str:
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


def _custom_fields(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    for name, content in value.items():
        if not name or not name.isprintable():
            raise ValueError("every field needs a name")
        if isinstance(content, dict) and content.get("action") == "incr":
            raise ValueError("a field that counts up cannot be repeated safely")
    return value


class SubscriptionParams(Contact):
    """What `subscriptions/set` takes."""

    status: Annotated[str, BeforeValidator(_status)] | None = Field(
        None, description="word or number 0..6; only to change it"
    )
    priority: int | None = Field(None, ge=0, le=2**31 - 1, description="0 is the highest")
    custom_fields: Annotated[dict[str, JsonValue], AfterValidator(_custom_fields)] | None = None
    cats: list[Line] | None = Field(None, description="resource categories to subscribe to")
    date: Annotated[str, AfterValidator(_date)] | None = Field(
        None, description="registration date, RFC 3339"
    )
    ip: Annotated[str, AfterValidator(_ip)] | None = Field(None, description="registration IP")
    url: Line | None = Field(None, description="registration URL")
    skip_triggers: bool | None = Field(None, description="suppress trigger events")


class SubscriptionsSet(Operation):
    """The operation."""

    name = "subscriptions/set"
    summary = "Add or edit one subscription of a profile."
    source = "Altcraft, Add or edit subscription (2195519)"
    model = SubscriptionParams
    repeatable = True
    window = WINDOW

    def prepare(self, params: Params, provider: Provider) -> Params:
        return placed(dumped(checked(SubscriptionParams, params)), altcraft(provider))

    def recipient(self, params: Params) -> str | None:
        return recipient(params)

    def effect(self, params: Params, provider: Provider) -> Effect:
        account = altcraft(provider)
        fields = {"contact", *(name for name in SETTABLE if name in params)}
        fields.update(_CUSTOM + name for name in params.get("custom_fields", {}))
        target = Target(entity=entity(params, account), fields=frozenset(fields))
        return Effect(order_keys=(profile_key(params, account),), targets=(target,))

    def reduce(
        self,
        params: Params,
        keep: Mapping[str, frozenset[str]],
        provider: Provider,  # noqa: ARG002
    ) -> Params:
        """Drops what must not be set any more; the contact stays: it names the subscription."""
        kept = frozenset[str]().union(*keep.values())
        if "*" in kept:
            return dict(params)
        reduced = {
            name: value for name, value in params.items() if name not in SETTABLE or name in kept
        }
        custom = {
            name: value
            for name, value in reduced.pop("custom_fields", {}).items()
            if _CUSTOM + name in kept
        }
        return {**reduced, "custom_fields": custom} if custom else reduced

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        return request(self.name, params, identity=identity, provider=altcraft(provider))

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002 - the port's signature
        return outcome(answer)
