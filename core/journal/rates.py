"""Token buckets that all consumers of a deployment draw from, so that a provider's limit holds
however many there are.

A consumer draws what it needs for a moment, in one statement with the bucket locked. What must not
go in: waiting, and what a token is spent on.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.journal import tables
from core.journal.dialect import insert_missing
from core.journal.port import Draw, Drawn

_MILLI = 1000


async def draw(connection: AsyncConnection, wish: Draw, now: int) -> Drawn:
    """Up to `wanted` tokens. A bucket fills at `rate` a second up to `burst`; of that `reserve`
    tokens are kept for those who may take them."""
    table = tables.rates
    full = wish.burst * _MILLI
    await insert_missing(connection, table, [{"name": wish.name, "level": full, "at": now}])
    row = (
        await connection.execute(select(table).where(table.c.name == wish.name).with_for_update())
    ).one()
    passed = max(0, now - row.at)
    # A microsecond brings rate/1000 thousandths; what is less than one is not lost: `at` stays.
    level = min(full, row.level + int(passed * wish.rate / _MILLI))
    floor = 0 if wish.urgent else wish.reserve * _MILLI
    taken = max(0, min(wish.wanted, (level - floor) // _MILLI))
    if taken:
        await connection.execute(
            update(table)
            .where(table.c.name == wish.name)
            .values(level=level - taken * _MILLI, at=now)
        )
        return Drawn(taken=taken, wait=timedelta(0))
    missing = floor + _MILLI - level
    return Drawn(taken=0, wait=timedelta(microseconds=int(missing * _MILLI / wish.rate) + 1))
