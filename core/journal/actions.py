"""Rows of actions, and the leases on their profiles, as every transaction locks and changes them.

Order of locks everywhere in the journal: actions by id, then leases by key. Marks need no locks of
their own: whoever writes a mark holds the lease row of its profile. What must not go in: deciding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.journal import tables
from core.journal.dialect import bound_among, in_code_order
from core.journal.direct import Direct
from core.journal.rows import SqlRow

Change = dict[str, Any]


async def lock_actions(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, SqlRow]:
    """The rows that are there, by id, locked until the transaction ends."""
    locking = _locking(connection.dialect.name)
    rows = await locking.rows(connection, b_ids=sorted(set(ids)))
    return {row.id: row for row in rows}


async def change_actions(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Overwrite columns of locked rows. `b_id` says which row; all name the same columns."""
    if changes:
        columns = tuple(name for name in changes[0] if name != "b_id")
        await _changing(columns).many(connection, changes)


async def hold_profiles(connection: AsyncConnection, holds: Sequence[Change]) -> None:
    """Set until when a profile stays with an action (`b_key`, `b_action`, `until`; 0: it is free).

    One that another action has by now is left alone.
    """
    if holds:
        await _HOLDING.many(connection, sorted(holds, key=lambda hold: str(hold["b_key"])))


@lru_cache
def _locking(dialect: str) -> Direct:
    table = tables.actions
    return Direct(
        select(table)
        .where(bound_among(dialect, table.c.id, "b_ids"))
        .order_by(in_code_order(dialect, table.c.id))
        .with_for_update()
    )


@lru_cache
def _changing(columns: tuple[str, ...]) -> Direct:
    return Direct(
        update(tables.actions)
        .where(tables.actions.c.id == bindparam("b_id"))
        .values({name: bindparam(name) for name in columns})
    )


_HOLDING = Direct(
    update(tables.order_leases)
    .where(
        tables.order_leases.c.order_key == bindparam("b_key"),
        tables.order_leases.c.action_id == bindparam("b_action"),
    )
    .values(until=bindparam("until"))
)
