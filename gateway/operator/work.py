"""Cancelling and replaying in slices: each slice is one transaction that also counts itself in the
audit, so that an interrupted run is simply run again.

Whoever runs this may be the gateway, whose loop takes events meanwhile: rules are run a few at a
time. What must not go in: what a selection is made of, and who may do it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from core.clock import Clock
from core.journal.operator import Again, OperatorJournal, Replayable, Selection
from core.journal.states import State
from core.messages import JsonObject
from gateway.operator.planning import RATE, Left, Pace, Refused, decide, plan_of
from gateway.rules.port import Plan, Planner

SLICE = 100
TURN = 10
"""Actions looked at before others get a turn on the loop."""
DETAILS = 5
"""Different reasons of the rules that are told."""

REPLAYED = frozenset({State.PARKED})
CANCELLED = frozenset({State.QUEUED, State.WAITING, State.PARKED})
"""The states that are meant where none is named."""

ENDS_THERE_AGAIN = frozenset({State.DONE, State.SKIPPED})
"""A replay brings these back to where they were, so that a second one would find them anew."""

Progress = Callable[[int], None]
"""Told after each slice how many it changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How much is done at most in one go; None: all of it."""

    actions: int | None = None
    time: timedelta | None = None

    def over(self, seen: int, started: float, now: float) -> bool:
        if self.actions is not None and seen >= self.actions:
            return True
        return self.time is not None and now - started >= self.time.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A replay as it was asked for. `anew`: also what may have taken effect is made once more,
    without looking. `after`: the id to go on from."""

    selection: Selection
    rate: float = RATE
    anew: bool = False
    after: str = ""

    def shown(self) -> JsonObject:
        """For the audit."""
        more: JsonObject = {"rate": self.rate, "anew": self.anew}
        return self.selection.shown() | more | ({"after": self.after} if self.after else {})


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run came to. `changed`: actions cancelled, or set waiting; `lasts`: until the last of
    them is due. `after`: the id to go on from; `complete`: nothing is left to look at."""

    changed: int = 0
    left: Counter[Left] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    lasts: timedelta = timedelta(0)
    after: str = ""
    complete: bool = False

    def leave(self, refused: Refused) -> None:
        self.left[refused.left] += 1
        detail = refused.detail
        if detail and detail not in self.details and len(self.details) < DETAILS:
            self.details.append(detail)


async def cancel(
    journal: OperatorJournal,
    selection: Selection,
    *,
    who: str,
    clock: Clock,
    bound: Bound,
    told: Progress,
) -> Tally:
    """Raises JournalUnavailable; what was cancelled by then stays so."""
    audit = await begin(journal, who, "cancel", selection.shown())
    tally, started = Tally(), clock.monotonic()
    while not bound.over(tally.changed, started, clock.monotonic()):
        done = await journal.cancel(selection, audit=audit, limit=SLICE)
        tally.changed += done
        told(done)
        if not done:
            tally.complete = await _none_left(journal, selection)
            break
    await journal.end_audit(audit)
    return tally


async def _none_left(journal: OperatorJournal, selection: Selection) -> bool:
    """What a worker has locked in this very moment is passed over, and may still be to be
    cancelled: somebody has to say so."""
    return (await journal.preview(selection)).wanted == 0


async def replay(
    journal: OperatorJournal,
    wish: Wish,
    planner: Planner,
    *,
    who: str,
    clock: Clock,
    bound: Bound,
    told: Progress,
) -> Tally:
    """Set waiting what can be done again. What an earlier run of the same selection has set waiting
    comes first, so that the rate holds over both. Raises JournalUnavailable."""
    before = await journal.preview(wish.selection)
    audit = await begin(journal, who, "replay", wish.shown())
    started = clock.monotonic()
    earlier = before.replayed_for.total_seconds()
    pace = Pace(rate=wish.rate, begins=started + (earlier + 1 / wish.rate if earlier else 0))
    tally, seen = Tally(after=wish.after), 0
    while not bound.over(seen, started, clock.monotonic()):
        items = await journal.replayable(wish.selection, after=tally.after, limit=SLICE)
        if not items:
            tally.complete = True
            break
        again = await _sorted_out(items, planner, clock, tally, pace=pace, anew=wish.anew)
        done = await journal.replay(again, audit=audit) if again else 0
        tally.left[Left.CHANGED] += len(again) - done
        tally.changed += done
        tally.after, seen = items[-1].action.id, seen + len(items)
        tally.lasts = pace.lasts(clock.monotonic())
        told(done)
    await journal.end_audit(audit)
    return tally


async def rehearse(
    journal: OperatorJournal, wish: Wish, planner: Planner, *, clock: Clock
) -> Tally:
    """What a replay would come to; nothing is changed."""
    tally = Tally(after=wish.after)
    pace = Pace(rate=wish.rate, begins=clock.monotonic())
    while items := await journal.replayable(wish.selection, after=tally.after, limit=SLICE):
        again = await _sorted_out(items, planner, clock, tally, pace=pace, anew=wish.anew)
        tally.changed += len(again)
        tally.after = items[-1].action.id
    tally.complete, tally.lasts = True, pace.lasts(clock.monotonic())
    return tally


async def begin(journal: OperatorJournal, who: str, what: str, wanted: JsonObject) -> int:
    text = orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS).decode()
    return await journal.begin_audit(who=who, what=what, wanted=text)


async def _sorted_out(
    items: Sequence[Replayable],
    planner: Planner,
    clock: Clock,
    tally: Tally,
    *,
    pace: Pace,
    anew: bool,
) -> list[Again]:
    plans: dict[str, Plan | None] = {}
    again: list[Again] = []
    for number, item in enumerate(items, start=1):
        if item.action.ref not in plans or plans[item.action.ref] is None:
            plans[item.action.ref] = plan_of(item, planner)
        decided = decide(item, plans[item.action.ref], clock.now())
        if isinstance(decided, Refused):
            tally.leave(decided)
        else:
            again.append(
                Again(
                    action=decided,
                    seq=item.seq,
                    state=item.state,
                    unknown=item.unknown,
                    due_in=pace.due_in(clock.monotonic()),
                    anew=anew,
                )
            )
        if number % TURN == 0:
            await asyncio.sleep(0)
    return again
