"""How people are reached: channels, the fields that identify a contact in each, and what is one
contact written in two ways.

Every subscription is identified this way, in calls of its own as within a profile's data. What must
not go in: what a call sets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, assert_never

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from vendors.altcraft.provider import AltcraftProvider
from vendors.parameters import StrictParams
from vendors.wire import InvalidParams, Params

_SEPARATORS = re.compile(r"[ ().\-]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


class Channel(StrEnum):
    """As the platform names them."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    TELEGRAM_BOT = "telegram_bot"
    WHATSAPP = "whatsapp"
    VIBER = "viber"
    NOTIFY = "notify"


ChannelName = Literal["email", "sms", "push", "telegram_bot", "whatsapp", "viber", "notify"]
CONTACT_FIELDS = ("email", "email_data", "phone", "provider", "subscription_id", "cc_data")


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("expected a line of text that is not empty")
    return value


def _email(value: str) -> str:
    value = value.strip()
    if len(value) > 254 or not _EMAIL.fullmatch(value) or not value.isprintable():
        raise ValueError("expected an email address")
    return value


def _phone(value: str) -> str:
    number = _SEPARATORS.sub("", value)
    if not _E164.fullmatch(number):
        raise ValueError("expected an international number such as +79000000000")
    return number


Line = Annotated[str, Field(max_length=1024), AfterValidator(_line)]
Email = Annotated[str, AfterValidator(_email)]
Phone = Annotated[str, AfterValidator(_phone)]


def wrong(problem: str, field: str) -> PydanticCustomError:
    """What a check across several fields raises, so that the field is named all the same."""
    return PydanticCustomError("altcraft", "{problem}", {"problem": problem, "field": field})


class MessengerData(StrictParams):
    """`cc_data`: the chat between a Telegram bot and a user, or a number at WhatsApp, Viber or
    Notify."""

    id: int | None = Field(None, ge=-(2**63), le=2**63 - 1, description="chat with a Telegram bot")
    phone: Phone | None = Field(None, description="number at WhatsApp, Viber or Notify")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> MessengerData:
        if (self.id is None) == (self.phone is None):
            raise ValueError('expected {"id": ...} or {"phone": ...}')
        return self


class EmailData(StrictParams):
    """The nested way in which batches may name an address."""

    email: Email = Field(description="address")


class ContactFields(StrictParams):
    """A channel, and exactly the fields that identify a contact in it."""

    channel: ChannelName = Field(
        description="decides which of the next fields identifies the contact"
    )
    email: Email | None = Field(None, description="address, with channel email")
    phone: Phone | None = Field(None, description="number, with channel sms")
    provider: Line | None = Field(None, description="push provider, such as android-firebase")
    subscription_id: Line | None = Field(None, description="push token, with channel push")
    cc_data: MessengerData | None = Field(
        None, description='{"id": ...} with telegram_bot, {"phone": ...} with other messengers'
    )

    @model_validator(mode="after")
    def _has_its_contact(self) -> ContactFields:
        channel = Channel(self.channel)
        given = {name for name in CONTACT_FIELDS if getattr(self, name, None) is not None}
        needed = set(identifying(channel))
        if channel is Channel.EMAIL and "email_data" in given:
            needed = {"email_data"}
        for name in CONTACT_FIELDS:
            if name in given - needed:
                raise wrong("does not belong to this channel", name)
            if name in needed - given:
                raise wrong("is needed by this channel", name)
        if self.cc_data is not None:
            wanted = "id" if channel is Channel.TELEGRAM_BOT else "phone"
            if self.cc_data.model_fields_set != {wanted} or getattr(self.cc_data, wanted) is None:
                raise wrong(f'expected {{"{wanted}": ...}} for this channel', "cc_data")
        return self


def identifying(channel: Channel) -> tuple[str, ...]:
    """The fields that identify a contact in a channel, exactly these."""
    match channel:
        case Channel.EMAIL:
            return ("email",)
        case Channel.SMS:
            return ("phone",)
        case Channel.PUSH:
            return ("provider", "subscription_id")
        case Channel.TELEGRAM_BOT | Channel.WHATSAPP | Channel.VIBER | Channel.NOTIFY:
            return ("cc_data",)
        case _:
            assert_never(channel)


def contact_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Who is reached through these channel fields: a kind and its values, the same however they
    were written. A number is the same person by text and by any messenger."""
    match Channel(fields["channel"]):
        case Channel.EMAIL:
            nested: Mapping[str, Any] = fields.get("email_data") or fields
            return email_contact(nested["email"])
        case Channel.SMS:
            return phone_contact(fields["phone"])
        case Channel.PUSH:
            return push_contact(fields["provider"], fields["subscription_id"])
        case Channel.TELEGRAM_BOT | Channel.WHATSAPP | Channel.VIBER | Channel.NOTIFY:
            return messenger_contact(fields["cc_data"])
    raise ValueError("no channel")


def email_contact(address: str) -> tuple[str, ...]:
    """Addresses that differ only in case are one contact: an older consent for JOHN@ must not
    overwrite a newer one for john@."""
    return ("email", address.casefold())


def phone_contact(number: str) -> tuple[str, ...]:
    return ("phone", number.removeprefix("+"))


def push_contact(provider: str, token: str) -> tuple[str, ...]:
    return ("push", provider, token)


def messenger_contact(cc_data: Mapping[str, Any]) -> tuple[str, ...]:
    if cc_data.get("phone") is not None:
        return phone_contact(cc_data["phone"])
    return ("telegram", str(cc_data["id"]))


def filled(params: Params, provider: AltcraftProvider, *names: str) -> Params:
    """With what the provider says where the parameters do not. Raises InvalidParams."""
    result = {name: getattr(provider, name) for name in names} | params
    for name in names:
        if result[name] is None:
            raise InvalidParams("is needed: neither the rule nor the provider gives it", field=name)
    return result


def recipient(params: Params) -> str | None:
    """The address or number that a call names, or the profile where it is a device or a chat."""
    cc_data: dict[str, Any] = params.get("cc_data") or {}
    whom = (
        params.get("email")
        or params.get("phone")
        or cc_data.get("phone")
        or params.get("profile_id")
    )
    return str(whom) if whom else None
