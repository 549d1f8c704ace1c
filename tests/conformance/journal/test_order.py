"""Consent never goes backwards: one call at a time per profile, and the newest word per field."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from core.clock import ManualClock
from core.journal.port import Finish, Granted, NotGranted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action
from tests.samples import NOON, a_claim, an_action, sets

MINUTE = timedelta(minutes=1)
LAGS = {"sms": timedelta(seconds=30)}


async def claim(
    journal: SqlJournal, action: Action, *fields: str, seq: int = 0
) -> Granted | NotGranted:
    return await journal.claim(
        a_claim(action, seq=seq, order_key="profile-1", targets=sets(*fields))
    )


async def end(journal: SqlJournal, action: Action, claim: Granted | NotGranted) -> None:
    assert isinstance(claim, Granted)
    assert await journal.finish(Finish(action_id=action.id, seq=claim.seq, state=State.DONE))


async def test_what_an_older_event_says_is_superseded_by_a_newer_one(journal: SqlJournal) -> None:
    """Unsubscribed at 10:01, done. The subscription of 10:00 arrives from a retry: it must not
    win."""
    older, newer = an_action("subscribe", at=NOON), an_action("unsubscribe", at=NOON + MINUTE)
    await end(journal, newer, await claim(journal, newer, "contact", "status"))
    late = await claim(journal, older, "contact", "status")
    assert isinstance(late, NotGranted)
    assert late.state is State.SUPERSEDED


async def test_an_older_event_keeps_the_fields_that_nothing_newer_has_set(
    journal: SqlJournal,
) -> None:
    older, newer = an_action("older", at=NOON), an_action("newer", at=NOON + MINUTE)
    await end(journal, newer, await claim(journal, newer, "status"))
    late = await claim(journal, older, "status", "priority")
    assert isinstance(late, Granted)
    assert late.keep == {"subscription-1": frozenset({"priority"})}


async def test_the_mark_stands_from_the_first_claim_even_if_the_call_then_fails(
    journal: SqlJournal,
) -> None:
    older, newer = an_action("older", at=NOON), an_action("newer", at=NOON + MINUTE)
    first = await claim(journal, newer, "status")
    assert isinstance(first, Granted)
    await journal.finish(Finish(action_id=newer.id, seq=first.seq, state=State.PARKED))
    late = await claim(journal, older, "status")
    assert isinstance(late, NotGranted)
    assert late.state is State.SUPERSEDED


async def test_what_is_left_of_an_older_action_waits_until_the_newer_word_has_arrived(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """The newer one unsubscribes and has to be retried. Without a status, the rest of the older one
    would subscribe whom nobody has subscribed any more."""
    older, newer = an_action("older", at=NOON), an_action("newer", at=NOON + MINUTE)
    first = await claim(journal, newer, "status")
    assert isinstance(first, Granted)
    retry = Finish(
        action_id=newer.id, seq=first.seq, state=State.WAITING, due_in=timedelta(seconds=5)
    )
    assert await journal.finish(retry)
    early = await claim(journal, older, "status", "priority")
    assert isinstance(early, NotGranted)
    assert early.state is State.WAITING
    clock.advance(timedelta(seconds=6))
    await end(journal, newer, await claim(journal, newer, "status", seq=first.seq))
    due = [item.message for item in await journal.due(limit=10)]
    assert [message.action.id for message in due] == [older.id], "its end wakes who waits for it"
    late = await claim(journal, older, "status", "priority")
    assert isinstance(late, Granted)
    assert late.keep == {"subscription-1": frozenset({"priority"})}


async def test_what_is_left_of_an_older_action_waits_for_a_newer_one_of_the_same_transaction(
    journal: SqlJournal,
) -> None:
    """The newer one waits for another profile's call; the older one's own profile is free."""
    older, newer = an_action("older", at=NOON), an_action("newer", at=NOON + MINUTE)
    other = an_action("other", at=NOON + MINUTE)
    assert isinstance(await journal.claim(a_claim(other, order_key="phone")), Granted)
    results = await asyncio.gather(
        journal.claim(a_claim(newer, order_keys=("email", "phone"), targets=sets("status"))),
        journal.claim(a_claim(older, order_key="email", targets=sets("status", "priority"))),
    )
    assert [isinstance(result, NotGranted) for result in results] == [True, True]
    assert [result.state for result in results if isinstance(result, NotGranted)] == [
        State.WAITING,
        State.WAITING,
    ]


async def test_what_is_left_of_an_older_action_is_parked_with_the_newer_one(
    journal: SqlJournal,
) -> None:
    older, newer = an_action("older", at=NOON), an_action("newer", at=NOON + MINUTE)
    first = await claim(journal, newer, "status")
    assert isinstance(first, Granted)
    await journal.finish(Finish(action_id=newer.id, seq=first.seq, state=State.PARKED))
    late = await claim(journal, older, "status", "priority")
    assert isinstance(late, NotGranted)
    assert (late.state, late.ended) == (State.PARKED, True)


async def test_a_retry_of_the_newest_is_not_superseded_by_its_own_mark(journal: SqlJournal) -> None:
    action = an_action()
    first = await claim(journal, action, "status")
    assert isinstance(first, Granted)
    await journal.finish(
        Finish(action_id=action.id, seq=first.seq, state=State.WAITING, due_in=timedelta(0))
    )
    again = await claim(journal, action, "status", seq=first.seq)
    assert isinstance(again, Granted)
    assert again.keep is None


async def test_calls_for_one_profile_go_one_at_a_time_and_the_oldest_waiter_is_woken(
    journal: SqlJournal, clock: ManualClock
) -> None:
    first, second, third = (an_action(f"o-{n}", at=NOON + n * MINUTE) for n in range(3))
    running = await claim(journal, first, "a")
    for action, name in ((third, "c"), (second, "b")):
        result = await claim(journal, action, name)
        assert isinstance(result, NotGranted)
        assert result.state is State.WAITING
    assert await journal.due(limit=10) == []
    await end(journal, first, running)
    (due,) = await journal.due(limit=10)
    assert due.message.action.id == second.id


async def test_a_waiter_that_was_woken_and_ends_without_a_call_wakes_the_next(
    journal: SqlJournal,
) -> None:
    """Otherwise the next one would wait for a lease that nobody holds any more."""
    holder = an_action("o-1")
    older, newer = an_action("o-2", at=NOON - MINUTE), an_action("o-3", at=NOON + MINUTE)
    claim = await journal.claim(a_claim(holder, order_key="profile", targets=sets("contact")))
    assert isinstance(claim, Granted)
    for action in (older, newer):
        waits = a_claim(action, order_key="profile", targets=sets("status"))
        assert isinstance(await journal.claim(waits), NotGranted)
    await journal.finish(Finish(action_id=holder.id, seq=claim.seq, state=State.DONE))
    (woken,) = await journal.due(limit=10)
    assert woken.message.action == older
    ended = await journal.claim(a_claim(older, order_key="profile", targets=sets("status")))
    assert isinstance(ended, NotGranted)
    assert ended.state is State.SUPERSEDED
    assert [due.message.action for due in await journal.due(limit=10)] == [newer]


async def test_after_an_unknown_outcome_the_profile_is_held_until_timeout_plus_lag(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """A worker was killed during a call that may still take effect: the next word must come after
    it."""
    first, second = an_action("o-1", at=NOON), an_action("o-2", at=NOON + MINUTE)
    running = await claim(journal, first, "status")
    assert isinstance(running, Granted)
    clock.advance(timedelta(seconds=21))
    blocked = await claim(journal, second, "status")
    assert isinstance(blocked, NotGranted)
    await journal.take_over(LAGS, limit=10)
    clock.advance(timedelta(seconds=29))
    assert isinstance(await claim(journal, second, "status"), NotGranted)
    clock.advance(timedelta(seconds=2))
    due = {item.message.action.id: item.message for item in await journal.due(limit=10)}
    assert isinstance(await claim(journal, second, "status", seq=due[second.id].seq), Granted)
    late = await claim(journal, first, "status", seq=running.seq)
    assert isinstance(late, NotGranted)
    assert late.state is State.SUPERSEDED


async def test_a_call_that_ended_unknown_holds_its_profile_as_asked(
    journal: SqlJournal, clock: ManualClock
) -> None:
    first, second = an_action("o-1"), an_action("o-2", at=NOON + MINUTE)
    running = await claim(journal, first, "status")
    assert isinstance(running, Granted)
    await journal.finish(
        Finish(
            action_id=first.id,
            seq=running.seq,
            state=State.WAITING,
            unknown=True,
            due_in=timedelta(seconds=40),
            hold_order=timedelta(seconds=40),
        )
    )
    clock.advance(timedelta(seconds=39))
    blocked = await claim(journal, second, "priority")
    assert isinstance(blocked, NotGranted)
    assert blocked.state is State.WAITING


async def test_ties_of_time_go_by_position_in_the_plan_then_by_event_id(
    journal: SqlJournal,
) -> None:
    first = an_action("same", step="a", position=0)
    second = an_action("same", step="b", position=1)
    await end(journal, second, await claim(journal, second, "status"))
    late = await claim(journal, first, "status")
    assert isinstance(late, NotGranted)
    assert late.state is State.SUPERSEDED
    higher = an_action("zzz", step="a", position=1)
    assert isinstance(await claim(journal, higher, "status"), Granted)


async def test_a_newer_star_covers_every_field_and_an_older_star_cannot_be_reduced(
    journal: SqlJournal,
) -> None:
    star, plain = an_action("star", at=NOON + MINUTE), an_action("plain", at=NOON)
    await end(journal, star, await claim(journal, star, "*"))
    covered = await claim(journal, plain, "status")
    assert isinstance(covered, NotGranted)
    assert covered.state is State.SUPERSEDED

    newest = an_action("newest", at=NOON + 5 * MINUTE)
    await end(journal, newest, await claim(journal, newest, "status"))
    between = an_action("between", at=NOON + 3 * MINUTE)
    undone = await claim(journal, between, "*")
    assert isinstance(undone, NotGranted)
    assert undone.state is State.SUPERSEDED


async def test_a_claim_without_targets_leaves_no_mark(journal: SqlJournal) -> None:
    """A guard had said no (a dry run): it must not stand in the way of what older events say."""
    guarded, older = an_action("guarded", at=NOON + MINUTE), an_action("older", at=NOON)
    result = await journal.claim(a_claim(guarded))
    assert isinstance(result, Granted)
    assert isinstance(await claim(journal, older, "status"), Granted)


async def test_a_field_name_of_any_shape_is_kept_apart(journal: SqlJournal) -> None:
    """Names of custom fields may come from events: NUL, emoji and ten thousand letters included."""
    names = ("custom_fields.\x00", "custom_fields.😀", "x" * 10_000)
    newer, older = an_action("newer", at=NOON + MINUTE), an_action("older", at=NOON)
    await end(journal, newer, await claim(journal, newer, *names[:2]))
    late = await claim(journal, older, *names)
    assert isinstance(late, Granted)
    assert late.keep == {"subscription-1": frozenset({names[2]})}
