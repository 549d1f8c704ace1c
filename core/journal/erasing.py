"""Erasing a person from what is stored, in slices: each one transaction, so that an interrupted
erasure is simply run again. First through the events, then through the actions, whose event may not
be recorded yet.

An event in which the person is found goes whole, with all its actions. What a worker has in hand is
left. What must not go in: who may do it, and what comes in later (see `erased`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.erasing import (
    emptied_action,
    emptied_record,
    happened_by,
    planned_by,
    unread_text,
    values_of_action,
    values_of_record,
)
from core.errors import MessageError
from core.journal import operating, tables
from core.journal.actions import change_actions
from core.journal.dialect import in_code_order, pairs_among
from core.journal.erased import NO_DIGEST
from core.journal.machine import CANCELLABLE
from core.journal.operator import Erasure
from core.journal.rows import ERASED, SqlRow
from core.journal.states import State
from core.messages import (
    ActionMessage,
    EventRecord,
    decode_action,
    decode_record,
    encode_action,
    encode_record,
)
from core.person import Person

_EVENTS, _ACTIONS = "events", "actions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One slice of looking for a person in what had happened `until` a moment. `after`: as the
    slice before said."""

    person: Person
    until: int
    after: str | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Rows of events and of actions to be emptied, and where to go on."""

    after: str | None
    records: Sequence[EventRecord] = ()
    rows: Sequence[SqlRow] = ()

    def told(self) -> Erasure:
        readable = [row for row in self.rows if _is_readable(row)]
        return Erasure(
            after=self.after,
            events=len(self.records),
            unreadable=len(self.rows) - len(readable),
            actions={row.id: State(row.state) for row in readable},
        )


async def look(connection: AsyncConnection, search: Search) -> Erasure:
    return (await _find(connection, search, locked=False)).told()


async def erase(connection: AsyncConnection, search: Search, *, audit: int, now: int) -> Erasure:
    if connection.dialect.name == "sqlite":
        # What is overwritten is gone from the file, too, and not only from its tables.
        await connection.exec_driver_sql("PRAGMA secure_delete=ON")
    found = await _find(connection, search, locked=True)
    rows = [row for row in found.rows if row.state != State.RUNNING.value]
    await _empty_events(connection, found.records)
    await empty(connection, rows, now)
    if rows:
        await operating.count(connection, audit, len(rows))
    return found.told()


async def _find(connection: AsyncConnection, search: Search, *, locked: bool) -> _Found:
    """`locked`: actions, until the transaction ends; a look must not wait for a worker."""
    kind, place = orjson.loads(search.after) if search.after is not None else (_EVENTS, "")
    if kind == _EVENTS:
        return await _find_events(connection, search, place, locked=locked)
    return await _find_actions(connection, search, place, locked=locked)


async def _find_events(
    connection: AsyncConnection, search: Search, place: str, *, locked: bool
) -> _Found:
    """Also what is left of events that were emptied before: a worker had it in hand."""
    table = tables.events
    query = (
        select(table.c.ref, table.c.record)
        .where(table.c.ref > place)
        .order_by(table.c.ref)
        .limit(search.limit)
    )
    found = (await connection.execute(query)).all()
    if not found:
        return _Found(after=_cursor(_ACTIONS, ""))
    records = [decode_record(row.record) for row in found]
    about = [
        record
        for record in records
        if not record.event.erased
        and happened_by(record, search.until)
        and (
            search.person.is_in(values_of_record(record))
            or search.person.is_within(record.event.id)
        )
    ]
    refs = [record.event.ref for record in (*about, *(it for it in records if it.event.erased))]
    rows = await full_rows(connection, refs, locked=locked)
    return _Found(after=_cursor(_EVENTS, found[-1].ref), records=about, rows=rows)


async def full_rows(
    connection: AsyncConnection, refs: Sequence[str], *, locked: bool = True
) -> list[SqlRow]:
    """The actions of these events that still hold something."""
    if not refs:
        return []
    table = tables.actions
    order = in_code_order(connection.dialect.name, table.c.id)
    query = select(table).where(table.c.ref.in_(refs)).order_by(order)
    if locked:
        query = query.with_for_update()
    rows = (await connection.execute(query)).all()
    return [row for row in rows if not _is_emptied(row)]


async def _find_actions(
    connection: AsyncConnection, search: Search, place: str, *, locked: bool
) -> _Found:
    table = tables.actions
    query = select(table).where(table.c.id > place).order_by(table.c.id).limit(search.limit)
    found = (await connection.execute(query)).all()
    if not found:
        return _Found(after=None)
    after = _cursor(_ACTIONS, found[-1].id)
    about = [row for row in found if _is_about(row, search)]
    if not about or not locked:
        return _Found(after=after, rows=about)
    # Locked only now, and so looked at again: it may have moved on meanwhile.
    query = (
        select(table)
        .where(table.c.id.in_([row.id for row in about]))
        .order_by(in_code_order(connection.dialect.name, table.c.id))
        .with_for_update()
    )
    rows = (await connection.execute(query)).all()
    return _Found(after=after, rows=[row for row in rows if _is_about(row, search)])


def _cursor(kind: str, place: str) -> str:
    return orjson.dumps([kind, place]).decode()


def _is_about(row: SqlRow, search: Search) -> bool:
    try:
        action = decode_action(row.message).action
    except MessageError:
        return row.created_at <= search.until and search.person.is_within(unread_text(row.message))
    left = orjson.loads(row.remaining) if row.remaining is not None else None
    return (
        not action.erased
        and planned_by(action, search.until)
        and (
            search.person.is_in([*values_of_action(action), row.recipient, left])
            or search.person.is_within(action.event_id)
        )
    )


def _is_emptied(row: SqlRow) -> bool:
    return row.reason == ERASED and (not row.message or decode_action(row.message).action.erased)


def _is_readable(row: SqlRow) -> bool:
    try:
        decode_action(row.message)
    except MessageError:
        return False
    return True


async def _empty_events(connection: AsyncConnection, records: Sequence[EventRecord]) -> None:
    if not records:
        return
    table = tables.events
    rows = [
        {"b_ref": record.event.ref, "b_record": encode_record(emptied_record(record))}
        for record in sorted(records, key=lambda each: each.event.ref)
    ]
    await connection.execute(
        update(table)
        .where(table.c.ref == bindparam("b_ref"))
        .values(event_id=table.c.ref, record=bindparam("b_record"), digest=NO_DIGEST),
        rows,
    )


async def empty(connection: AsyncConnection, rows: Sequence[SqlRow], now: int) -> None:
    """Locked rows of actions that nobody has in hand lose whom they were about, and end."""
    if not rows:
        return
    await change_actions(connection, [_emptied_row(row, now) for row in rows])
    ids = [row.id for row in rows]
    tries, marks, receipts = tables.attempts, tables.marks, tables.receipts
    # The provider's words may repeat the number.
    await connection.execute(update(tries).where(tries.c.action_id.in_(ids)).values(reason=""))
    # Ids of events are text of their source's.
    await connection.execute(
        update(marks).where(marks.c.action_id.in_(ids)).values(event_id=marks.c.action_id)
    )
    references = [(row.provider, row.reference) for row in rows if row.reference is not None]
    if references:
        await connection.execute(
            delete(receipts).where(
                pairs_among(connection, (receipts.c.provider, receipts.c.reference), references)
            )
        )


def _emptied_row(row: SqlRow, now: int) -> dict[str, Any]:
    state = State(row.state)
    try:
        action = decode_action(row.message).action
        message = encode_action(ActionMessage(action=emptied_action(action)))
    except MessageError:
        message = b""
    return {
        "b_id": row.id,
        "state": (State.CANCELLED if state in CANCELLABLE else state).value,
        "event_id": row.ref,
        "due_at": None,
        "blocked_on": None,
        "order_keys": None,
        "remaining": None,
        "reason": ERASED,
        "reference": None,
        "recipient": None,
        "message": message,
        "updated_at": now,
    }
