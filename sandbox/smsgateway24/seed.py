"""What stands in the account at the start: the `smsgateway24:` part of a seed file.

What must not go in: reading the file.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from sandbox.smsgateway24 import statuses
from sandbox.smsgateway24.devices import Device
from sandbox.smsgateway24.shown import shown
from sandbox.world import World


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SeedAccount(_Part):
    """Who may log in; with one of them, nobody else."""

    email: str = Field(min_length=1)
    password: str = Field(min_length=1)


class SeedDevice(_Part):
    """A phone. `lastseen` of one that is not online; by default now."""

    id: int = Field(ge=1)
    title: str = "Phone"
    number: str | None = None
    online: bool = True
    lastseen: AwareDatetime | None = None


class SeedTag(_Part):
    """A tag for contacts."""

    id: int = Field(ge=1)
    title: str


class SeedContact(_Part):
    """A number under a tag."""

    phone: str = Field(min_length=1)
    tag_id: int
    fullname: str = ""


class SeedText(_Part):
    """A text that was saved before; it stays at its status."""

    sendto: str = Field(min_length=1)
    body: str
    device_id: int | str = 260
    status: int = statuses.DELIVERED
    customerid: int | None = None
    created: AwareDatetime | None = None

    @field_validator("status")
    @classmethod
    def _known(cls, value: int) -> int:
        if value not in statuses.TITLES:
            raise ValueError("is no status of a text")
        return value


class Seed(_Part):
    """All of it. Devices given here are there in place of the usual ones."""

    accounts: tuple[SeedAccount, ...] = ()
    devices: tuple[SeedDevice, ...] | None = None
    tags: tuple[SeedTag, ...] = ()
    contacts: tuple[SeedContact, ...] = ()
    texts: tuple[SeedText, ...] = ()


def seed(world: World, content: object) -> None:
    """Put it there. Raises ValueError naming the field, before anything is changed."""
    read = _read(content)
    now = world.clock.now()
    for account in read.accounts:
        world.sms.tokens.add_account(account.email, account.password)
    if read.devices is not None:
        world.sms.devices.clear()
        for device in read.devices:
            world.sms.devices.put(_device(device, now))
    for tag in read.tags:
        world.sms.contacts.add_tag(tag.title, tag.id)
    for contact in read.contacts:
        world.sms.contacts.add_contact(**contact.model_dump())
    for text in read.texts:
        saved = world.texts.add(
            sendto=text.sendto.replace(" ", ""),
            body=text.body,
            device_id=str(text.device_id),
            created=text.created or now,
            customerid=text.customerid,
            status=text.status,
            ending=text.status,
        )
        world.feed.put_text(saved.id, shown(saved))


def _read(content: object) -> Seed:
    try:
        read = Seed.model_validate(content if content is not None else {})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ValueError(f"{_dotted(first['loc'])}: {first['msg']}") from None
    known = {tag.id for tag in read.tags}
    for index, contact in enumerate(read.contacts):
        if contact.tag_id not in known:
            raise ValueError(f"contacts[{index}].tag_id: no tag of the seed has this id")
    return read


def _dotted(location: tuple[int | str, ...]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return parts.removeprefix(".") or "smsgateway24"


def _device(device: SeedDevice, now: datetime) -> Device:
    silent_since = None if device.online else device.lastseen or now
    return Device(
        id=device.id,
        title=device.title,
        number=device.number,
        created=now.replace(microsecond=0),
        silent_since=silent_since,
    )
