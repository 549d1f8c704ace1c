"""A profile as calls carry it: its fields and its subscriptions, what they set, and what is left of
them when something newer has been said.

What must not go in: how the profile is found (see `matching`), and which call carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator

from vendors.altcraft import order
from vendors.altcraft.contact import (
    ContactFields,
    Email,
    EmailData,
    Phone,
    contact_of,
    email_contact,
    filled,
    phone_contact,
    wrong,
)
from vendors.altcraft.provider import AltcraftProvider, Id
from vendors.altcraft.values import MOVING, Moment, SettableFields, is_moving, only
from vendors.effect import Target
from vendors.parameters import StrictParams
from vendors.wire import InvalidParams, Params

Contact = tuple[str, ...]
Keep = Mapping[str, frozenset[str]]

_TEXT = TypeAdapter[str](str)
_NUMBER = TypeAdapter[int](int)
_MOMENT = TypeAdapter[str](Moment)

_STANDARD: dict[str, TypeAdapter[Any]] = {
    **dict.fromkeys(("_fname", "_lname", "_browser", "_city", "_country", "_region"), _TEXT),
    **dict.fromkeys(("_ip", "_regip", "_regcity", "_regcountry", "_regurl", "_vendor"), _TEXT),
    **dict.fromkeys(("_sex", "_status"), _NUMBER),
    **dict.fromkeys(("_bdate", "_regdate"), _MOMENT),
}


class ProfileSubscription(ContactFields, SettableFields):
    """One entry of `subscriptions` within a profile's data."""

    resource_id: Id | None = Field(None, description="resource; default the provider's")
    email_data: EmailData | None = Field(None, description="the address, as batches may write it")

    @model_validator(mode="before")
    @classmethod
    def _usual_form(cls, value: Any) -> Any:
        """-1 leaves status and priority as they are; the channel follows from its contact."""
        if not isinstance(value, dict):
            return value
        entry = {
            name: it
            for name, it in value.items()
            if it is not None and not (name in {"status", "priority"} and it == -1)
        }
        if "channel" not in entry:
            named = [channel for name, channel in _CHANNEL_OF.items() if name in entry]
            entry |= {"channel": named[0]} if named else {}
        return entry


_CHANNEL_OF = {"email": "email", "email_data": "email", "phone": "sms", "subscription_id": "push"}


class ProfileData(StrictParams):
    """`data`: fields of a profile by name, custom ones too, and its subscriptions.

    A value may be a field function, `{"action": ..., "value": ...}`.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    email: Email | None = Field(None, description="address, unique in the database")
    phones: list[Phone] | None = Field(None, description="numbers")
    subscriptions: list[ProfileSubscription] | None = Field(None, description="its subscriptions")

    @model_validator(mode="after")
    def _has_good_fields(self) -> ProfileData:
        for name, value in self.__pydantic_extra__.items():
            if not name or not name.isprintable():
                raise wrong("every field needs a name", "data")
            if name in _STANDARD and value is not None and not isinstance(value, dict):
                _check_standard(name, value)
        return self


class SteadyData(ProfileData):
    """The same for calls that may be sent twice: no value may depend on what it was before."""

    @model_validator(mode="after")
    def _is_steady(self) -> SteadyData:
        for name, value in self.__pydantic_extra__.items():
            if is_moving(value):
                raise wrong(f"{name}: {MOVING}", "data")
        return self


def _check_standard(name: str, value: Any) -> None:
    try:
        _STANDARD[name].validate_python(value, strict=True)
    except ValidationError as error:
        expected = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise wrong(f"{name}: {expected.removeprefix('Value error, ')}", "data") from None


def placed(data: Params, provider: AltcraftProvider) -> Params:
    """With the resource of each subscription. Raises InvalidParams."""
    if not data.get("subscriptions"):
        return data
    try:
        entries = [filled(entry, provider, "resource_id") for entry in data["subscriptions"]]
    except InvalidParams as error:
        raise InvalidParams(f"a subscription's resource_id {error.problem}", field="data") from None
    return {**data, "subscriptions": entries}


def contacts_in(data: Params) -> list[Contact]:
    """Everybody whom a profile's data names: its own address and numbers, and its
    subscriptions'."""
    found = [email_contact(data["email"])] if data.get("email") else []
    found.extend(phone_contact(number) for number in data.get("phones") or [])
    found.extend(contact_of(entry) for entry in data.get("subscriptions") or [])
    return found


def field_names(data: Params, finding: Iterable[str] = ()) -> frozenset[str]:
    """The profile's own fields that are set, without those that only say which profile it is."""
    return frozenset(data) - {"subscriptions", *finding}


def subscription_targets(data: Params, db_id: int, provider: AltcraftProvider) -> list[Target]:
    return [order.set_target(provider, db_id, entry) for entry in data.get("subscriptions") or []]


def reduced(
    data: Params,
    keep: Keep,
    *,
    profile: str | None,
    db_id: int,
    provider: AltcraftProvider,
    finding: Iterable[str] = (),
) -> Params:
    """The data that sets only what is kept. Of a profile that has no name (`profile` None) the own
    fields stay: nothing else can have set them."""
    left = dict(data)
    if profile is not None:
        kept = keep.get(profile, frozenset())
        settable = field_names(data, finding)
        left = {name: it for name, it in data.items() if name not in settable or name in kept}
        if "*" in kept:
            left = dict(data)
    if left.get("subscriptions"):
        entries = [
            only(entry, kept)
            for entry in left["subscriptions"]
            if (kept := keep.get(order.subscription(provider, db_id, entry), frozenset()))
        ]
        left["subscriptions"] = entries
        if not entries:
            del left["subscriptions"]
    return left
