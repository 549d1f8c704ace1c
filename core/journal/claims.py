"""Claims, many in one transaction: lock what they are about in sorted order, decide, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, assert_never

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros
from core.journal import machine, tables
from core.journal.actions import change_actions, lock_actions
from core.journal.dialect import bound_among, insert_missing, upsert
from core.journal.direct import Direct
from core.journal.erased import rest_of
from core.journal.erasing import empty
from core.journal.leases import lock_leases, newest_parts
from core.journal.machine import Age, End, Leave, OrderLease, Run, Wait
from core.journal.port import Claim, Granted, NotGranted
from core.journal.rows import ERASED, field_key, machine_row, micros, new_row
from core.journal.states import State
from core.messages import Action, ActionMessage, decode_action, encode_action

SWEEP_MARGIN = 5_000_000
"""Microseconds that a sweep keeps others back after what it waits for is over: it is published
again in that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Whose word on a field is the newest, and which sweeps reach over it."""

    age: Age
    within: str | None
    under: tuple[str, ...]


@dataclass(slots=True)
class _Writes:
    """What a batch of claims will write, gathered while deciding."""

    actions: list[dict[str, Any]] = field(default_factory=list)
    leases: dict[str, OrderLease] = field(default_factory=dict)
    marks: dict[tuple[str, str], Mark] = field(default_factory=dict)
    known_marks: dict[tuple[str, str], Age] = field(default_factory=dict)
    owners: dict[str, State] = field(default_factory=dict)
    newest_parts: dict[str, Age] = field(default_factory=dict)


async def claim_all(
    connection: AsyncConnection, claims: Sequence[Claim], now: int
) -> list[Granted | NotGranted]:
    rest = await rest_of(connection, [claim.message.action for claim in claims])
    await insert_missing(
        connection,
        tables.actions,
        [
            new_row(action, now=now)
            for claim, action in zip(claims, rest, strict=True)
            # A message with a later seq whose row is gone was ended and cleared away long ago.
            if claim.message.seq == 0
        ],
    )
    rows = await lock_actions(connection, [claim.message.action.id for claim in claims])
    leases = await lock_leases(connection, claims)
    marks = await _marks(
        connection,
        {name for claim in claims for t in claim.targets for name in (t.entity, *t.under)},
    )
    writes = _Writes(leases=dict(leases), known_marks=marks)
    writes.newest_parts = await newest_parts(connection, claims, rows)
    writes.owners = await _owners(connection, claims, rows, marks)
    decided: set[str] = set()
    emptied: list[Any] = []
    results: list[Granted | NotGranted] = []
    for claim, kept in zip(claims, rest, strict=True):
        action = claim.message.action
        row = rows.get(action.id)
        if row is None or action.id in decided:
            state = State(row.state) if row is not None else State.DONE
            results.append(NotGranted(state=state, reason="the journal has it in hand"))
            continue
        if (left := _planned_otherwise(row, action)) is not None:
            results.append(left)
            continue
        if kept.erased and machine.is_claimable(machine_row(row), claim.message.seq, now):
            decided.add(action.id)
            emptied.append(row)
            results.append(NotGranted(state=State.CANCELLED, reason=ERASED, ended=True))
            continue
        verdict = _decide(row, claim, now, writes)
        if not isinstance(verdict, Leave):
            decided.add(action.id)
        results.append(_note(row, claim, verdict, now, writes))
    await _write(connection, writes, leases)
    await empty(connection, emptied, now)
    return results


def _decide(row: Any, claim: Claim, now: int, writes: _Writes) -> machine.ClaimVerdict:
    claim = _with_field_keys(claim)
    age = machine.age_of(machine_row(row))
    newer = machine.newer_owners(claim.targets, writes.known_marks, age)
    return machine.decide_claim(
        machine_row(row),
        claim,
        now=now,
        leases=_met(claim, writes.leases),
        marks=writes.known_marks,
        # An owner that is not in the journal any more was carried out long ago.
        owners={name: writes.owners[name] for name in newer if name in writes.owners},
        newest_part=writes.newest_parts.get(row.id),
    )


def _met(claim: Claim, leases: Mapping[str, OrderLease]) -> dict[str, OrderLease]:
    """The leases that this claim has to respect."""
    if claim.sweeps:
        return {
            key: lease
            for key, lease in leases.items()
            if key in claim.order_keys or lease.within == claim.within
        }
    keys = (*claim.order_keys, claim.within)
    return {key: leases[key] for key in keys if key is not None and key in leases}


def _planned_otherwise(row: Any, action: Action) -> NotGranted | None:
    """The first plan of an action counts, not the one a repeat brought (another body under the same
    event id, or other rules): what the journal shows is what is carried out."""
    if row.message == encode_action(ActionMessage(action=action)):
        return None
    stored = decode_action(row.message).action
    if stored == action:
        return None
    if stored.erased:
        return NotGranted(state=State(row.state), reason=ERASED)
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
        "order_keys": " ".join(claim.order_keys) or None,
        "reason": row.reason,
        "updated_at": now,
    }
    match verdict:
        case Leave():
            return NotGranted(state=verdict.state, reason=verdict.reason)
        case End():
            writes.owners[row.id] = verdict.state
            if claim.sweeps and claim.within and _has(row, claim.within, writes):
                # It had kept the others back; now they may go on.
                writes.leases[claim.within] = OrderLease(action_id=row.id, until=0)
            writes.actions.append(change | {"state": verdict.state.value, "reason": verdict.reason})
            return NotGranted(state=verdict.state, reason=verdict.reason, ended=True)
        case Wait():
            # Whoever meets its mark later in the batch meets it in this state.
            writes.owners[row.id] = State.WAITING
            if claim.sweeps or verdict.on != claim.within:
                # The mark is set although the call comes later: from now on nothing older may
                # overwrite it. Not behind a sweep: it would find something newer than itself.
                _mark(row, claim, writes)
            if claim.sweeps and claim.within and _is_free(row, claim.within, now, writes):
                # From now on nobody else begins, so that what is under way comes to an end.
                writes.leases[claim.within] = OrderLease(
                    action_id=row.id, until=verdict.until + SWEEP_MARGIN
                )
            writes.actions.append(
                change
                | {
                    "state": State.WAITING.value,
                    "due_at": verdict.until,
                    "blocked_on": verdict.on,
                    "reason": verdict.reason,
                }
            )
            return NotGranted(state=State.WAITING, reason=verdict.reason)
        case Run():
            writes.owners[row.id] = State.RUNNING
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
            for key in claim.order_keys:
                writes.leases[key] = OrderLease(
                    action_id=row.id,
                    until=until + micros(claim.lag),
                    within=None if claim.sweeps else claim.within,
                )
            return Granted(
                seq=row.seq + 1,
                generation=row.generation,
                attempts=row.attempts,
                unknown=bool(row.unknown),
                called_at=from_micros(row.called_at) if row.called_at is not None else None,
                now=from_micros(now),
                keep=_named_as_asked(claim, verdict.keep),
                remaining=orjson.loads(row.remaining) if row.remaining is not None else None,
            )
    assert_never(verdict)


def _is_free(row: Any, key: str, now: int, writes: _Writes) -> bool:
    """Two sweeps that wait must not push each other back: the first one keeps its turn."""
    held = writes.leases.get(key)
    return held is None or held.until <= now or held.action_id == row.id


def _has(row: Any, key: str, writes: _Writes) -> bool:
    held = writes.leases.get(key)
    return held is not None and held.action_id == row.id


def _mark(row: Any, claim: Claim, writes: _Writes) -> None:
    targets = _with_field_keys(claim).targets
    fresh = machine.new_marks(targets, writes.known_marks, machine.age_of(machine_row(row)))
    writes.known_marks.update(fresh)
    under: dict[tuple[str, str], tuple[str, ...]] = {}
    for target in targets:
        for name in target.fields:
            key = (target.entity, name)
            under[key] = (*under.get(key, ()), *target.under)
    writes.marks.update(
        {
            key: Mark(age=age, within=claim.within if under[key] else None, under=under[key])
            for key, age in fresh.items()
        }
    )


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
    named: dict[str, frozenset[str]] = {}
    for target in claim.targets:
        kept = {name for name in target.fields if field_key(name) in keep.get(target.entity, ())}
        named[target.entity] = named.get(target.entity, frozenset()) | kept
    return named


async def _marks(connection: AsyncConnection, entities: set[str]) -> dict[tuple[str, str], Age]:
    if not entities:
        return {}
    found = await _marks_of(connection.dialect.name).rows(connection, b_names=sorted(entities))
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
    found = await _states_of(connection.dialect.name).rows(connection, b_names=sorted(names))
    return {row.id: State(row.state) for row in found}


@lru_cache
def _marks_of(dialect: str) -> Direct:
    table = tables.marks
    return Direct(select(table).where(bound_among(dialect, table.c.entity, "b_names")))


@lru_cache
def _states_of(dialect: str) -> Direct:
    table = tables.actions
    query = select(table.c.id, table.c.state)
    return Direct(query.where(bound_among(dialect, table.c.id, "b_names")))


async def _write(
    connection: AsyncConnection, writes: _Writes, before: dict[str, OrderLease]
) -> None:
    await change_actions(connection, writes.actions)
    changed = [
        {
            "order_key": key,
            "action_id": lease.action_id,
            "until": lease.until,
            "within": lease.within,
        }
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
                "occurred_at": mark.age.occurred_at,
                "position": mark.age.position,
                "event_id": mark.age.event_id,
                "action_id": mark.age.action_id,
                "within": mark.within,
                "under": " ".join(mark.under) or None,
            }
            for (entity, name), mark in sorted(writes.marks.items())
        ],
    )
