"""Tags, the contacts that carry them, and newsletters to them.

What must not go in: texts; a newsletter becomes some when it is started.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.clock import to_text

FIRST_TAG = 8303
FIRST_CONTACT = 15_954_765
"""Those in the vendor's examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A name for some contacts."""

    id: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A number under a tag."""

    id: int
    phone: str
    tag_id: int
    fullname: str


@dataclass(slots=True, kw_only=True)
class Paket:
    """A newsletter. Nothing is sent before somebody taps Start on the phone."""

    id: int
    title: str
    device_id: str
    body: str
    tags: tuple[int, ...]
    sim: int
    time_to_send: datetime | None
    started: bool = False

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "device_id": self.device_id,
            "body": self.body,
            "tags": list(self.tags),
            "sim": self.sim,
            "time_to_send": to_text(self.time_to_send) if self.time_to_send else None,
            "started": self.started,
        }


@dataclass(slots=True)
class Contacts:
    """All of them, by id. Saving something twice makes two."""

    tags: dict[int, Tag] = field(default_factory=dict)
    contacts: dict[int, Contact] = field(default_factory=dict)
    pakets: dict[int, Paket] = field(default_factory=dict)
    _last: dict[str, int] = field(
        default_factory=lambda: {"tag": FIRST_TAG - 1, "contact": FIRST_CONTACT - 1, "paket": 0}
    )

    def add_tag(self, title: str, tag_id: int | None = None) -> Tag:
        tag = Tag(id=self._next("tag", tag_id), title=title)
        self.tags[tag.id] = tag
        return tag

    def add_contact(self, *, phone: str, tag_id: int, fullname: str) -> Contact:
        contact = Contact(
            id=self._next("contact", None), phone=phone, tag_id=tag_id, fullname=fullname
        )
        self.contacts[contact.id] = contact
        return contact

    def add_paket(self, **fields: Any) -> Paket:
        paket = Paket(id=self._next("paket", None), **fields)
        self.pakets[paket.id] = paket
        return paket

    def reached(self, paket: Paket) -> list[str]:
        """The numbers that a newsletter goes to, each once."""
        phones = (it.phone for it in self.contacts.values() if it.tag_id in paket.tags)
        return list(dict.fromkeys(phones))

    def clear(self) -> None:
        """Forget all; ids go on rising."""
        self.tags.clear()
        self.contacts.clear()
        self.pakets.clear()

    def _next(self, kind: str, wanted: int | None) -> int:
        number = self._last[kind] + 1 if wanted is None else wanted
        self._last[kind] = max(self._last[kind], number)
        return number
