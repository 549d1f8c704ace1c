"""From an authentic delivery to events: in our own formats, as a known system writes it (a preset),
or as a map of the configuration says.

What must not go in: who may send, and what a delivery that is no event is answered.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from core.errors import InvalidEvent, MalformedRequest, UnsupportedContent
from core.messages import Event
from core.record import record
from gateway.events.fields import AHEAD, make_event, parse_time
from gateway.events.headers import Headers
from gateway.events.parse import Parsed, json_content, parse_events
from gateway.events.strict_json import parse_json
from gateway.sources.verifier import Proof

CLAMPED = "the time of the event lay in the future: the time of arrival counts"


@record
class Delivery:
    """What came, from whom, and how that was proved. `body` is as received, without its
    compression."""

    source: str
    body: bytes
    headers: Headers
    proof: Proof
    now: datetime


@record
class Draft:
    """The fields of an event, not checked yet. `id` None: the delivery is known by what it says.

    `restated`: the id alone says that it is the same event, whatever else is told with it.
    """

    type: Any
    id: Any = None
    time: Any = None
    subject: Any = None
    data: Any = None
    restated: bool = False


class Reader(Protocol):
    def read(self, delivery: Delivery) -> Parsed:
        """Raises MalformedRequest, UnsupportedContent, InvalidEvent or InvalidBatch; never anything
        else."""
        ...


class OwnFormat:
    """Our own JSON and CloudEvents."""

    def read(self, delivery: Delivery) -> Parsed:
        return parse_events(
            delivery.body,
            delivery.headers,
            source=delivery.source,
            now=delivery.now,
            default_id=delivery.proof.id,
        )


def read_object(delivery: Delivery) -> dict[str, Any]:
    """The JSON object of a system that is not ours: of a key that comes twice the last one counts,
    as it does for the system itself. Raises MalformedRequest or UnsupportedContent."""
    if not json_content(delivery.headers):
        raise UnsupportedContent("The content type must be application/json.")
    value = parse_json(delivery.body, last_wins=True)
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return value


def finish(draft: Draft, delivery: Delivery) -> Parsed:
    """The one event of a draft. Raises InvalidEvent naming the field.

    A time that lies ahead of ours counts as now, since its sender would not mend it.
    """
    notes: tuple[str, ...] = ()
    time = draft.time
    moment = parse_time(time) if time is not None else None
    if moment is not None and moment - delivery.now > AHEAD:
        time, notes = None, (CLAMPED,)
    event: Event = make_event(
        source=delivery.source,
        now=delivery.now,
        id=fingerprint(delivery.body) if draft.id is None else draft.id,
        type=draft.type,
        time=time,
        subject=draft.subject,
        data=draft.data,
    )
    if notes:
        event = replace(event, time=delivery.now)
    return Parsed(events=(replace(event, restated=draft.restated),), batch=False, notes=notes)


def fingerprint(body: bytes) -> str:
    """What a delivery is known by that brings no id of its own which was signed, too."""
    return "body-" + hashlib.sha256(body).hexdigest()[:32]


def missing(field: str) -> InvalidEvent:
    return InvalidEvent("The delivery lacks a field that it is known by.", field=field)
