"""Shared rates, and forgetting what is old without losing what is not."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from core.clock import ManualClock
from core.journal.port import ActionFilter, Draw, Finish, Granted, NotGranted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, Receipt
from tests.samples import NOON, a_claim, a_record, an_action, sets

DAY = timedelta(days=1)
KEEP = 30 * DAY


def wish(wanted: int = 100, **more: object) -> Draw:
    values = {"name": "sms", "wanted": wanted, "rate": 10.0, "burst": 20} | more
    return Draw(**values)  # type: ignore[arg-type]


async def test_a_bucket_holds_no_more_than_its_burst_and_fills_at_its_rate(
    journal: SqlJournal, clock: ManualClock
) -> None:
    assert (await journal.draw(wish())).taken == 20
    empty = await journal.draw(wish())
    assert (empty.taken, empty.wait) == (0, timedelta(seconds=0.1) + timedelta(microseconds=1))
    clock.advance(timedelta(seconds=1.5))
    assert (await journal.draw(wish())).taken == 15
    clock.advance(timedelta(hours=1))
    assert (await journal.draw(wish())).taken == 20


async def test_a_little_time_is_not_lost_by_asking_often(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await journal.draw(wish())
    taken = 0
    for _ in range(100):
        clock.advance(timedelta(milliseconds=33))
        taken += (await journal.draw(wish(1))).taken
    assert taken == 33


async def test_what_is_reserved_is_for_the_urgent(journal: SqlJournal) -> None:
    assert (await journal.draw(wish(reserve=5))).taken == 15
    assert (await journal.draw(wish(1, reserve=5))).taken == 0
    assert (await journal.draw(wish(3, reserve=5, urgent=True))).taken == 3


async def test_many_consumers_together_get_no_more_than_there_is(journal: SqlJournal) -> None:
    drawn = await asyncio.gather(*(journal.draw(wish(3)) for _ in range(20)))
    assert sum(each.taken for each in drawn) == 20


async def send(journal: SqlJournal, action: Action, state: State = State.DONE) -> None:
    await journal.record([a_record(action.event_id, action)])
    claim = await journal.claim(a_claim(action, order_key="p", targets=sets("status")))
    assert isinstance(claim, Granted)
    await journal.finish(
        Finish(action_id=action.id, seq=claim.seq, state=state, reference=f"r-{action.event_id}")
    )


async def forget(journal: SqlJournal, what: str = "events", *, limit: int = 2) -> int:
    removed, after = 0, None
    while True:
        slice_ = await journal.forget(what, older_than=KEEP, after=after, limit=limit)
        removed += slice_.removed
        after = slice_.after
        if after is None:
            return removed


async def test_old_events_go_with_all_that_belongs_to_them(
    journal: SqlJournal, clock: ManualClock
) -> None:
    for number in range(5):
        await send(journal, an_action(f"old-{number}"))
    receipt = Receipt(
        provider="sms",
        reference="r-old-0",
        stage="delivered",
        rank=9,
        meaning="delivered",
        final=True,
        at=NOON,
    )
    await journal.receive([receipt])
    clock.advance(KEEP + DAY)
    await send(journal, an_action("new", at=clock.now()))
    assert await forget(journal) == 5
    books = await journal.books()
    assert (books.events, books.planned, books.states) == (1, 1, {State.DONE: 1})
    assert await journal.receive([receipt]) == [receipt], "its receipt is gone too"
    assert await journal.event(an_action("old-0").ref) is None


async def test_what_is_open_or_waits_for_a_person_is_kept_however_old(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await journal.record([a_record("queued", an_action("queued"))])
    await send(journal, an_action("parked"), State.PARKED)
    both = (an_action("mixed", step="a"), an_action("mixed", step="b", position=1))
    await journal.record([a_record("mixed", *both)])
    claim = await journal.claim(a_claim(both[0]))
    assert isinstance(claim, Granted)
    await journal.finish(Finish(action_id=both[0].id, seq=claim.seq, state=State.DONE))
    clock.advance(KEEP + DAY)
    assert await forget(journal) == 0
    assert sum((await journal.books()).states.values()) == 4


async def test_a_late_repeat_of_what_was_forgotten_is_not_carried_out(
    journal: SqlJournal, clock: ManualClock
) -> None:
    action = an_action(expires_at=NOON + KEEP)
    await send(journal, action)
    clock.advance(KEEP + DAY)
    await forget(journal)
    late = await journal.claim(a_claim(action))
    assert isinstance(late, NotGranted)
    assert late.state is State.EXPIRED


async def test_old_marks_and_leases_go_and_new_ones_stay(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await send(journal, an_action("old"))
    clock.advance(KEEP + DAY)
    fresh = an_action("new", at=clock.now())
    claim = await journal.claim(
        a_claim(fresh, order_key="p-2", targets=sets("status", entity="subscription-2"))
    )
    assert isinstance(claim, Granted)
    assert await forget(journal, "marks") == 1
    assert await forget(journal, "leases") == 1
    older = an_action("older", at=NOON + KEEP)
    late = await journal.claim(
        a_claim(older, order_key="p-3", targets=sets("status", entity="subscription-2"))
    )
    assert isinstance(late, NotGranted), "the newer word still stands"
    page = await journal.actions(ActionFilter(ref=older.ref))
    assert page.actions[0].state is State.SUPERSEDED


async def test_claims_go_on_while_leases_are_forgotten(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """A lease that is taken away between its making and its locking must not be had twice."""
    await send(journal, an_action("old"))
    clock.advance(KEEP + DAY)
    actions = [an_action(f"o-{number}", at=clock.now()) for number in range(20)]
    results = await asyncio.gather(
        *(journal.claim(a_claim(action, order_key="p")) for action in actions),
        *(forget(journal, "leases", limit=10) for _ in range(5)),
    )
    assert sum(isinstance(result, Granted) for result in results) == 1
