"""What a claim finds of other calls for the same people: leases, locked, and newer words within
the reach of a sweep.

Keys of databases begin with `!` and so come first in the one order in which all leases are locked.
Ordinary calls share the lock on their database, a sweep has it alone. What must not go in:
deciding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.journal import machine, tables
from core.journal.dialect import bound_among, in_code_order, insert_missing
from core.journal.direct import Direct
from core.journal.machine import Age, OrderLease
from core.journal.port import DATABASE_MARK, Claim
from core.journal.rows import field_key, machine_row

_MOST_NEWER = 1000
"""Newer words in a database that a sweep looks at one by one; with more it is parked unseen."""


async def lock_leases(
    connection: AsyncConnection, claims: Sequence[Claim]
) -> dict[str, OrderLease]:
    """The leases on the claims' keys and databases, locked; and for sweeps, not locked, all that
    are held within their databases (nobody can take another one meanwhile)."""
    swept = {claim.within for claim in claims if claim.sweeps and claim.within}
    around = {claim.within for claim in claims if claim.within} - swept
    keys = {key for claim in claims for key in claim.order_keys} | swept
    if not keys | around:
        return {}
    databases = {key for key in keys if key.startswith(DATABASE_MARK)}
    found: dict[str, OrderLease] = {}
    while missing := (keys | around) - found.keys():
        # An empty lease first, so that there is a row to lock for a profile that nobody has called
        # for yet. Again where retention took one away in between: unlocked, two could have it.
        await insert_missing(
            connection,
            tables.order_leases,
            [{"order_key": key, "action_id": "", "until": 0} for key in sorted(missing)],
        )
        for database in sorted(missing & (databases | around)):
            # One after the other, however each is locked: two batches must not lock them crosswise.
            found |= await _locked(connection, {database}, shared=database not in databases)
        found |= await _locked(connection, missing & keys - databases, shared=False)
    for database in sorted(swept):
        found |= await _held_within(connection, database)
    return found


async def _locked(
    connection: AsyncConnection, keys: set[str], *, shared: bool
) -> dict[str, OrderLease]:
    if not keys:
        return {}
    locking = _locking(connection.dialect.name, shared)
    return _leases(await locking.rows(connection, b_keys=sorted(keys)))


@lru_cache
def _locking(dialect: str, shared: bool) -> Direct:
    table = tables.order_leases
    return Direct(
        select(table)
        .where(bound_among(dialect, table.c.order_key, "b_keys"))
        .order_by(in_code_order(dialect, table.c.order_key))
        .with_for_update(read=shared)
    )


async def _held_within(connection: AsyncConnection, database: str) -> dict[str, OrderLease]:
    table = tables.order_leases
    query = select(table).where(table.c.within == database, table.c.until > 0)
    return _leases((await connection.execute(query)).all())


def _leases(rows: Sequence[Any]) -> dict[str, OrderLease]:
    return {
        row.order_key: OrderLease(action_id=row.action_id, until=row.until, within=row.within)
        for row in rows
    }


async def newest_parts(
    connection: AsyncConnection, claims: Sequence[Claim], rows: Mapping[str, Any]
) -> dict[str, Age]:
    """For each action that sweeps: the newest word, not older than it, on a part of what it would
    set."""
    found: dict[str, Age] = {}
    for claim in claims:
        row = rows.get(claim.message.action.id)
        if not claim.sweeps or row is None:
            continue
        age = machine.age_of(machine_row(row))
        reach = {target.entity for target in claim.targets}
        fields = {field_key(name) for target in claim.targets for name in target.fields}
        table = tables.marks
        query = (
            select(table)
            .where(
                table.c.within == claim.within,
                table.c.field.in_(sorted(fields | {"*"})),
                table.c.occurred_at >= age.occurred_at,
            )
            .order_by(table.c.occurred_at.desc())
            .limit(_MOST_NEWER)
        )
        newer = (await connection.execute(query)).all()
        ages = [
            Age(mark.occurred_at, mark.position, mark.event_id, mark.action_id)
            for mark in newer
            if len(newer) == _MOST_NEWER or reach & set((mark.under or "").split())
        ]
        if ages:
            found[row.id] = max(ages)
    return found
