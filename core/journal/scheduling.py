"""What is due, what was lost, whose lease ran out: the scheduler's part of the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros, to_micros
from core.journal import machine, tables
from core.journal.actions import change_actions, hold_profiles
from core.journal.dialect import insert_missing
from core.journal.port import Due
from core.journal.rows import machine_row, message_of, micros
from core.journal.states import State
from core.messages import ActionMessage

DEFAULT_LAG = timedelta(seconds=30)


async def take_over(
    connection: AsyncConnection,
    lags: Mapping[str, timedelta],
    *,
    now: int,
    limit: int,
    other_than: str | None = None,
) -> list[str]:
    """Running actions whose lease ran out (or that any owner but `other_than` holds) change hands.

    Their outcome is unknown: the call may have been made. Their profile stays theirs until the lag
    is over.
    """
    table = tables.actions
    if other_than is None:
        lost = table.c.lease_until <= now
    else:
        lost = or_(table.c.owner.is_(None), table.c.owner != other_than)
    query = (
        select(table)
        .where(and_(table.c.state == State.RUNNING.value, lost))
        .order_by(table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = (await connection.execute(query)).all()
    if not rows:
        return []
    changes, attempts, holds = [], [], []
    for row in rows:
        held = machine_row(row)
        state = machine.decide_takeover(held)
        due_at = now + micros(lags.get(row.provider, DEFAULT_LAG))
        waiting = state is State.WAITING
        reason = (
            "the worker ended or stalled during the call"
            if waiting
            else f"{row.claims} workers in a row ended or stalled while they held it"
        )
        again_at = due_at + machine.scatter(held, row.id)
        changes.append(_taken(row, state, again_at if waiting else None, reason, now))
        attempts.append(_lost_attempt(row, now))
        holds += [
            {"b_key": key, "b_action": row.id, "until": due_at}
            for key in (row.order_keys or "").split()
        ]
    await change_actions(connection, changes)
    await connection.execute(insert(tables.attempts), attempts)
    await hold_profiles(connection, holds)
    return [row.id for row in rows]


def _taken(row: Any, state: State, due_at: int | None, reason: str, now: int) -> dict[str, Any]:
    return {
        "b_id": row.id,
        "state": state.value,
        "unknown": True,
        "due_at": due_at,
        "lease_until": None,
        "owner": None,
        "tries": row.tries + 1,
        "called_at": row.called_at if row.called_at is not None else row.claimed_at,
        "reason": reason,
        "updated_at": now,
    }


def _lost_attempt(row: Any, now: int) -> dict[str, Any]:
    return {
        "action_id": row.id,
        "n": row.tries + 1,
        "generation": row.generation,
        "seq": row.seq,
        "started_at": row.claimed_at,
        "took": max(0, now - row.claimed_at),
        "outcome": "unknown",
        "reason": "the worker ended or stalled during the call",
        "duplicate": False,
    }


async def due(
    connection: AsyncConnection, *, now: int, limit: int, but: Sequence[tuple[str, str]] = ()
) -> list[Due]:
    table = tables.actions
    others = [or_(table.c.provider != provider, table.c.lane != lane) for provider, lane in but]
    query = (
        select(table.c.id, table.c.seq, table.c.message, table.c.due_at)
        .where(table.c.state == State.WAITING.value, table.c.due_at <= now, *others)
        .order_by(table.c.due_at)
        .limit(limit)
    )
    return [
        Due(message=message_of(row), due_at=from_micros(row.due_at))
        for row in (await connection.execute(query)).all()
    ]


async def lost(
    connection: AsyncConnection, *, provider: str, lane: str, before: int, limit: int
) -> list[Due]:
    table = tables.actions
    query = (
        select(table.c.id, table.c.seq, table.c.message)
        .where(
            table.c.state == State.QUEUED.value,
            table.c.provider == provider,
            table.c.lane == lane,
            table.c.updated_at < before,
        )
        .order_by(table.c.updated_at)
        .limit(limit)
    )
    return [Due(message=message_of(row)) for row in (await connection.execute(query)).all()]


async def mark_queued(connection: AsyncConnection, published: Sequence[Due], *, now: int) -> int:
    """Compare-and-set on `seq`, state and the wait itself, without raising `seq`."""
    table = tables.actions
    count = 0
    for due in sorted(published, key=lambda due: due.message.action.id):
        result = await connection.execute(
            update(table)
            .where(
                table.c.id == due.message.action.id,
                table.c.seq == due.message.seq,
                table.c.state == State.WAITING.value,
                table.c.due_at == (to_micros(due.due_at) if due.due_at is not None else None),
            )
            .values(state=State.QUEUED.value, due_at=None, blocked_on=None, updated_at=now)
        )
        count += result.rowcount
    return count


async def touch_queued(
    connection: AsyncConnection, messages: Sequence[ActionMessage], *, now: int
) -> int:
    """Compare-and-set on `seq` and state: only the time is new."""
    table = tables.actions
    count = 0
    for message in sorted(messages, key=lambda message: message.action.id):
        result = await connection.execute(
            update(table)
            .where(
                table.c.id == message.action.id,
                table.c.seq == message.seq,
                table.c.state == State.QUEUED.value,
            )
            .values(updated_at=now)
        )
        count += result.rowcount
    return count


async def try_to_write(connection: AsyncConnection) -> None:
    """Fails where nothing can be written; changes nothing and waits for nobody."""
    query = select(tables.leaders.c.name).limit(1).with_for_update(skip_locked=True)
    await connection.execute(query)


async def lead(connection: AsyncConnection, name: str, owner: str, *, lease: int, now: int) -> bool:
    await insert_missing(connection, tables.leaders, [{"name": name, "owner": owner, "until": 0}])
    result = await connection.execute(
        update(tables.leaders)
        .where(
            tables.leaders.c.name == name,
            or_(tables.leaders.c.owner == owner, tables.leaders.c.until <= now),
        )
        .values(owner=owner, until=now + lease)
    )
    return bool(result.rowcount)
