"""What is paused by a person, and what breakers said last: the state of a deployment that is not in
any action.

What must not go in: what follows from a pause.
"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros
from core.journal import tables
from core.journal.dialect import insert_missing, upsert
from core.journal.operator import BreakerSeen, Pausable, Pause
from core.journal.rows import short_reason

FORGOTTEN_AFTER = 60_000_000
"""Microseconds after which a breaker that nobody speaks for any more is not shown."""


async def pause(
    connection: AsyncConnection, kind: Pausable, name: str, *, who: str, now: int
) -> None:
    await insert_missing(
        connection,
        tables.pauses,
        [{"kind": kind.value, "name": name, "paused_at": now, "paused_by": who}],
    )


async def resume(connection: AsyncConnection, kind: Pausable, name: str) -> bool:
    table = tables.pauses
    result = await connection.execute(
        delete(table).where(table.c.kind == kind.value, table.c.name == name)
    )
    return bool(result.rowcount)


async def pauses(connection: AsyncConnection) -> list[Pause]:
    table = tables.pauses
    query = select(table).order_by(table.c.kind, table.c.name)
    return [
        Pause(
            kind=Pausable(row.kind),
            name=row.name,
            paused_at=from_micros(row.paused_at),
            paused_by=row.paused_by,
        )
        for row in (await connection.execute(query)).all()
    ]


async def tell_breaker(
    connection: AsyncConnection,
    *,
    provider: str,
    owner: str,
    state: str,
    cause: str,
    since: int,
    now: int,
) -> None:
    await upsert(
        connection,
        tables.breakers,
        [
            {
                "provider": provider,
                "owner": owner,
                "state": state,
                "cause": short_reason(cause) or "",
                "since": since,
                "seen_at": now,
            }
        ],
    )
    table = tables.breakers
    await connection.execute(delete(table).where(table.c.seen_at < now - 10 * FORGOTTEN_AFTER))


async def breakers(connection: AsyncConnection, now: int) -> list[BreakerSeen]:
    table = tables.breakers
    query = (
        select(table)
        .where(table.c.seen_at >= now - FORGOTTEN_AFTER)
        .order_by(table.c.provider, table.c.owner)
    )
    return [
        BreakerSeen(
            provider=row.provider,
            owner=row.owner,
            state=row.state,
            cause=row.cause,
            since=from_micros(row.since),
        )
        for row in (await connection.execute(query)).all()
    ]
