"""What of a record, an action or a message is about a person, and what is left of it when they have
been erased.

What must not go in: where it is kept (see `core.journal.erasing` and `core.broker.embedded`).
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

import orjson

from core.clock import to_micros
from core.errors import MessageError, UnreadableMessage
from core.messages import (
    Action,
    EventRecord,
    Receipt,
    RuleDecision,
    decode_action,
    decode_recorded,
    encode_action,
    encode_record,
)
from core.person import Person

_ERASED = "erased"


def moments(record: EventRecord) -> tuple[int, int]:
    """When it happened and when it came: a source's clock may be ahead."""
    return to_micros(record.event.occurred_at), to_micros(record.event.received_at)


def moments_of(action: Action) -> tuple[int, int]:
    return to_micros(action.occurred_at), to_micros(action.accepted_at)


def happened_by(record: EventRecord, moment: int) -> bool:
    return min(moments(record)) <= moment


def planned_by(action: Action, moment: int) -> bool:
    return min(moments_of(action)) <= moment


def values_of_record(record: EventRecord) -> list[Any]:
    """Where in a record a person may be named."""
    event = record.event
    return [event.id, event.subject, event.data, [part.values for part in record.decision]]


def values_of_action(action: Action) -> list[Any]:
    return [action.event_id, action.recipient, action.params]


def emptied_record(record: EventRecord) -> EventRecord:
    """That something happened, and which rules were on it; not to whom."""
    event = record.event
    return replace(
        record,
        event=replace(event, id=event.ref, subject=None, data={}, erased=True),
        decision=tuple(_emptied_decision(part) for part in record.decision),
        actions=tuple(emptied_action(action) for action in record.actions),
        notes=(),
    )


def _emptied_decision(part: RuleDecision) -> RuleDecision:
    return replace(part, values={}, error=_ERASED if part.error is not None else None)


def emptied_action(action: Action) -> Action:
    return replace(
        action,
        event_id=action.ref,
        params={},
        recipient=None,
        parked=None,
        erased=True,
        trace=None,
    )


def emptied_message(body: bytes, person: Person, until: int) -> bytes | None:
    """What of a message stays when a person has been erased that was about them and happened until
    then; itself, if it was not. None: nobody could read it, so that nothing needs it."""
    try:
        recorded = decode_recorded(body)
    except UnreadableMessage:
        return _emptied_action_message(body, person, until)
    except MessageError:
        return None if person.is_within(unread_text(body)) else body
    if isinstance(recorded, Receipt):
        return body
    named = [*values_of_record(recorded)]
    named += [value for action in recorded.actions for value in values_of_action(action)]
    if (
        recorded.event.erased
        or not happened_by(recorded, until)
        or not (person.is_in(named) or person.is_within(recorded.event.id))
    ):
        return body
    return encode_record(emptied_record(recorded))


def _emptied_action_message(body: bytes, person: Person, until: int) -> bytes | None:
    try:
        message = decode_action(body)
    except MessageError:
        return None if person.is_within(unread_text(body)) else body
    action = message.action
    if (
        action.erased
        or not planned_by(action, until)
        or not (person.is_in(values_of_action(action)) or person.is_within(action.event_id))
    ):
        return body
    return encode_action(replace(message, action=emptied_action(action)))


def unread_text(message: bytes) -> str:
    """What nobody could read, as text; also what was wrapped because of that."""
    try:
        inner = b64decode(orjson.loads(message)["body"])
    except (ValueError, KeyError, TypeError):
        inner = b""
    text = (message + b"\n" + inner).decode("utf-8", "replace")
    # Callbacks often are forms.
    return text + "\n" + unquote_plus(text)
