"""Claims, many in one transaction: lock what they are about in sorted order, decide, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros
from core.journal import machine, tables
from core.journal.actions import change_actions, lock_actions
from core.journal.dialect import among, insert_missing, upsert
from core.journal.machine import Age, End, Leave, OrderLease, Run, Wait
from core.journal.port import Claim, Granted, NotGranted
from core.journal.rows import field_key, machine_row, micros, new_row
from core.journal.states import State
from core.messages import Action, ActionMessage, decode_action, encode_action


@dataclass(slots=True)
class _Writes:
    """What a batch of claims will write, gathered while deciding."""

    actions: list[dict[str, Any]] = field(default_factory=list)
    leases: dict[str, OrderLease] = field(default_factory=dict)
    marks: dict[tuple[str, str], Age] = field(default_factory=dict)
    known_marks: dict[tuple[str, str], Age] = field(default_factory=dict)
    owners: dict[str, State] = field(default_factory=dict)


async def claim_all(
    connection: AsyncConnection, claims: Sequence[Claim], now: int
) -> list[Granted | NotGranted]:
    await insert_missing(
        connection,
        tables.actions,
        [
            new_row(claim.message.action, now=now)
            for claim in claims
            # A message with a later seq whose row is gone was ended and cleared away long ago.
            if claim.message.seq == 0
        ],
    )
    rows = await lock_actions(connection, [claim.message.action.id for claim in claims])
    leases = await _lock_leases(connection, [c.order_key for c in claims if c.order_key])
    marks = await _marks(connection, {t.entity for claim in claims for t in claim.targets})
    writes = _Writes(leases=dict(leases), known_marks=marks)
    writes.owners = await _owners(connection, claims, rows, marks)
    decided: set[str] = set()
    results: list[Granted | NotGranted] = []
    for claim in claims:
        action = claim.message.action
        row = rows.get(action.id)
        if row is None or action.id in decided:
            state = State(row.state) if row is not None else State.DONE
            results.append(NotGranted(state=state, reason="the journal has it in hand"))
            continue
        if (left := _planned_otherwise(row, action)) is not None:
            results.append(left)
            continue
        verdict = _decide(row, claim, now, writes)
        if not isinstance(verdict, Leave):
            decided.add(action.id)
        results.append(_note(row, claim, verdict, now, writes))
    await _write(connection, writes, leases)
    return results


def _decide(row: Any, claim: Claim, now: int, writes: _Writes) -> machine.ClaimVerdict:
    lease = writes.leases.get(claim.order_key) if claim.order_key else None
    claim = _with_field_keys(claim)
    age = machine.age_of(machine_row(row))
    newer = machine.newer_owners(claim.targets, writes.known_marks, age)
    return machine.decide_claim(
        machine_row(row),
        claim,
        now=now,
        lease=lease,
        marks=writes.known_marks,
        # An owner that is not in the journal any more was carried out long ago.
        owners={name: writes.owners[name] for name in newer if name in writes.owners},
    )


def _planned_otherwise(row: Any, action: Action) -> NotGranted | None:
    """The first plan of an action counts, not the one a repeat brought (another body under the same
    event id, or other rules): what the journal shows is what is carried out."""
    if row.message == encode_action(ActionMessage(action=action)):
        return None
    stored = decode_action(row.message).action
    if stored == action:
        return None
    return NotGranted(
        state=State(row.state),
        reason="it was planned otherwise before",
        # A plan for another provider has, or had, a message of its own.
        stored=stored if stored.provider == action.provider else None,
    )


def _note(
    row: Any,
    claim: Claim,
    verdict: machine.ClaimVerdict,
    now: int,
    writes: _Writes,
) -> Granted | NotGranted:
    change: dict[str, Any] = {
        "b_id": row.id,
        "state": row.state,
        "seq": row.seq,
        "claims": row.claims,
        "claimed_at": row.claimed_at,
        "lease_until": None,
        "owner": None,
        "due_at": None,
        "blocked_on": None,
        "order_key": claim.order_key,
        "reason": row.reason,
        "updated_at": now,
    }
    match verdict:
        case Leave():
            return NotGranted(state=verdict.state, reason=verdict.reason)
        case End():
            writes.actions.append(change | {"state": verdict.state.value, "reason": verdict.reason})
            return NotGranted(state=verdict.state, reason=verdict.reason, ended=True)
        case Wait():
            # The mark is set although the call comes later: from now on nothing older may overwrite
            # it.
            _mark(row, claim, writes)
            writes.actions.append(
                change
                | {
                    "state": State.WAITING.value,
                    "due_at": verdict.until,
                    "blocked_on": claim.order_key,
                    "reason": verdict.reason,
                }
            )
            return NotGranted(state=State.WAITING, reason=verdict.reason)
        case Run():
            _mark(row, claim, writes)
            until = now + micros(claim.lease)
            writes.actions.append(
                change
                | {
                    "state": State.RUNNING.value,
                    "seq": row.seq + 1,
                    "claims": row.claims + 1,
                    "claimed_at": now,
                    "lease_until": until,
                    "owner": claim.owner,
                }
            )
            if claim.order_key:
                writes.leases[claim.order_key] = OrderLease(
                    action_id=row.id, until=until + micros(claim.lag)
                )
            return Granted(
                seq=row.seq + 1,
                generation=row.generation,
                attempts=row.attempts,
                unknown=bool(row.unknown),
                called_at=from_micros(row.called_at) if row.called_at is not None else None,
                now=from_micros(now),
                keep=_named_as_asked(claim, verdict.keep),
            )
    assert_never(verdict)


def _mark(row: Any, claim: Claim, writes: _Writes) -> None:
    targets = _with_field_keys(claim).targets
    fresh = machine.new_marks(targets, writes.known_marks, machine.age_of(machine_row(row)))
    writes.known_marks.update(fresh)
    writes.marks.update(fresh)


def _with_field_keys(claim: Claim) -> Claim:
    return replace(
        claim,
        targets=tuple(
            replace(target, fields=frozenset(field_key(name) for name in target.fields))
            for target in claim.targets
        ),
    )


def _named_as_asked(
    claim: Claim, keep: dict[str, frozenset[str]] | None
) -> dict[str, frozenset[str]] | None:
    """The kept fields under the names the claim used."""
    if keep is None:
        return None
    return {
        target.entity: frozenset(
            name for name in target.fields if field_key(name) in keep.get(target.entity, ())
        )
        for target in claim.targets
    }


async def _lock_leases(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, OrderLease]:
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    # An empty lease first, so that there is a row to lock for a profile that nobody has called for
    # yet.
    await insert_missing(
        connection,
        tables.order_leases,
        [{"order_key": key, "action_id": "", "until": 0} for key in wanted],
    )
    query = (
        select(tables.order_leases)
        .where(among(connection, tables.order_leases.c.order_key, wanted))
        .order_by(tables.order_leases.c.order_key)
        .with_for_update()
    )
    found = (await connection.execute(query)).all()
    return {row.order_key: OrderLease(action_id=row.action_id, until=row.until) for row in found}


async def _marks(connection: AsyncConnection, entities: set[str]) -> dict[tuple[str, str], Age]:
    if not entities:
        return {}
    query = select(tables.marks).where(among(connection, tables.marks.c.entity, sorted(entities)))
    found = (await connection.execute(query)).all()
    return {
        (row.entity, row.field): Age(row.occurred_at, row.position, row.event_id, row.action_id)
        for row in found
    }


async def _owners(
    connection: AsyncConnection,
    claims: Sequence[Claim],
    rows: Mapping[str, Any],
    marks: dict[tuple[str, str], Age],
) -> dict[str, State]:
    """Where the actions stand whose newer marks these claims meet. Asked after the leases are
    locked: one that ends later sees that it is waited for."""
    names: set[str] = set()
    for claim in map(_with_field_keys, claims):
        row = rows.get(claim.message.action.id)
        if row is not None and claim.targets:
            age = machine.age_of(machine_row(row))
            names |= machine.newer_owners(claim.targets, marks, age)
    if not names:
        return {}
    table = tables.actions
    query = select(table.c.id, table.c.state).where(among(connection, table.c.id, sorted(names)))
    return {row.id: State(row.state) for row in (await connection.execute(query)).all()}


async def _write(
    connection: AsyncConnection, writes: _Writes, before: dict[str, OrderLease]
) -> None:
    await change_actions(connection, writes.actions)
    changed = [
        {"order_key": key, "action_id": lease.action_id, "until": lease.until}
        for key, lease in sorted(writes.leases.items())
        if before.get(key) != lease
    ]
    await upsert(connection, tables.order_leases, changed)
    await upsert(
        connection,
        tables.marks,
        [
            {
                "entity": entity,
                "field": name,
                "occurred_at": age.occurred_at,
                "position": age.position,
                "event_id": age.event_id,
                "action_id": age.action_id,
            }
            for (entity, name), age in sorted(writes.marks.items())
        ],
    )
