"""How the platform finds the profile that a call is about: modes, and the fields each one needs.

What must not go in: what is done with the profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StrictStr, model_validator

from vendors.altcraft.contact import (
    Email,
    Line,
    MessengerData,
    Phone,
    email_contact,
    messenger_contact,
    phone_contact,
    push_contact,
    wrong,
)
from vendors.altcraft.provider import Id
from vendors.parameters import StrictParams


class Mode(StrEnum):
    """As the platform names them."""

    EMAIL = "email"
    EMAIL_PROFILE = "email_profile"
    EMAIL_SUB = "email_sub"
    PHONE = "phone"
    PHONE_SUB = "phone_sub"
    PROFILE_ID = "profile_id"
    PUSH_SUB = "push_sub"
    CUSTOM = "custom"
    CUSTOM_SUB = "custom_sub"
    EMAIL_PHONE = "email_phone"
    EMAIL_PHONE_SUB = "email_phone_sub"


ModeName = Literal[
    "email",
    "email_profile",
    "email_sub",
    "phone",
    "phone_sub",
    "profile_id",
    "push_sub",
    "custom",
    "custom_sub",
    "email_phone",
    "email_phone_sub",
]

FINDING = (
    "email",
    "phone",
    "profile_id",
    "provider",
    "subscription_id",
    "field_name",
    "field_value",
    "cc_data",
)
"""Every field by which a profile can be found."""

FieldValue = StrictInt | Annotated[StrictStr, Field(min_length=1, max_length=1024)]


class FindingFields(StrictParams):
    """The fields by which a profile is found; which of them belong together says the mode."""

    matching: ModeName | None = Field(None, description="how the profile is found; default email")
    email: Email | None = Field(None, description="address, with the email modes")
    phone: Phone | None = Field(None, description="number, with the phone modes")
    profile_id: Line | None = Field(None, description="profile, with profile_id")
    provider: Line | None = Field(None, description="push provider, with push_sub")
    subscription_id: Line | None = Field(None, description="push token, with push_sub")
    field_name: Line | None = Field(None, description="field of the database, with custom")
    field_value: FieldValue | None = Field(None, description="its value, with custom")
    cc_data: MessengerData | None = Field(
        None, description='{"id": ...} or {"phone": ...} of a messenger, with custom_sub'
    )
    resource_id: Id | None = Field(None, description="narrows email and phone modes")

    def given(self) -> set[str]:
        """Which of them are there."""
        return {name for name in FINDING if getattr(self, name) is not None}


class Matching(FindingFields):
    """Exactly one profile is found: the fields that the mode needs are given, and no others."""

    @model_validator(mode="after")
    def _is_found(self) -> Matching:
        check_found(Mode(self.matching or "email"), self.given())
        return self


def check_found(mode: Mode, given: set[str]) -> None:
    needed = set(fields_of(mode))
    if mode in {Mode.EMAIL_PHONE, Mode.EMAIL_PHONE_SUB} and given & needed:
        needed &= given  # one of both is enough
    for name in FINDING:
        if name in given - needed:
            raise wrong(f"does not belong to matching {mode}", name)
        if name in needed - given:
            raise wrong(f"is needed by matching {mode}", name)


_FIELDS: dict[Mode, tuple[str, ...]] = {
    Mode.EMAIL: ("email",),
    Mode.EMAIL_PROFILE: ("email",),
    Mode.EMAIL_SUB: ("email",),
    Mode.PHONE: ("phone",),
    Mode.PHONE_SUB: ("phone",),
    Mode.PROFILE_ID: ("profile_id",),
    Mode.PUSH_SUB: ("provider", "subscription_id"),
    Mode.CUSTOM: ("field_name", "field_value"),
    Mode.CUSTOM_SUB: ("cc_data",),
    Mode.EMAIL_PHONE: ("email", "phone"),
    Mode.EMAIL_PHONE_SUB: ("email", "phone"),
}


def fields_of(mode: Mode) -> tuple[str, ...]:
    """The fields that a mode needs."""
    return _FIELDS[mode]


def found_by(params: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The contacts by which these parameters find a profile, each a kind and its values.

    An address is the same one in the profile and in a subscription: the modes differ in where they
    look, not in whom they find.
    """
    found: list[tuple[str, ...]] = []
    if params.get("email"):
        found.append(email_contact(params["email"]))
    if params.get("phone"):
        found.append(phone_contact(params["phone"]))
    if params.get("profile_id"):
        found.append(("profile_id", params["profile_id"]))
    if params.get("subscription_id"):
        found.append(push_contact(params["provider"], params["subscription_id"]))
    if params.get("field_name") and params.get("field_value") is not None:
        found.append(("custom", params["field_name"], str(params["field_value"])))
    if params.get("cc_data"):
        found.append(messenger_contact(params["cc_data"]))
    return found
