"""Who may carry an action out: claims, leases, takeovers, and outcomes that come late."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from core.clock import ManualClock
from core.journal.connect import open_journal
from core.journal.machine import DEAD_LIMIT, TAKEOVER_LIMIT
from core.journal.port import ActionFilter, Attempt, Finish, Granted, NotGranted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import ActionMessage
from tests.samples import NOON, a_claim, a_record, an_action

SECOND = timedelta(seconds=1)
LAGS = {"sms": timedelta(seconds=30)}


def done(action_id: str, seq: int, reference: str = "77") -> Finish:
    return Finish(
        action_id=action_id,
        seq=seq,
        state=State.DONE,
        reference=reference,
        called=True,
        attempt=Attempt(started_at=NOON, took=SECOND, outcome="done"),
    )


async def state_of(journal: SqlJournal, name: str) -> State:
    page = await journal.actions(ActionFilter())
    return next(action.state for action in page.actions if action.id == name)


async def granted(journal: SqlJournal, *args: object, **kwargs: object) -> Granted:
    result = await journal.claim(a_claim(*args, **kwargs))  # type: ignore[arg-type]
    assert isinstance(result, Granted), result
    return result


async def test_of_two_workers_with_the_same_message_one_gets_it(journal: SqlJournal) -> None:
    action = an_action()
    results = await asyncio.gather(
        journal.claim(a_claim(action, owner="one")), journal.claim(a_claim(action, owner="two"))
    )
    assert sorted(isinstance(result, Granted) for result in results) == [False, True]


async def test_two_connections_cannot_claim_the_same_action(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    """Twenty actions, two processes' worth of connections, all claimed at once."""
    actions = [an_action(f"o-{n}") for n in range(20)]
    async with open_journal(journal_url, clock=clock) as other:
        results = await asyncio.gather(
            *(journal.claim(a_claim(action, owner="one")) for action in actions),
            *(other.claim(a_claim(action, owner="two")) for action in reversed(actions)),
        )
    assert sum(isinstance(result, Granted) for result in results) == 20


async def test_an_action_can_be_claimed_before_it_was_recorded_and_keeps_its_state_when_it_is(
    journal: SqlJournal,
) -> None:
    """The recorder comes late: it must not make a running or finished action queued again."""
    action = an_action()
    claim = await granted(journal, action)
    await journal.record([a_record("o-1", action)])
    assert await state_of(journal, action.id) is State.RUNNING
    assert await journal.finish(done(action.id, claim.seq))
    await journal.record([a_record("o-1", action)])
    assert await state_of(journal, action.id) is State.DONE
    assert isinstance(await journal.claim(a_claim(action)), NotGranted)


async def test_the_first_plan_of_an_action_counts(journal: SqlJournal) -> None:
    """The same event id came again with another body: what the journal shows is what is done."""
    first = an_action(params={"to": "+4915123456789", "text": "first"})
    other = an_action(params={"to": "+4915123456789", "text": "other"})
    await journal.record([a_record("o-1", first)])
    told = await journal.claim(a_claim(other))
    assert isinstance(told, NotGranted)
    assert told.stored == first
    assert isinstance(await journal.claim(a_claim(first)), Granted)


async def test_an_outcome_offered_again_after_it_was_recorded_changes_nothing(
    journal: SqlJournal,
) -> None:
    """The commit went through, its answer was lost: one call must not be charged twice."""
    action = an_action()
    claim = await granted(journal, action)
    retry = Finish(
        action_id=action.id,
        seq=claim.seq,
        state=State.WAITING,
        due_in=timedelta(0),
        charged=True,
        attempt=Attempt(started_at=NOON, took=SECOND, outcome="retry"),
    )
    assert await journal.finish(retry)
    assert await journal.finish(replace(retry, again=True))
    again = await granted(journal, action, seq=claim.seq)
    assert again.attempts == 1


async def test_a_message_delivered_again_after_the_end_is_not_carried_out(
    journal: SqlJournal,
) -> None:
    """Killed after the record and before the ack: the message comes again, the action is done."""
    action = an_action()
    claim = await granted(journal, action)
    await journal.finish(done(action.id, claim.seq))
    again = await journal.claim(a_claim(action, owner="two"))
    assert isinstance(again, NotGranted)
    assert again.state is State.DONE


async def test_a_lease_that_ran_out_makes_the_outcome_unknown_and_due_after_the_lag(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """Killed after the call and before the record: nobody may call again at once, or blindly."""
    action = an_action()
    first = await granted(journal, action)
    assert await journal.take_over(LAGS, limit=10) == 0
    clock.advance(timedelta(seconds=21))
    assert await journal.take_over(LAGS, limit=10) == 1
    assert await journal.due(limit=10) == []
    assert isinstance(await journal.claim(a_claim(action, seq=first.seq)), NotGranted)
    clock.advance(timedelta(seconds=31))
    (due,) = await journal.due(limit=10)
    assert due.message.seq == first.seq
    second = await granted(journal, due.message.action, seq=due.message.seq, owner="two")
    assert second.unknown
    assert second.called_at == NOON


async def test_a_late_outcome_counts_only_until_somebody_else_has_claimed(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """A worker was stopped during its call: its late `done` is believed while nobody has called
    again."""
    action = an_action()
    first = await granted(journal, action)
    clock.advance(timedelta(seconds=21))
    await journal.take_over(LAGS, limit=10)
    assert await journal.finish(done(action.id, first.seq))
    assert await state_of(journal, action.id) is State.DONE

    other = an_action("o-2")
    stalled = await granted(journal, other)
    clock.advance(timedelta(seconds=21))
    await journal.take_over(LAGS, limit=10)
    clock.advance(timedelta(seconds=31))
    second = await granted(journal, other, seq=stalled.seq, owner="two")
    assert not await journal.finish(done(other.id, stalled.seq, "late"))
    assert await state_of(journal, other.id) is State.RUNNING
    assert await journal.finish(done(other.id, second.seq, "second"))


async def test_a_retry_waits_until_it_is_due_and_keeps_its_seq_through_the_scheduler(
    journal: SqlJournal, clock: ManualClock
) -> None:
    action = an_action()
    claim = await granted(journal, action)
    retry = Finish(
        action_id=action.id,
        seq=claim.seq,
        state=State.WAITING,
        due_in=timedelta(seconds=5),
        charged=True,
        called=True,
        attempt=Attempt(started_at=NOON, took=SECOND, outcome="retry", reason="HTTP 503"),
    )
    assert await journal.finish(retry)
    early = await journal.claim(a_claim(action, seq=claim.seq))
    assert isinstance(early, NotGranted)
    clock.advance(timedelta(seconds=5))
    (due,) = await journal.due(limit=10)
    assert await journal.mark_queued([due]) == 1
    assert await journal.due(limit=10) == []
    second = await granted(journal, action, seq=due.message.seq)
    assert (second.attempts, second.unknown) == (1, False)


async def test_a_message_from_before_a_retry_claims_nothing_although_the_action_is_queued_again(
    journal: SqlJournal,
) -> None:
    """Its worker was killed before the ack, so it comes again beside the retry's own message."""
    action = an_action()
    claim = await granted(journal, action)
    await journal.finish(
        Finish(action_id=action.id, seq=claim.seq, state=State.WAITING, due_in=timedelta(0))
    )
    (due,) = await journal.due(limit=10)
    await journal.mark_queued([due])
    assert isinstance(await journal.claim(a_claim(action, seq=0)), NotGranted)
    assert isinstance(await journal.claim(a_claim(action, seq=claim.seq)), Granted)


async def test_a_mark_that_comes_after_the_claim_changes_nothing(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """The scheduler publishes; a worker is faster than its confirm. The late mark must not
    requeue."""
    action = an_action()
    claim = await granted(journal, action)
    await journal.finish(
        Finish(action_id=action.id, seq=claim.seq, state=State.WAITING, due_in=timedelta(0))
    )
    (due,) = await journal.due(limit=10)
    running = await granted(journal, action, seq=due.message.seq)
    assert await journal.mark_queued([due]) == 0
    assert await state_of(journal, action.id) is State.RUNNING
    await journal.finish(done(action.id, running.seq))
    assert await journal.mark_queued([due]) == 0
    assert await state_of(journal, action.id) is State.DONE


async def test_a_mark_that_comes_after_a_put_back_does_not_queue_what_has_no_message(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """A half-open breaker puts the published message back and acknowledges it, before the mark."""
    action = an_action()
    claim = await granted(journal, action)
    await journal.finish(
        Finish(action_id=action.id, seq=claim.seq, state=State.WAITING, due_in=timedelta(0))
    )
    (due,) = await journal.due(limit=10)
    assert await journal.put_back(due.message, due_in=timedelta(seconds=5), reason="half-open")
    clock.advance(timedelta(seconds=6))
    assert await journal.mark_queued([due]) == 0
    assert len(await journal.due(limit=10)) == 1


async def test_a_mark_that_comes_after_a_wait_for_the_profile_does_not_queue_it(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """The worker finds the profile busy, lets the action wait and acknowledges; then the mark."""
    action, busy = an_action("o-1"), an_action("o-2")
    claim = await granted(journal, action)
    await journal.finish(
        Finish(action_id=action.id, seq=claim.seq, state=State.WAITING, due_in=timedelta(0))
    )
    await granted(journal, busy, order_key="profile")
    (due,) = await journal.due(limit=10)
    waits = await journal.claim(a_claim(action, seq=due.message.seq, order_key="profile"))
    assert isinstance(waits, NotGranted)
    assert await journal.mark_queued([due]) == 0
    assert await state_of(journal, action.id) is State.WAITING
    clock.advance(timedelta(minutes=1))
    assert len(await journal.due(limit=10)) == 1


async def test_an_action_that_expired_before_its_call_ends_as_expired(
    journal: SqlJournal, clock: ManualClock
) -> None:
    action = an_action(expires_at=NOON + timedelta(minutes=10))
    clock.advance(timedelta(minutes=11))
    result = await journal.claim(a_claim(action))
    assert isinstance(result, NotGranted)
    assert result.state is State.EXPIRED
    assert await state_of(journal, action.id) is State.EXPIRED


async def test_an_expired_action_of_unknown_outcome_is_granted_to_find_out(
    journal: SqlJournal, clock: ManualClock
) -> None:
    action = an_action(expires_at=NOON + timedelta(seconds=40))
    first = await granted(journal, action)
    clock.advance(timedelta(seconds=21))
    await journal.take_over(LAGS, limit=10)
    clock.advance(timedelta(seconds=31))
    assert (await granted(journal, action, seq=first.seq)).unknown


async def test_an_action_that_keeps_ending_its_workers_is_parked(
    journal: SqlJournal, clock: ManualClock
) -> None:
    action = an_action()
    seq = 0
    for _ in range(TAKEOVER_LIMIT):
        seq = (await granted(journal, action, seq=seq)).seq
        clock.advance(timedelta(seconds=60))
        await journal.take_over(LAGS, limit=10)
        clock.advance(timedelta(seconds=60))
    assert await state_of(journal, action.id) is State.PARKED
    assert await journal.due(limit=10) == []


async def test_actions_that_ended_two_workers_together_are_not_tried_together_again(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """One of them may be ending the workers: the others must get away from it."""
    actions = [an_action(f"o-{n}") for n in range(10)]
    for seq in range(2):
        for action in actions:
            await granted(journal, action, seq=seq)
        clock.advance(timedelta(seconds=21))
        await journal.take_over(LAGS, limit=10)
        page = await journal.actions(ActionFilter())
        dues = {action.due_at for action in page.actions}
        assert len(dues) == (1 if seq == 0 else len(actions))
        clock.advance(timedelta(minutes=1))


async def test_what_an_earlier_incarnation_held_is_taken_over_at_once(
    journal: SqlJournal,
) -> None:
    """Embedded: the process was killed and started again; no lease need run out first."""
    mine, theirs = an_action("o-1"), an_action("o-2")
    await granted(journal, mine, owner="now")
    await granted(journal, theirs, owner="before")
    assert await journal.release_incarnations("now", LAGS) == 1
    assert await state_of(journal, mine.id) is State.RUNNING
    assert await state_of(journal, theirs.id) is State.WAITING


async def test_putting_back_counts_nothing_and_loses_against_a_claim(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """A breaker opened: what was held uncalled waits, and no attempt is burnt."""
    action = an_action()
    message = ActionMessage(action=action)
    assert await journal.put_back(message, due_in=timedelta(seconds=10), reason="breaker open")
    assert await state_of(journal, action.id) is State.WAITING
    clock.advance(timedelta(seconds=10))
    claim = await granted(journal, action)
    assert claim.attempts == 0
    assert not await journal.put_back(message, due_in=timedelta(seconds=10), reason="late")
    assert await state_of(journal, action.id) is State.RUNNING


async def test_lost_messages_are_found_by_the_time_they_have_been_queued(
    journal: SqlJournal, clock: ManualClock
) -> None:
    action = an_action()
    await journal.record([a_record("o-1", action)])
    minutes = timedelta(minutes=5)

    async def lost() -> int:
        found = await journal.lost(provider="sms", lane="normal", older_than=minutes, limit=10)
        return len(found)

    assert await lost() == 0
    clock.advance(minutes + SECOND)
    assert await lost() == 1
    assert await journal.touch_queued([ActionMessage(action=action)]) == 1
    assert await lost() == 0


async def test_a_dead_message_is_published_again_until_it_had_two_claims_without_an_outcome(
    journal: SqlJournal,
) -> None:
    action = an_action()
    message = ActionMessage(action=action)
    for _ in range(DEAD_LIMIT):
        assert await journal.bury(message, reason="delivery limit")
    assert not await journal.bury(message, reason="delivery limit")
    assert await state_of(journal, action.id) is State.PARKED


async def test_a_dead_message_of_an_action_that_has_ended_is_let_go(journal: SqlJournal) -> None:
    action = an_action()
    claim = await granted(journal, action)
    await journal.finish(done(action.id, claim.seq))
    assert not await journal.bury(ActionMessage(action=action), reason="delivery limit")
    assert await state_of(journal, action.id) is State.DONE


async def test_an_old_message_whose_action_was_cleared_away_starts_nothing(
    journal: SqlJournal,
) -> None:
    result = await journal.claim(a_claim(an_action(), seq=3))
    assert isinstance(result, NotGranted)
    assert (await journal.actions(ActionFilter())).actions == ()


async def test_leadership_is_held_by_one_and_passes_on_when_its_lease_ends(
    journal: SqlJournal, clock: ManualClock
) -> None:
    lease = timedelta(seconds=10)
    assert await journal.lead("scheduler", "one", lease)
    assert not await journal.lead("scheduler", "two", lease)
    clock.advance(timedelta(seconds=8))
    assert await journal.lead("scheduler", "one", lease)
    clock.advance(timedelta(seconds=11))
    assert await journal.lead("scheduler", "two", lease)


async def test_a_replayed_failure_from_memory_starts_a_new_generation(
    journal: SqlJournal,
) -> None:
    """The provider answered a failure from its memory: the same Request-ID would fail for ever."""
    action = an_action()
    claim = await granted(journal, action)
    await journal.finish(
        Finish(
            action_id=action.id,
            seq=claim.seq,
            state=State.WAITING,
            due_in=timedelta(0),
            renew=True,
            called=True,
            attempt=Attempt(started_at=NOON, took=SECOND, outcome="retry", duplicate=True),
        )
    )
    second = await granted(journal, action, seq=claim.seq)
    assert (second.generation, second.called_at) == (1, None)
