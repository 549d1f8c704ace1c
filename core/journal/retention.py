"""Forgetting what is old, in slices: an event with all its actions, once every one of them has
ended and the time in which a repeat could come is over.

What is open, or waits for a person, stays. What must not go in: when to do it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from core.journal import tables
from core.journal.dialect import pairs_among
from core.journal.states import ENDED, State

Slice = tuple[int, tuple[Any, ...] | None]
"""How many were removed, and the place from which to go on; None: the end was reached."""

_FORGETTABLE = sorted(state.value for state in ENDED - {State.PARKED})


async def forget_events(
    connection: AsyncConnection, *, before: int, after: tuple[int, str], limit: int
) -> Slice:
    """Remove up to `limit` events recorded before a moment, from a place on. Those that still have
    something open are passed over; the next round looks at them again."""
    events, actions = tables.events, tables.actions
    query = (
        select(events.c.ref, events.c.recorded_at)
        .where(
            events.c.recorded_at < before,
            # By this an index knows where to begin; without it, each slice would pass again over
            # all that came before it and was kept.
            events.c.recorded_at >= after[0],
            or_(events.c.recorded_at > after[0], events.c.ref > after[1]),
        )
        .order_by(events.c.recorded_at, events.c.ref)
        .limit(limit)
    )
    found = (await connection.execute(query)).all()
    if not found:
        return 0, None
    refs = [row.ref for row in found]
    rows = (
        await connection.execute(
            select(
                actions.c.id,
                actions.c.ref,
                actions.c.state,
                actions.c.provider,
                actions.c.reference,
            )
            .where(actions.c.ref.in_(refs))
            .with_for_update(skip_locked=True)
        )
    ).all()
    planned = (
        await connection.execute(
            select(tables.planned.c.ref, tables.planned.c.action_id).where(
                tables.planned.c.ref.in_(refs)
            )
        )
    ).all()
    seen = {row.id for row in rows}
    kept = {row.ref for row in rows if row.state not in _FORGETTABLE}
    # Planned and not seen: its row is missing, or somebody has it locked. Either way it is not for
    # us to forget.
    kept |= {row.ref for row in planned if row.action_id not in seen}
    gone = [ref for ref in refs if ref not in kept]
    await _remove(connection, gone, [row for row in rows if row.ref not in kept])
    return len(gone), (found[-1].recorded_at, found[-1].ref)


async def _remove(connection: AsyncConnection, refs: list[str], rows: list[Any]) -> None:
    if not refs:
        return
    ids = [row.id for row in rows]
    references = [(row.provider, row.reference) for row in rows if row.reference is not None]
    if ids:
        await connection.execute(
            delete(tables.attempts).where(tables.attempts.c.action_id.in_(ids))
        )
        await connection.execute(delete(tables.planned).where(tables.planned.c.action_id.in_(ids)))
        await connection.execute(delete(tables.actions).where(tables.actions.c.id.in_(ids)))
    if references:
        receipts = tables.receipts
        await connection.execute(
            delete(receipts).where(
                pairs_among(connection, (receipts.c.provider, receipts.c.reference), references)
            )
        )
    await connection.execute(delete(tables.events).where(tables.events.c.ref.in_(refs)))


async def forget_marks(
    connection: AsyncConnection, *, before: int, after: tuple[str, str], limit: int
) -> Slice:
    """Walk the marks in the order of their keys and remove those that are older than any event that
    could still come."""
    table = tables.marks
    key = tuple_(table.c.entity, table.c.field)
    query = (
        select(table.c.entity, table.c.field, table.c.occurred_at)
        .where(key > after)
        .order_by(table.c.entity, table.c.field)
        .limit(limit)
    )
    found = (await connection.execute(query)).all()
    if not found:
        return 0, None
    old = [(row.entity, row.field) for row in found if row.occurred_at < before]
    removed = 0
    if old:
        result = await connection.execute(
            delete(table).where(key.in_(old), table.c.occurred_at < before)
        )
        removed = result.rowcount
    return removed, (found[-1].entity, found[-1].field)


async def forget_leases(
    connection: AsyncConnection, *, before: int, after: tuple[str], limit: int
) -> Slice:
    """The same for leases on profiles that nobody has called for in a long time."""
    table = tables.order_leases
    query = (
        select(table.c.order_key, table.c.until)
        .where(table.c.order_key > after[0])
        .order_by(table.c.order_key)
        .limit(limit)
    )
    found = (await connection.execute(query)).all()
    if not found:
        return 0, None
    old = [row.order_key for row in found if row.until < before]
    removed = 0
    if old:
        locked = (
            (
                await connection.execute(
                    select(table.c.order_key)
                    .where(table.c.order_key.in_(old), table.c.until < before)
                    .order_by(table.c.order_key)
                    .with_for_update(skip_locked=True)
                )
            )
            .scalars()
            .all()
        )
        if locked:
            result = await connection.execute(delete(table).where(table.c.order_key.in_(locked)))
            removed = result.rowcount
    return removed, (found[-1].order_key,)


async def forget_erased(
    connection: AsyncConnection,
    *,
    before: int,
    after: tuple[str],  # noqa: ARG001 - the others go on from a place; these few go at once
    limit: int,
) -> Slice:
    """Hashes of persons who were erased so long ago that no repeat can come any more."""
    table = tables.erased
    old = select(table.c.hash).where(table.c.erased_at < before).limit(limit)
    result = await connection.execute(delete(table).where(table.c.hash.in_(old)))
    return result.rowcount, ("",) if result.rowcount == limit else None
