"""The delivery protocol's state machine: what may become of an action, decided by plain functions.

Each function looks at what the journal holds, locked, and says what to write. Every one of them
compares `seq` first: whoever comes with an old `seq` changes nothing. Drawn in docs/operations.md.
What must not go in: SQL and clocks.

    queued   --claim-->        running, waiting (its profile is busy), expired, superseded, parked
    waiting  --claim-->        the same, once due
    running  --finish-->       done, waiting (a retry), parked, skipped, expired
    queued, waiting --late finish--> the same, while nobody has claimed the action since
    running  --lease ran out-> waiting (outcome unknown), parked (it keeps killing its worker)
    waiting  --published-->    queued
    queued, waiting --put back--> waiting (a breaker opened)
    queued   --dead letter-->  queued (published again), parked
    queued, waiting, parked --cancel--> cancelled (by an operator)
    parked, done, skipped, cancelled --replay--> waiting (by an operator)
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from core.journal.port import Claim, Finish, Target
from core.journal.states import OPEN, State

_OUTCOMES = frozenset({State.DONE, State.WAITING, State.PARKED, State.SKIPPED, State.EXPIRED})

MOVES: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset(
        {*_OUTCOMES, State.RUNNING, State.SUPERSEDED, State.QUEUED, State.CANCELLED}
    ),
    State.WAITING: frozenset(
        {*_OUTCOMES, State.RUNNING, State.SUPERSEDED, State.QUEUED, State.CANCELLED}
    ),
    State.RUNNING: _OUTCOMES,
    State.PARKED: frozenset({State.WAITING, State.CANCELLED}),
    State.DONE: frozenset({State.WAITING}),
    State.SKIPPED: frozenset({State.WAITING}),
    State.CANCELLED: frozenset({State.WAITING}),
}
"""Every move there is. `queued` and `waiting` reach the outcomes of a call directly when the
outcome comes after the lease ran out and nobody has claimed the action since: what is known then
beats what is not."""

CANCELLABLE = frozenset(state for state, ends in MOVES.items() if State.CANCELLED in ends)
REPLAYABLE = frozenset({State.PARKED, State.DONE, State.SKIPPED, State.CANCELLED})

TAKEOVER_LIMIT = 5
"""Claims in a row that ended without an outcome before the action is parked: it may be killing its
workers."""

DEAD_LIMIT = 2
"""The same for an action whose message the broker gave up on."""

SCATTER = 20_000_000
"""Microseconds over which actions are scattered that two workers in a row ended with. One of them
may be ending the workers; tried again together, the others would end with it until all are
parked."""

_SUSPECT = 2

NEWER_PAUSE = 30_000_000
"""Microseconds between looks at a newer action that is not carried out yet; its end wakes too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the journal holds of one action. Moments are microseconds of the journal's clock."""

    id: str
    state: State
    seq: int
    occurred_at: int
    position: int
    event_id: str
    expires_at: int | None
    due_at: int | None
    unknown: bool
    claims: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLease:
    """Who may call for a profile right now. `within`: the database it belongs to."""

    action_id: str
    until: int
    within: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """How new what an action says is: time, then order in the plan, then event id (and action id,
    so that no two are ever equal)."""

    occurred_at: int
    position: int
    event_id: str
    action_id: str


Marks = Mapping[tuple[str, str], Age]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Carry it out; `keep` holds the fields left per entity, None when nothing was taken away."""

    keep: dict[str, frozenset[str]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now: another action of the same profile comes first. `on`: the key that is not free."""

    until: int
    reason: str
    on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """It ends here without a call."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Nothing to do: the message is old, the action is somebody else's or has ended."""

    state: State
    reason: str


ClaimVerdict = Run | Wait | End | Leave


def age_of(row: Row) -> Age:
    return Age(row.occurred_at, row.position, row.event_id, row.id)


def is_claimable(row: Row, seq: int, now: int) -> bool:
    """The compare of the compare-and-set: this `seq`, and queued or due."""
    if row.seq != seq:
        return False
    if row.state is State.WAITING:
        return row.due_at is not None and row.due_at <= now
    return row.state is State.QUEUED


def decide_claim(
    row: Row,
    claim: Claim,
    *,
    now: int,
    leases: Mapping[str, OrderLease],
    marks: Marks,
    owners: Mapping[str, State],
    newest_part: Age | None = None,
) -> ClaimVerdict:
    """`leases`: on the claim's keys, on the database around them, and for a sweep on everything in
    it. `owners`: where the actions stand that set the newer marks (see `newer_owners`).
    `newest_part`: for a sweep, the newest that was said about anything it would set."""
    if not is_claimable(row, claim.message.seq, now):
        return Leave(state=row.state, reason="the journal has it in hand")
    if row.expires_at is not None and row.expires_at <= now and not row.unknown:
        # An action of unknown outcome is granted all the same: what became of it is looked up
        # first.
        return End(state=State.EXPIRED, reason="its time had passed before it was called")
    keep = kept_fields(claim.targets, marks, age_of(row))
    if (end := _overtaken(row, claim, keep, marks, newest_part)) is not None:
        return end
    if (busy := _longest(leases, row.id, now)) is not None:
        key, lease = busy
        reason = "waits for an earlier call for the same profile"
        return Wait(until=lease.until, reason=reason, on=key)
    if keep is not None:
        newer = {owners.get(name, State.DONE) for name in owners}
        return _reduced(keep, now, newer, claim.order_keys)
    return Run(keep=None)


def _overtaken(
    row: Row,
    claim: Claim,
    keep: dict[str, frozenset[str]] | None,
    marks: Marks,
    newest_part: Age | None,
) -> End | None:
    """Whether newer events leave nothing to do, or nothing that could be done alone."""
    age = age_of(row)
    if keep is not None and not any(keep.values()):
        reason = "newer events have set everything it would have set"
        return End(state=State.SUPERSEDED, reason=reason)
    if newest_part is not None and newest_part > age:
        reason = "it reaches over everything, and something newer was said about a part of it"
        return End(state=State.PARKED, reason=reason)
    if any(_is_swept(target, marks, age) for target in claim.targets):
        reason = "a newer call has changed everything in its database, and what this one would set"
        return End(state=State.PARKED, reason=reason)
    return None


def _is_swept(target: Target, marks: Marks, age: Age) -> bool:
    """Whether only a newer sweep has set what this target would set. The rest of it must not be
    sent alone: where the sweep found nothing yet, it would make there what the sweep was to
    change, unchanged."""
    swept, own = set(), set()
    for (entity, name), mark in marks.items():
        if mark > age and name in target.fields:
            if entity == target.entity:
                own.add(name)
            elif entity in target.under:
                swept.add(name)
    return bool(swept - own)


def _longest(
    leases: Mapping[str, OrderLease], action_id: str, now: int
) -> tuple[str, OrderLease] | None:
    """The lease of somebody else that is held longest, if any is."""
    held = [
        (key, lease)
        for key, lease in leases.items()
        if lease.until > now and lease.action_id != action_id
    ]
    return max(held, key=lambda pair: (pair[1].until, pair[0]), default=None)


def _reduced(
    keep: dict[str, frozenset[str]], now: int, newer: set[State], keys: tuple[str, ...]
) -> ClaimVerdict:
    """Only once the newer word has reached the provider. Before, the rest alone could make there
    what the newer one was to make, with other values: a subscription that nobody wants any more."""
    if newer & OPEN:
        reason = "waits for a newer change of the same fields"
        return Wait(until=now + NEWER_PAUSE, reason=reason, on=keys[0] if keys else None)
    if newer - {State.DONE, State.SUPERSEDED}:
        return End(
            state=State.PARKED,
            reason="a newer change of the same fields was not carried out: mend that one first",
        )
    return Run(keep=keep)


def newer_owners(targets: tuple[Target, ...], marks: Marks, age: Age) -> frozenset[str]:
    """The actions that have set, newer, what this one would set."""
    wanted: dict[str, frozenset[str]] = {}
    for target in targets:
        for entity in () if target.happens else (target.entity, *target.under):
            wanted[entity] = wanted.get(entity, frozenset()) | target.fields
    return frozenset(
        mark.action_id
        for (entity, name), mark in marks.items()
        if entity in wanted
        and mark > age
        and (name == "*" or "*" in wanted[entity] or name in wanted[entity])
    )


def kept_fields(
    targets: tuple[Target, ...], marks: Marks, age: Age
) -> dict[str, frozenset[str]] | None:
    """The fields that nothing newer has set, per entity; None when that is all of them.

    A newer `*` covers every field. An action that sets `*` itself cannot be reduced: anything newer
    at its entity supersedes it there.
    """
    kept: dict[str, frozenset[str]] = {}
    reduced = False
    for target in targets:
        counts = set() if target.happens else {target.entity, *target.under}
        newer = {name for (entity, name), mark in marks.items() if entity in counts and mark > age}
        if _is_restored(target.entity, marks):
            newer.discard("*")
        if "*" in newer or ("*" in target.fields and newer):
            left: frozenset[str] = frozenset()
        else:
            left = target.fields - newer
        reduced = reduced or left != target.fields
        kept[target.entity] = kept.get(target.entity, frozenset()) | left
    return kept if reduced else None


def _is_restored(entity: str, marks: Marks) -> bool:
    """Whether something was set after everything was (deleted, and then restored): what nobody has
    set since is as it was before, so an older word on it still counts."""
    everything = marks.get((entity, "*"))
    return everything is not None and any(
        mark > everything for (named, _), mark in marks.items() if named == entity
    )


def new_marks(targets: tuple[Target, ...], marks: Marks, age: Age) -> dict[tuple[str, str], Age]:
    """The marks to write for a claim: those that this action is the newest for."""
    fresh: dict[tuple[str, str], Age] = {}
    for target in targets:
        for name in frozenset() if target.happens else target.fields:
            key = (target.entity, name)
            if key not in marks or marks[key] < age:
                fresh[key] = age
    return fresh


def accepts_finish(row: Row, finish: Finish) -> bool:
    """Whether an outcome still counts: nobody has claimed the action since, and it has not
    ended."""
    return row.seq == finish.seq and row.state in OPEN and finish.state in MOVES[row.state]


def decide_takeover(row: Row) -> State:
    """What becomes of a running action whose lease ran out."""
    return State.PARKED if row.claims >= TAKEOVER_LIMIT else State.WAITING


def scatter(row: Row, action_id: str) -> int:
    """Microseconds that an action taken over waits longer than it has to: another number at each
    claim."""
    if row.claims < _SUSPECT:
        return 0
    return zlib.crc32(f"{action_id} {row.claims}".encode()) % SCATTER


def decide_burial(row: Row, seq: int) -> State | None:
    """What becomes of an action whose message the broker gave up on: `queued` (publish it again),
    `parked`, or None: leave it, the journal has it in hand."""
    if row.state is not State.QUEUED or row.seq != seq:
        return None
    return State.PARKED if row.claims >= DEAD_LIMIT else State.QUEUED
