"""What became of claimed actions, many in one transaction: compare `seq`, write, free the
profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import to_micros
from core.journal import machine, tables
from core.journal.actions import change_actions, hold_profiles, lock_actions
from core.journal.dialect import among, bound_among, insert_missing
from core.journal.direct import Direct
from core.journal.erased import rest_of
from core.journal.port import DATABASE_MARK, Attempt, Finish
from core.journal.receipts import awaited_row
from core.journal.rows import ERASED, indexed, machine_row, micros, new_row, short_reason
from core.journal.states import State
from core.messages import ActionMessage

_WOKEN_BY_SWEEP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One bool per finish: whether it was recorded; and the profiles that became free and are
    waited for."""

    recorded: tuple[bool, ...]
    wanted: tuple[str, ...]


async def finish_all(connection: AsyncConnection, finishes: Sequence[Finish], now: int) -> Finished:
    """Record outcomes. An attempt is kept even where its outcome no longer counts."""
    rows = await lock_actions(connection, [finish.action_id for finish in finishes])
    changes: list[dict[str, Any]] = []
    tries: list[dict[str, Any]] = []
    releases: list[dict[str, Any]] = []
    awaited: list[dict[str, Any]] = []
    results: list[bool] = []
    decided: set[str] = set()
    recorded = await _recorded(connection, [finish for finish in finishes if finish.again])
    for finish in finishes:
        if _attempt_key(finish) in recorded:
            results.append(True)
            continue
        row = rows.get(finish.action_id)
        accepted = (
            row is not None
            and finish.action_id not in decided
            and machine.accepts_finish(machine_row(row), finish)
        )
        results.append(accepted)
        if row is None:
            continue
        if finish.attempt is not None:
            tries.append(_attempt_row(row, finish, finish.attempt))
        if accepted:
            decided.add(finish.action_id)
            changes.append(_change(row, finish, now))
            hold = micros(finish.hold_order) if finish.hold_order else 0
            releases += [
                {"b_key": key, "b_action": row.id, "until": now + hold if hold else 0}
                for key in (row.order_keys or "").split()
            ]
            if finish.follow_in is not None and finish.reference is not None:
                awaited.append(awaited_row(row, finish.reference, now + micros(finish.follow_in)))
    await change_actions(connection, changes)
    if tries:
        await _trying(tuple(tries[0])).many(connection, tries)
    await hold_profiles(connection, releases)
    await insert_missing(connection, tables.receipts, awaited)
    freed = [str(release["b_key"]) for release in releases if not release["until"]]
    return Finished(recorded=tuple(results), wanted=await _waited_for(connection, freed))


def _attempt_key(finish: Finish) -> tuple[str, int, int] | None:
    if finish.attempt is None:
        return None
    return (finish.action_id, finish.seq, to_micros(finish.attempt.started_at))


async def _recorded(
    connection: AsyncConnection, finishes: Sequence[Finish]
) -> frozenset[tuple[str, int, int] | None]:
    """Attempts that were recorded although whoever did it never heard so."""
    if not finishes:
        return frozenset()
    table = tables.attempts
    query = select(table.c.action_id, table.c.seq, table.c.started_at).where(
        among(connection, table.c.action_id, sorted({finish.action_id for finish in finishes}))
    )
    return frozenset(
        (row.action_id, row.seq, row.started_at) for row in (await connection.execute(query)).all()
    )


async def _waited_for(connection: AsyncConnection, order_keys: Sequence[str]) -> tuple[str, ...]:
    """Asked after the lease's row was written: whoever was turned away at it before is seen now."""
    if not order_keys:
        return ()
    found = await _waiting_for(connection.dialect.name).rows(connection, b_keys=list(order_keys))
    return tuple(row.blocked_on for row in found)


@lru_cache
def _waiting_for(dialect: str) -> Direct:
    table = tables.actions
    return Direct(
        select(table.c.blocked_on)
        .where(
            bound_among(dialect, table.c.blocked_on, "b_keys"),
            table.c.state == State.WAITING.value,
        )
        .distinct()
    )


@lru_cache
def _trying(columns: tuple[str, ...]) -> Direct:
    return Direct(insert(tables.attempts), columns=columns)


def _change(row: Any, finish: Finish, now: int) -> dict[str, Any]:
    called_at = row.called_at
    if finish.called and called_at is None and finish.attempt is not None:
        called_at = to_micros(finish.attempt.started_at)
    return {
        "b_id": row.id,
        "state": finish.state.value,
        "generation": row.generation + (1 if finish.renew else 0),
        "attempts": row.attempts + (1 if finish.charged else 0),
        "tries": row.tries + (1 if finish.attempt is not None else 0),
        "claims": 0,
        "unknown": finish.unknown,
        "due_at": now + micros(finish.due_in) if finish.due_in is not None else None,
        "lease_until": None,
        "owner": None,
        "blocked_on": None,
        "called_at": None if finish.renew else called_at,
        "reason": short_reason(finish.reason),
        "reference": indexed(finish.reference) or row.reference,
        "remaining": (
            orjson.dumps(finish.remaining) if finish.remaining is not None else row.remaining
        ),
        "updated_at": now,
    }


def _attempt_row(row: Any, finish: Finish, attempt: Attempt) -> dict[str, Any]:
    return {
        "action_id": row.id,
        "n": row.tries + 1,
        "generation": row.generation,
        "seq": finish.seq,
        "started_at": to_micros(attempt.started_at),
        "took": micros(attempt.took),
        "outcome": attempt.outcome,
        # Of one who was erased meanwhile, the provider's words are not written down any more.
        "reason": "" if row.reason == ERASED else short_reason(attempt.reason) or "",
        "duplicate": attempt.duplicate,
    }


async def wake_next(connection: AsyncConnection, order_keys: Sequence[str], now: int) -> None:
    """The oldest action that waits for each of these profiles becomes due.

    In a transaction of its own: it locks actions after leases, and one that is locked elsewhere is
    skipped (it becomes due when its lease ends, so nothing is lost by skipping).
    """
    for key in sorted(order_keys):
        query = (
            select(tables.actions.c.id)
            .where(
                tables.actions.c.blocked_on == key, tables.actions.c.state == State.WAITING.value
            )
            .order_by(
                tables.actions.c.occurred_at, tables.actions.c.position, tables.actions.c.event_id
            )
            # All who wait for a database may go on side by side; for a profile, one at a time.
            .limit(_WOKEN_BY_SWEEP if key.startswith(DATABASE_MARK) else 1)
            .with_for_update(skip_locked=True)
        )
        woken = list((await connection.execute(query)).scalars().all())
        if not key.startswith(DATABASE_MARK):
            # A sweep that waits for this call keeps everybody else back: it never waits for its
            # turn among them.
            sweeps = (
                select(tables.actions.c.id)
                .where(
                    tables.actions.c.blocked_on == key,
                    tables.actions.c.state == State.WAITING.value,
                    tables.actions.c.order_keys.startswith(DATABASE_MARK),
                )
                .with_for_update(skip_locked=True)
            )
            woken += (await connection.execute(sweeps)).scalars().all()
        if woken:
            await connection.execute(
                update(tables.actions)
                .where(tables.actions.c.id.in_(woken))
                .values(due_at=now, blocked_on=None)
            )


async def put_back(
    connection: AsyncConnection, message: ActionMessage, *, due_in: int, reason: str, now: int
) -> bool:
    await _see(connection, message, now)
    result = await connection.execute(
        update(tables.actions)
        .where(
            tables.actions.c.id == message.action.id,
            tables.actions.c.seq == message.seq,
            tables.actions.c.state.in_([State.QUEUED.value, State.WAITING.value]),
        )
        .values(
            state=State.WAITING.value,
            due_at=now + due_in,
            reason=short_reason(reason),
            updated_at=now,
        )
    )
    return bool(result.rowcount)


async def _see(connection: AsyncConnection, message: ActionMessage, now: int) -> None:
    """A row for an action that comes for the first time."""
    if message.seq == 0:
        rows = [new_row(action, now=now) for action in await rest_of(connection, [message.action])]
        await insert_missing(connection, tables.actions, rows)


async def bury(
    connection: AsyncConnection, message: ActionMessage, *, reason: str, now: int
) -> bool:
    """See Journal.bury."""
    await _see(connection, message, now)
    query = select(tables.actions).where(tables.actions.c.id == message.action.id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    state = machine.decide_burial(machine_row(row), message.seq) if row is not None else None
    if row is None or state is None:
        return False
    parked = state is State.PARKED
    await connection.execute(
        update(tables.actions)
        .where(tables.actions.c.id == row.id)
        .values(
            state=state.value,
            # Each burial counts as a claim without an outcome, so a message that kills its reader
            # before it can claim comes to an end too.
            claims=row.claims + 1,
            reason=short_reason(reason) if parked else row.reason,
            updated_at=now,
        )
    )
    return not parked
