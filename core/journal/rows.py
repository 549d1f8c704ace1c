"""Between records and rows: what of an action stands in columns, and how a row becomes a record
again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from core.clock import from_micros, to_micros
from core.journal.machine import Row
from core.journal.port import Attempt, Reported
from core.journal.states import State
from core.messages import Action, ActionMessage, Receipt, decode_action, encode_action

SqlRow = Any
"""A row as SQLAlchemy gives it; its columns are those of `tables.actions` or `tables.attempts`."""

ERASED = "erased"
"""The reason of an action that was about a person who was erased."""

_PLAIN_FIELD = re.compile(r"[A-Za-z0-9_.*-]{1,100}")
_REASON_LENGTH = 500
_INDEXED_LENGTH = 512
"""Of text from outside that is indexed: PostgreSQL takes 2704 bytes in an index, and not one event
may be too long to be recorded. Longer recipients are found by their first characters."""


def micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def storable(text: str | None, *, length: int | None = None) -> str | None:
    """Text as every database can hold it: no NUL, no lone surrogates."""
    if text is None:
        return None
    clean = text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
    return clean[:length] if length is not None else clean


def indexed(text: str | None) -> str | None:
    return storable(text, length=_INDEXED_LENGTH)


def field_key(name: str) -> str:
    """A field's name as part of a key: as it is if plain, else its hash (names can come from
    events)."""
    if _PLAIN_FIELD.fullmatch(name):
        return name
    return "#" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def new_row(action: Action, *, now: int) -> dict[str, Any]:
    """The columns of an action that the journal has not seen: queued, or parked if the rules parked
    it, or ended if whom it was about has been erased."""
    state = State.PARKED if action.parked else State.QUEUED
    return {
        "id": action.id,
        "ref": action.ref,
        "source": action.source,
        "event_id": action.event_id,
        "rule": action.rule,
        "step": action.step,
        "position": action.position,
        "provider": action.provider,
        "operation": action.operation,
        "lane": action.lane.value,
        "state": (State.CANCELLED if action.erased else state).value,
        "seq": 0,
        "occurred_at": to_micros(action.occurred_at),
        "expires_at": to_micros(action.expires_at) if action.expires_at else None,
        "reason": ERASED if action.erased else short_reason(action.parked),
        "recipient": indexed(action.recipient),
        "message": encode_action(ActionMessage(action=action)),
        "created_at": now,
        "updated_at": now,
    }


def short_reason(text: str | None) -> str | None:
    return storable(text, length=_REASON_LENGTH)


def machine_row(row: SqlRow) -> Row:
    return Row(
        id=row.id,
        state=State(row.state),
        seq=row.seq,
        occurred_at=row.occurred_at,
        position=row.position,
        event_id=row.event_id,
        expires_at=row.expires_at,
        due_at=row.due_at,
        unknown=bool(row.unknown),
        claims=row.claims,
    )


def message_of(row: SqlRow) -> ActionMessage:
    """The message to publish for a row: the action as it was planned, with the `seq` that stands
    now."""
    return ActionMessage(action=decode_action(row.message).action, seq=row.seq)


def reported(
    row: SqlRow,
    attempts: Iterable[SqlRow] = (),
    *,
    params: bool,
    receipts: Mapping[tuple[str, str], Receipt],
) -> Reported:
    return Reported(
        id=row.id,
        ref=row.ref,
        source=row.source,
        rule=row.rule,
        step=row.step,
        provider=row.provider,
        operation=row.operation,
        lane=row.lane,
        state=State(row.state),
        reason=row.reason,
        reference=row.reference,
        recipient=row.recipient,
        due_at=from_micros(row.due_at) if row.due_at is not None else None,
        created_at=from_micros(row.created_at),
        updated_at=from_micros(row.updated_at),
        attempts=tuple(_attempt(part) for part in attempts),
        params=decode_action(row.message).action.params if params else {},
        receipt=receipts.get((row.provider, row.reference)),
    )


def _attempt(row: SqlRow) -> Attempt:
    return Attempt(
        started_at=from_micros(row.started_at),
        took=timedelta(microseconds=row.took),
        outcome=row.outcome,
        reason=row.reason,
        duplicate=bool(row.duplicate),
    )
