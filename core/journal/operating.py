"""What operators do to actions: cancel them, and have them done again. In slices, each one
transaction, so that an interrupted one is simply gone on with.

Every change is a compare-and-set on state and `seq`: what a worker has in hand, or has just ended,
is left alone. What must not go in: planning an event anew, and who may do any of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros, to_micros
from core.journal import tables
from core.journal.machine import CANCELLABLE, REPLAYABLE
from core.journal.operator import Again, Audited, Preview, Replayable, Selection
from core.journal.rows import ERASED, indexed, micros, new_row
from core.journal.states import State
from core.messages import decode_action, decode_record

_UNREADABLE = "ac_unreadable_"
_AGAIN = "to be done again, by an operator"


def _chosen(selection: Selection) -> ColumnElement[bool]:
    """What cannot be read belongs to no rule and no provider: only its id chooses it."""
    table = tables.actions
    conditions: list[ColumnElement[bool]] = []
    if not selection.ids:
        conditions.append(~table.c.id.startswith(_UNREADABLE))
    for column, value in (
        (table.c.ref, selection.ref),
        (table.c.source, selection.source),
        (table.c.provider, selection.provider),
        (table.c.rule, selection.rule),
        (table.c.recipient, indexed(selection.to)),
    ):
        if value is not None:
            conditions.append(column == value)
    if selection.ids:
        conditions.append(table.c.id.in_(selection.ids))
    if selection.since is not None:
        conditions.append(table.c.created_at >= to_micros(selection.since))
    if selection.until is not None:
        conditions.append(table.c.created_at < to_micros(selection.until))
    return and_(*conditions)


def _wanted(selection: Selection, of: frozenset[State]) -> ColumnElement[bool]:
    """Of what is chosen, that which is to be changed."""
    table = tables.actions
    wanted = table.c.state.in_(sorted(selection.states & of))
    if selection.changed_before is None:
        return wanted
    return and_(wanted, table.c.updated_at < to_micros(selection.changed_before))


async def preview(connection: AsyncConnection, selection: Selection, now: int) -> Preview:
    """Everything that the selection names, by state; and of the states it wants, what has expired
    and whose outcome is unknown."""
    table = tables.actions
    wanted = _wanted(selection, frozenset(State))
    is_expired = and_(wanted, table.c.expires_at.is_not(None), table.c.expires_at <= now)
    is_unknown = and_(wanted, table.c.unknown.is_(True))
    rows = (
        await connection.execute(
            select(table.c.state, func.count(), _sum(wanted), _sum(is_expired), _sum(is_unknown))
            .where(_chosen(selection))
            .group_by(table.c.state)
        )
    ).all()
    last = (
        await connection.execute(
            select(func.max(table.c.due_at)).where(
                table.c.state == State.WAITING.value,
                table.c.reason == _AGAIN,
                _chosen(selection),
            )
        )
    ).scalar_one()
    return Preview(
        states={State(row[0]): int(row[1]) for row in rows},
        wanted=sum(int(row[2]) for row in rows),
        expired=sum(int(row[3]) for row in rows),
        unknown=sum(int(row[4]) for row in rows),
        replayed_for=timedelta(microseconds=max(0, int(last or 0) - now)),
    )


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


async def cancel(
    connection: AsyncConnection, selection: Selection, *, audit: int, limit: int, now: int
) -> int:
    """Up to `limit` actions become cancelled; how many. 0: none is left."""
    table = tables.actions
    wanted = _wanted(selection, CANCELLABLE)
    query = (
        select(table.c.id)
        .where(_chosen(selection), wanted)
        .order_by(table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = (await connection.execute(query)).scalars().all()
    if ids:
        await connection.execute(
            update(table)
            .where(table.c.id.in_(ids), wanted)
            .values(
                state=State.CANCELLED.value,
                due_at=None,
                blocked_on=None,
                reason="cancelled by an operator",
                updated_at=now,
            )
        )
        await count(connection, audit, len(ids))
    return len(ids)


async def replayable(
    connection: AsyncConnection, selection: Selection, *, after: str, limit: int, now: int
) -> list[Replayable]:
    """The next actions in the order of their ids that may be done again, with their events."""
    table, events = tables.actions, tables.events
    query = (
        select(table, events.c.record.label("event"))
        .select_from(table.outerjoin(events, events.c.ref == table.c.ref))
        .where(
            _chosen(selection),
            ~table.c.id.startswith(_UNREADABLE),
            _wanted(selection, REPLAYABLE),
            or_(table.c.expires_at.is_(None), table.c.expires_at > now),
            table.c.id > after,
        )
        .order_by(table.c.id)
        .limit(limit)
    )
    return [_replayable(row) for row in (await connection.execute(query)).all()]


def _replayable(row: Any) -> Replayable:
    return Replayable(
        action=decode_action(row.message).action,
        seq=row.seq,
        state=State(row.state),
        unknown=bool(row.unknown),
        event=decode_record(row.event).event if row.event is not None else None,
    )


async def replay(
    connection: AsyncConnection, items: Sequence[Again], *, audit: int, now: int
) -> int:
    """Each becomes `waiting` until its time; how many. A generation of its own, but where the
    outcome of the last one is unknown: that has to be found out first, under its own tag."""
    table, done = tables.actions, 0
    for item in sorted(items, key=lambda each: each.action.id):
        result = await connection.execute(
            update(table)
            .where(
                table.c.id == item.action.id,
                table.c.seq == item.seq,
                table.c.state == item.state.value,
                # Erased since it was looked at: what it was must not be written back.
                table.c.reason.is_distinct_from(ERASED),
            )
            .values(**_as_planned(item), **_begun_anew(item), due_at=now + micros(item.due_in))
            .values(reason=_AGAIN, updated_at=now)
        )
        done += result.rowcount
    if done:
        await count(connection, audit, done)
    return done


def _as_planned(item: Again) -> dict[str, Any]:
    """The columns that tell where it goes: a mended rule may have moved it to another lane."""
    row = new_row(item.action, now=0)
    names = ("provider", "operation", "lane", "position", "expires_at", "recipient", "message")
    return {name: row[name] for name in names}


def _begun_anew(item: Again) -> dict[str, Any]:
    table, renew = tables.actions, item.anew or not item.unknown
    return {
        "state": State.WAITING.value,
        "generation": table.c.generation + (1 if renew else 0),
        "called_at": None if renew else table.c.called_at,
        "unknown": item.unknown and not item.anew,
        "attempts": 0,
        "claims": 0,
        # What is done is done again whole; of what failed in parts, what is left of it.
        "remaining": None if item.state is State.DONE else table.c.remaining,
    }


async def begin(connection: AsyncConnection, *, who: str, what: str, wanted: str, now: int) -> int:
    result = await connection.execute(
        insert(tables.audit).values(at=now, who=who, what=what, wanted=wanted)
    )
    key = result.inserted_primary_key
    assert key is not None  # noqa: S101 - a table with a generated key
    return int(key[0])


async def count(connection: AsyncConnection, audit: int, done: int) -> None:
    table = tables.audit
    await connection.execute(
        update(table).where(table.c.id == audit).values(done=table.c.done + done)
    )


async def end(connection: AsyncConnection, audit: int, now: int) -> None:
    table = tables.audit
    await connection.execute(update(table).where(table.c.id == audit).values(ended_at=now))


async def audited(connection: AsyncConnection, *, limit: int) -> list[Audited]:
    """Newest first."""
    table = tables.audit
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    return [
        Audited(
            id=row.id,
            at=from_micros(row.at),
            who=row.who,
            what=row.what,
            wanted=row.wanted,
            done=row.done,
            ended_at=from_micros(row.ended_at) if row.ended_at is not None else None,
        )
        for row in (await connection.execute(query)).all()
    ]
