"""What people read of the journal: one event with everything about it, lists of actions, the
books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros
from core.journal import tables
from core.journal.dialect import shared_by_many
from core.journal.operator import Oldest
from core.journal.port import ActionFilter, ActionPage, Books, Earlier, EventReport
from core.journal.receipts import of_actions
from core.journal.rows import indexed, reported
from core.journal.states import OPEN, State
from core.messages import Lane, decode_action, decode_record

MOST = 1000
"""Rows in one page of actions at most."""


async def event(connection: AsyncConnection, ref: str) -> EventReport | None:
    found = (
        await connection.execute(select(tables.events).where(tables.events.c.ref == ref))
    ).one_or_none()
    if found is None:
        return None
    rows = (
        await connection.execute(
            select(tables.actions)
            .where(tables.actions.c.ref == ref)
            .order_by(tables.actions.c.position, tables.actions.c.id)
        )
    ).all()
    tries = (
        await connection.execute(
            select(tables.attempts)
            .where(tables.attempts.c.action_id.in_([row.id for row in rows]))
            .order_by(tables.attempts.c.id)
        )
    ).all()
    receipts = await of_actions(connection, rows)
    actions = tuple(
        reported(
            row,
            [part for part in tries if part.action_id == row.id],
            params=True,
            receipts=receipts,
        )
        for row in rows
    )
    record = decode_record(found.record)
    return EventReport(
        record=replace(record, actions=tuple(decode_action(row.message).action for row in rows)),
        recorded_at=from_micros(found.recorded_at),
        repeats=found.repeats,
        conflicts=found.conflicts,
        actions=actions,
    )


async def actions(connection: AsyncConnection, wanted: ActionFilter) -> ActionPage:
    """Newest first. The cursor is `created_at` and id of the last row of the page before."""
    table = tables.actions
    query = select(table).order_by(table.c.created_at.desc(), table.c.id.desc())
    state: ColumnElement[str] = table.c.state
    if wanted.state is State.DONE:
        state = shared_by_many(connection, state)
    for column, value in (
        (table.c.source, wanted.source),
        (table.c.recipient, indexed(wanted.to)),
        (state, wanted.state.value if wanted.state else None),
        (table.c.provider, wanted.provider),
        (table.c.rule, wanted.rule),
        (table.c.ref, wanted.ref),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.before is not None:
        created_at, _, name = wanted.before.partition(".")
        moment = int(created_at)
        # The first condition says nothing new, but only from it does an index know where to begin:
        # without it, each page would be looked for from the newest action on.
        query = query.where(
            table.c.created_at <= moment,
            or_(table.c.created_at < moment, table.c.id < name),
        )
    limit = min(max(wanted.limit, 1), MOST)
    rows = (await connection.execute(query.limit(limit + 1))).all()
    page = rows[:limit]
    following = f"{page[-1].created_at}.{page[-1].id}" if len(rows) > limit else None
    receipts = await of_actions(connection, page)
    return ActionPage(
        actions=tuple(reported(row, params=False, receipts=receipts) for row in page),
        next=following,
    )


async def books(connection: AsyncConnection) -> Books:
    """One consistent reading: the caller opens a snapshot transaction."""
    table, planned = tables.actions, tables.planned

    async def count(query: Select[int]) -> int:
        return (await connection.execute(query)).scalar_one()

    parts = (
        await connection.execute(
            select(table.c.source, table.c.provider, table.c.state, func.count())
            .group_by(table.c.source, table.c.provider, table.c.state)
            .order_by(table.c.source, table.c.provider, table.c.state)
        )
    ).all()
    queued = (
        await connection.execute(
            select(table.c.provider, table.c.lane, func.count())
            .where(table.c.state == State.QUEUED.value)
            .group_by(table.c.provider, table.c.lane)
        )
    ).all()
    states: Counter[State] = Counter()
    for row in parts:
        states[State(row[2])] += int(row[3])
    return Books(
        events=await count(select(func.count()).select_from(tables.events)),
        planned=await count(select(func.count()).select_from(planned)),
        claimed_only=await count(
            select(func.count())
            .select_from(table.outerjoin(planned, planned.c.action_id == table.c.id))
            .where(planned.c.action_id.is_(None))
        ),
        rowless=await count(
            select(func.count())
            .select_from(planned.outerjoin(table, planned.c.action_id == table.c.id))
            .where(table.c.id.is_(None))
        ),
        states=dict(states),
        parts={(row[0], row[1], State(row[2])): int(row[3]) for row in parts},
        queued={(row[0], row[1]): int(row[2]) for row in queued},
    )


async def oldest(connection: AsyncConnection) -> list[Oldest]:
    table = tables.actions
    open_states = sorted(state.value for state in {*OPEN, State.PARKED})
    query = (
        select(
            table.c.provider,
            table.c.lane,
            table.c.state,
            func.count(),
            func.min(table.c.created_at),
        )
        .where(table.c.state.in_(open_states))
        .group_by(table.c.provider, table.c.lane, table.c.state)
        .order_by(table.c.provider, table.c.lane, table.c.state)
    )
    return [
        Oldest(
            provider=row[0],
            lane=row[1],
            state=State(row[2]),
            count=int(row[3]),
            since=from_micros(row[4]),
        )
        for row in (await connection.execute(query)).all()
    ]


async def newest_rules(connection: AsyncConnection) -> str | None:
    table = tables.events
    query = select(table.c.rules_version).order_by(table.c.recorded_at.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def last_done(
    connection: AsyncConnection, provider: str, operation: str, *, other_than: str
) -> Earlier | None:
    """Asked lane by lane, so that an index leads straight to the newest row: reading all that was
    ever done would take longer than the journal may, and the whole process would wait for it."""
    table = tables.actions
    found: list[Any] = []
    for lane in Lane:
        query = (
            select(table)
            .where(
                table.c.state == State.DONE.value,
                table.c.provider == provider,
                table.c.lane == lane.value,
                table.c.operation == operation,
                table.c.reference.is_not(None),
                table.c.called_at.is_not(None),
                table.c.id != other_than,
            )
            .order_by(table.c.updated_at.desc())
            .limit(1)
        )
        found.extend((await connection.execute(query)).all())
    if not found:
        return None
    row = max(found, key=lambda each: int(each.updated_at))
    return Earlier(
        action_id=row.id,
        generation=row.generation,
        called_at=from_micros(row.called_at),
        reference=row.reference,
        params=decode_action(row.message).action.params,
    )


async def references(
    connection: AsyncConnection, provider: str, wanted: Sequence[str]
) -> frozenset[str]:
    table = tables.actions
    query = select(table.c.reference).where(
        table.c.provider == provider, table.c.reference.in_(list(wanted))
    )
    return frozenset((await connection.execute(query)).scalars().all())
