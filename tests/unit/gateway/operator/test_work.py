"""Cancelling and replaying in slices: at one rate over all of it, bounded, resumable, written
down."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.journal.connect import open_journal
from core.journal.operator import Selection
from core.journal.port import Finish, Granted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, Event, EventRecord
from gateway.operator.planning import Left
from gateway.operator.work import CANCELLED, REPLAYED, Bound, Tally, Wish, cancel, rehearse, replay
from tests.samples import NOON, a_claim
from tests.unit.gateway.fakes import FakePlanner, action_of

COUNT = 250
PARKED = Selection(states=REPLAYED, source="shop")
MENDED = FakePlanner(rules=("welcome",))
BROKEN = FakePlanner(rules=("odd",))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def journal(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqlJournal]:
    async with open_journal(f"sqlite:{tmp_path}/journal.db", clock=clock) as opened:
        yield opened


def an_event(number: int) -> Event:
    return Event(source="shop", id=f"o-{number}", type="order.placed", received_at=NOON)


async def park(journal: SqlJournal, count: int, rule: str = "welcome") -> None:
    """Events whose rule failed."""
    records = [
        EventRecord(
            event=event,
            rules_version="v0",
            actions=(replace(action_of(event, rule, 0), parked="rule ..., data.x is missing"),),
        )
        for event in map(an_event, range(count))
    ]
    await journal.record(records)


async def replayed(
    journal: SqlJournal,
    clock: ManualClock,
    wish: Wish,
    planner: FakePlanner = MENDED,
    bound: Bound | None = None,
) -> Tally:
    return await replay(
        journal,
        wish,
        planner,
        who="ada",
        clock=clock,
        bound=bound or Bound(),
        told=lambda _: None,
    )


async def test_a_replay_is_spread_at_its_rate_over_all_slices(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await park(journal, COUNT)
    tally = await replayed(journal, clock, Wish(selection=PARKED, rate=10))
    assert (tally.changed, tally.complete) == (COUNT, True)
    assert tally.lasts == timedelta(seconds=(COUNT - 1) / 10)
    assert len(await journal.due(limit=COUNT)) == 1
    clock.advance(timedelta(seconds=10))
    assert len(await journal.due(limit=COUNT)) == 101
    (told,) = await journal.audited(limit=10)
    assert (told.who, told.what, told.done) == ("ada", "replay", COUNT)
    assert told.ended_at is not None
    assert json.loads(told.wanted)["rate"] == 10


async def test_a_bounded_run_goes_on_where_it_stopped_and_keeps_the_rate(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await park(journal, COUNT)
    wish = Wish(selection=PARKED, rate=10)
    first = await replayed(journal, clock, wish, bound=Bound(actions=100))
    assert (first.changed, first.complete) == (100, False)
    second = await replayed(journal, clock, replace(wish, after=first.after))
    assert (second.changed, second.complete) == (COUNT - 100, True)
    clock.advance(timedelta(seconds=5))
    assert len(await journal.due(limit=COUNT)) == 51
    clock.advance(timedelta(seconds=10))
    assert len(await journal.due(limit=COUNT)) == pytest.approx(151, abs=1)


async def test_a_run_that_was_interrupted_is_simply_run_again(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await park(journal, COUNT)

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await replay(
            journal,
            Wish(selection=PARKED),
            MENDED,
            who="ada",
            clock=clock,
            bound=Bound(),
            told=interrupted,
        )
    again = await replayed(journal, clock, Wish(selection=PARKED))
    assert again.changed == COUNT - 100
    second, first = await journal.audited(limit=10)
    assert (first.done, first.ended_at) == (100, None)
    assert second.done == COUNT - 100


async def test_what_the_rules_still_fail_on_stays_parked_and_is_counted(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await park(journal, 30, rule="odd")
    tally = await replayed(journal, clock, Wish(selection=PARKED), BROKEN)
    assert (tally.changed, tally.left[Left.STILL_FAILS]) == (0, 30)
    assert tally.details == ["rule odd, data.x: gone"]
    assert (await journal.preview(PARKED)).states == {State.PARKED: 30}


async def test_a_rehearsal_changes_nothing(journal: SqlJournal, clock: ManualClock) -> None:
    await park(journal, COUNT)
    tally = await rehearse(journal, Wish(selection=PARKED), MENDED, clock=clock)
    assert tally.changed == COUNT
    assert (await journal.preview(PARKED)).states == {State.PARKED: COUNT}
    assert await journal.audited(limit=10) == []


async def test_what_is_done_is_done_again_once_however_often_it_is_run(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """A replay brings it back to `done`: only what was done before the first one is meant."""
    event = an_event(1)
    action = action_of(event, "welcome", 0)
    await carry_out(journal, 0, action)
    clock.advance(timedelta(seconds=1))
    done = Selection(states=frozenset({State.DONE}), ids=(action.id,), changed_before=clock.now())
    clock.advance(timedelta(seconds=1))
    assert (await replayed(journal, clock, Wish(selection=done))).changed == 1
    (due,) = await journal.due(limit=10)
    await carry_out(journal, due.message.seq, action)
    assert (await replayed(journal, clock, Wish(selection=done))).changed == 0


async def carry_out(journal: SqlJournal, seq: int, action: Action) -> None:
    claim = await journal.claim(a_claim(action, seq=seq))
    assert isinstance(claim, Granted)
    assert await journal.finish(Finish(action_id=action.id, seq=claim.seq, state=State.DONE))


async def test_cancelling_takes_slice_after_slice_until_none_is_left(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await park(journal, COUNT)
    counts: list[int] = []
    selection = Selection(states=CANCELLED, rule="welcome")
    tally = await cancel(
        journal, selection, who="ada", clock=clock, bound=Bound(), told=counts.append
    )
    assert (tally.changed, tally.complete) == (COUNT, True)
    assert counts == [100, 100, 50, 0]
    assert (await journal.preview(selection)).states == {State.CANCELLED: COUNT}
