"""Who a subscription belongs to: channels, the fields that identify a contact, its opaque name.

Every subscription call identifies its subscription this way. What must not go in: what a call sets.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, assert_never

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from vendors.altcraft.provider import AltcraftProvider, Id
from vendors.fingerprint import fingerprint
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


class MessengerData(StrictParams):
    """`cc_data`: the chat between a Telegram bot and a user, or a number at WhatsApp, Viber or
    Notify."""

    id: int | None = Field(None, ge=-(2**63), le=2**63 - 1)
    phone: Phone | None = None


class Contact(StrictParams):
    """The parameters that name one subscription of one profile."""

    db_id: Id | None = None
    profile_id: Line
    resource_id: Id | None = None
    channel: Annotated[
        Literal["email", "sms", "push", "telegram_bot", "whatsapp", "viber", "notify"],
        Field(description="decides which of the next fields identifies the contact"),
    ]
    email: Email | None = None
    phone: Phone | None = None
    provider: Line | None = Field(None, description="push provider, such as android-firebase")
    subscription_id: Line | None = Field(None, description="push token")
    cc_data: MessengerData | None = None

    @model_validator(mode="after")
    def _has_its_contact(self) -> Contact:
        channel = Channel(self.channel)
        needed = identifying(channel)
        for name in ("email", "phone", "provider", "subscription_id", "cc_data"):
            given = getattr(self, name) is not None
            if given != (name in needed):
                problem = (
                    "does not belong to this channel" if given else "is needed by this channel"
                )
                raise PydanticCustomError(
                    "contact", "{problem}", {"problem": problem, "field": name}
                )
        if self.cc_data is not None:
            wanted = "id" if channel is Channel.TELEGRAM_BOT else "phone"
            if self.cc_data.model_fields_set != {wanted} or getattr(self.cc_data, wanted) is None:
                problem = f'expected {{"{wanted}": ...}} for this channel'
                raise PydanticCustomError(
                    "contact", "{problem}", {"problem": problem, "field": "cc_data"}
                )
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


def placed(params: Params, provider: AltcraftProvider) -> Params:
    """With database and resource, from the provider where the parameters do not say."""
    filled = {"db_id": provider.db_id, "resource_id": provider.resource_id, **params}
    for name in ("db_id", "resource_id"):
        if filled[name] is None:
            raise InvalidParams("is needed: neither the rule nor the provider gives it", field=name)
    return filled


def recipient(params: Params) -> str:
    """The address or number, or the profile where the contact is a device or a chat."""
    cc_data: dict[str, Any] = params.get("cc_data", {})
    return str(
        params.get("email") or params.get("phone") or cc_data.get("phone") or params["profile_id"]
    )


def profile_key(params: Params, provider: AltcraftProvider) -> str:
    """Names the profile whose calls go one at a time."""
    return fingerprint("altcraft.profile", _place(provider), params["db_id"], params["profile_id"])


def entity(params: Params, provider: AltcraftProvider) -> str:
    """Names one subscription. Addresses that differ only in case are one contact."""
    channel = Channel(params["channel"])
    identity = [
        str(value).casefold() if name == "email" else str(value)
        for name in identifying(channel)
        for value in (params[name].values() if isinstance(params[name], dict) else (params[name],))
    ]
    return fingerprint(
        "altcraft.subscription",
        _place(provider),
        params["db_id"],
        params["profile_id"],
        params["resource_id"],
        channel.value,
        *identity,
    )


def _place(provider: AltcraftProvider) -> str:
    return provider.url.rstrip("/").casefold()
