"""What a preset is: how the deliveries of one known system are signed, read and answered.

Most systems sign the body alone. What an event is known by is therefore taken out of the body: an
id in a header could be changed by whoever overheard a delivery, and the text would go out again.
What must not go in: any system (one file each beside this one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.errors import InvalidEvent
from core.messages import JsonObject
from gateway.events.headers import Headers
from gateway.events.parse import Parsed
from gateway.sources.names import OnInvalid, Scheme
from gateway.sources.reading import Delivery, Draft, finish, missing, read_object


class Ping(Protocol):
    """A system's unsigned question if somebody is there."""

    def may_be(self, headers: Headers) -> bool: ...

    def is_one(self, body: bytes) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One kind of delivery. `type` is our name for it; None: it has none, and keeps its own.

    `once`: it happens once for its subject, so that whatever is told again about it is the same
    event. What can happen again is told apart by the time of its change.
    """

    type: str | None = None
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a preset finds in a delivery. `name` is the system's own name for what happened, `data`
    what is said about it in our words; `subject` is what it happened to, `change` when that
    changed."""

    name: str
    topic: Topic
    data: JsonObject
    subject: str | None = None
    change: str | None = None
    id: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetKind:
    """`prefix` stands before the names of what has no business event. `success`: what its sender
    has to be answered instead of a receipt."""

    scheme: Scheme
    prefix: str
    find: Callable[[JsonObject, Headers, Delivery], Found]
    topics: frozenset[str]
    on_invalid: OnInvalid = OnInvalid.PARK
    ping: Ping | None = None
    success: JsonObject | None = None


class PresetReader:
    """Reads one source's deliveries; `types` are its own names for some of the topics."""

    def __init__(self, kind: PresetKind, types: Mapping[str, str]) -> None:
        self._kind = kind
        self._types = types

    def read(self, delivery: Delivery) -> Parsed:
        body = read_object(delivery)
        found = self._kind.find(body, delivery.headers, delivery)
        wanted = self._types.get(found.name, self._types.get("*"))
        own = f"{self._kind.prefix}.{found.name.replace('/', '.')}"
        return finish(
            Draft(
                type=wanted or found.topic.type or own,
                id=found.id or _id(found),
                time=found.time,
                subject=found.subject,
                data={**found.data, "original": body},
                restated=found.topic.once and found.id is None and found.subject is not None,
            ),
            delivery,
        )


def _id(found: Found) -> str | None:
    """None: by what the delivery says."""
    if found.subject is None:
        return None
    if found.topic.once:
        return f"{found.name}:{found.subject}"
    if found.change is None:
        return None
    return f"{found.name}:{found.subject}:{found.change}"


def topic_header(headers: Headers, name: str) -> str:
    """A system's name for what happened, out of a header. Raises InvalidEvent."""
    text = headers.one(name)
    if not text or len(text) > 100 or not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidEvent("The delivery does not say what happened.", field=name)
    return text


def text_of(value: Any) -> str | None:
    """An id or a number as text; None for what is neither."""
    if isinstance(value, bool) or value is None or value == "":
        return None
    return str(value) if isinstance(value, str | int) else None


def required_id(body: JsonObject, field: str = "id") -> str:
    """Raises InvalidEvent."""
    found = text_of(body.get(field))
    if found is None:
        raise missing(field)
    return found
