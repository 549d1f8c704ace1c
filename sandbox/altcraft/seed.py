"""What the platform knows at the start: the `altcraft:` part of a seed file.

What must not go in: reading the file.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Sender
from sandbox.altcraft.profiles import wishes
from sandbox.world import World


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SeedProfile(_Part):
    """A profile: fields by name, and subscriptions as calls write them."""

    db_id: int = Field(1, ge=1)
    id: str | None = Field(None, min_length=1, description="given by the platform if not given")
    fields: dict[str, Any] = Field(default_factory=dict)
    subscriptions: tuple[dict[str, Any], ...] = ()


class SeedSender(_Part):
    """A virtual sender."""

    id: int = Field(ge=1)
    name: str = Field(min_length=1)
    account_id: int | None = None
    email_rules: list[Any] = Field(default_factory=list)
    sms_rules: list[Any] = Field(default_factory=list)


class SeedList(_Part):
    """A suppression list."""

    id: int = Field(ge=1)
    name: str = "List"
    emails: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


class SeedResource(_Part):
    """A resource, where its token matters."""

    id: int = Field(ge=1)
    rtoken: str = Field(min_length=1)


class Seed(_Part):
    """All of it. Virtual senders given here are there in place of the usual ones."""

    profiles: tuple[SeedProfile, ...] = ()
    vsenders: tuple[SeedSender, ...] | None = None
    suppresses: tuple[SeedList, ...] = ()
    resources: tuple[SeedResource, ...] = ()


def seed(world: World, content: object) -> None:
    """Put it there. Raises ValueError naming the field, before anything is changed."""
    read = _read(content)
    platform = world.altcraft
    for profile in read.profiles:
        database = platform.database(profile.db_id)
        known = database.named(profile.id) if profile.id else None
        held = database.write(known, profile.fields)
        for wish in wishes({"subscriptions": list(profile.subscriptions)}, skip_invalid=False):
            database.subscribe(held, wish)
    if read.vsenders is not None:
        platform.senders = {each.id: Sender(**each.model_dump()) for each in read.vsenders}
        platform.last_sender = max(platform.senders, default=0)
    for listed in read.suppresses:
        held_list = platform.suppression(listed.id)
        held_list.name = listed.name
        held_list.emails = {email.lower() for email in listed.emails}
        held_list.domains = set(listed.domains)
        held_list.phones = set(listed.phones)
    platform.resource_tokens = {each.id: each.rtoken for each in read.resources}


def _read(content: object) -> Seed:
    try:
        read = Seed.model_validate(content if content is not None else {})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ValueError(f"{_dotted(first['loc'])}: {first['msg']}") from None
    for index, profile in enumerate(read.profiles):
        try:
            wishes({"subscriptions": list(profile.subscriptions)}, skip_invalid=False)
        except Incorrect as incorrect:
            raise ValueError(f"profiles[{index}].subscriptions: {incorrect}") from None
    _refuse_twice(read)
    return read


def _refuse_twice(read: Seed) -> None:
    """An address belongs to one profile of a database."""
    seen: set[tuple[int, str]] = set()
    for index, profile in enumerate(read.profiles):
        address = (profile.db_id, str(profile.fields.get("email", "")).lower())
        if address[1] and address in seen:
            raise ValueError(f"profiles[{index}].fields.email: another profile has it")
        seen.add(address)


def _dotted(location: tuple[int | str, ...]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return parts.removeprefix(".") or "altcraft"
