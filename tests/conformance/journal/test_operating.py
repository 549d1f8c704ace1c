"""What operators do: previews that count right, cancelling, doing again, pauses, the audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.clock import ManualClock
from core.journal.operator import Again, Pausable, Replayable, Selection
from core.journal.port import ActionFilter, Finish, Granted, NotGranted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, Lane
from tests.samples import NOON, a_claim, a_record, an_action

HOUR = timedelta(hours=1)
PARKED = frozenset({State.PARKED})
OPEN_ONES = frozenset({State.QUEUED, State.WAITING, State.PARKED})


async def claimed(journal: SqlJournal, action: Action, *, seq: int = 0) -> Granted:
    claim = await journal.claim(a_claim(action, seq=seq))
    assert isinstance(claim, Granted)
    return claim


async def ended(
    journal: SqlJournal, action: Action, state: State, *, unknown: bool = False
) -> None:
    claim = await claimed(journal, action)
    finish = Finish(action_id=action.id, seq=claim.seq, state=state, unknown=unknown)
    assert await journal.finish(finish)


async def state_of(journal: SqlJournal, action: Action) -> State:
    page = await journal.actions(ActionFilter(ref=action.ref))
    return next(found.state for found in page.actions if found.id == action.id)


async def audit(journal: SqlJournal) -> int:
    return await journal.begin_audit(who="ada", what="test", wanted="{}")


def again(item: Replayable, *, anew: bool = False) -> Again:
    return Again(
        action=item.action,
        seq=item.seq,
        state=item.state,
        unknown=item.unknown,
        due_in=timedelta(0),
        anew=anew,
    )


async def replayed(
    journal: SqlJournal, selection: Selection, *, anew: bool = False
) -> tuple[list[Replayable], int]:
    found = await journal.replayable(selection, after="", limit=100)
    items = [again(item, anew=anew) for item in found]
    return found, await journal.replay(items, audit=await audit(journal))


async def test_a_preview_counts_what_is_named_what_is_wanted_and_what_is_too_late(
    journal: SqlJournal, clock: ManualClock
) -> None:
    late = an_action("late", expires_at=NOON + HOUR)
    await ended(journal, late, State.PARKED)
    await ended(journal, an_action("parked"), State.PARKED)
    await ended(journal, an_action("unclear"), State.PARKED, unknown=True)
    await ended(journal, an_action("done"), State.DONE)
    await ended(journal, an_action("other", provider="altcraft"), State.PARKED)
    clock.advance(2 * HOUR)
    found = await journal.preview(Selection(states=PARKED, provider="sms"))
    assert found.states == {State.PARKED: 3, State.DONE: 1}
    assert (found.wanted, found.expired, found.unknown) == (3, 1, 1)


async def test_what_is_queued_waiting_or_parked_is_cancelled_and_never_called(
    journal: SqlJournal,
) -> None:
    queued, waiting, parked, running, done = (
        an_action(name) for name in ("queued", "waiting", "parked", "running", "done")
    )
    await journal.record([a_record("queued", queued)])
    claim = await claimed(journal, waiting)
    await journal.finish(
        Finish(action_id=waiting.id, seq=claim.seq, state=State.WAITING, due_in=HOUR)
    )
    await ended(journal, parked, State.PARKED)
    hold = await claimed(journal, running)
    await ended(journal, done, State.DONE)
    selection = Selection(states=OPEN_ONES, rule="welcome")
    number = await audit(journal)
    assert await journal.cancel(selection, audit=number, limit=2) == 2
    assert await journal.cancel(selection, audit=number, limit=2) == 1
    assert await journal.cancel(selection, audit=number, limit=2) == 0
    assert [await state_of(journal, it) for it in (queued, waiting, parked)] == [
        State.CANCELLED
    ] * 3
    assert await state_of(journal, done) is State.DONE
    # The message that was on its way, and the call that was under way.
    assert isinstance(await journal.claim(a_claim(queued)), NotGranted)
    assert await journal.finish(Finish(action_id=running.id, seq=hold.seq, state=State.DONE)), (
        "a call under way is not cancelled"
    )
    (told,) = await journal.audited(limit=10)
    assert (told.who, told.done) == ("ada", 3)


async def test_a_parked_action_is_done_again_as_a_call_of_its_own(journal: SqlJournal) -> None:
    action = an_action()
    await journal.record([a_record("o-1", action)])
    await ended(journal, action, State.PARKED)
    found, count = await replayed(journal, Selection(states=PARKED))
    assert count == 1
    assert found[0].event is not None
    assert found[0].event.id == "o-1"
    (due,) = await journal.due(limit=10)
    claim = await claimed(journal, action, seq=due.message.seq)
    assert (claim.generation, claim.attempts, claim.unknown) == (1, 0, False)


async def test_what_may_have_happened_is_found_out_first_under_its_own_tag(
    journal: SqlJournal,
) -> None:
    """A new generation would carry a new tag, and the text that was sent would not be found."""
    action = an_action()
    await ended(journal, action, State.PARKED, unknown=True)
    await replayed(journal, Selection(states=PARKED))
    (due,) = await journal.due(limit=10)
    claim = await claimed(journal, action, seq=due.message.seq)
    assert (claim.generation, claim.unknown) == (0, True)


async def test_a_person_may_have_it_made_anew_all_the_same(journal: SqlJournal) -> None:
    action = an_action()
    await ended(journal, action, State.PARKED, unknown=True)
    await replayed(journal, Selection(states=PARKED), anew=True)
    (due,) = await journal.due(limit=10)
    claim = await claimed(journal, action, seq=due.message.seq)
    assert (claim.generation, claim.unknown) == (1, False)


async def test_a_replay_done_twice_counts_once(journal: SqlJournal) -> None:
    """Two operators, or one whose command was interrupted and begun again."""
    await ended(journal, an_action(), State.PARKED)
    found = await journal.replayable(Selection(states=PARKED), after="", limit=10)
    items = [again(item) for item in found]
    assert await journal.replay(items, audit=await audit(journal)) == 1
    assert await journal.replay(items, audit=await audit(journal)) == 0


async def test_what_has_expired_is_not_done_again(journal: SqlJournal, clock: ManualClock) -> None:
    await ended(journal, an_action(expires_at=NOON + HOUR), State.PARKED)
    clock.advance(2 * HOUR)
    assert await journal.replayable(Selection(states=PARKED), after="", limit=10) == []


async def test_an_action_planned_anew_is_carried_out_as_it_was_planned_then(
    journal: SqlJournal,
) -> None:
    """Its rule had failed; now the rule is mended."""
    failed = an_action(parked="rule welcome, with.to: data.phone is missing", params={})
    await journal.record([a_record("o-1", failed)])
    (item,) = await journal.replayable(Selection(states=PARKED), after="", limit=10)
    mended = an_action(recipient="+4915123456789")
    await journal.replay(
        [
            Again(
                action=mended,
                seq=item.seq,
                state=item.state,
                unknown=item.unknown,
                due_in=timedelta(0),
            )
        ],
        audit=await audit(journal),
    )
    (due,) = await journal.due(limit=10)
    assert due.message.action == mended
    assert isinstance(await journal.claim(a_claim(mended, seq=due.message.seq)), Granted)
    page = await journal.actions(ActionFilter(to="+4915123456789"))
    assert [found.id for found in page.actions] == [mended.id]


async def test_a_pause_stands_until_somebody_resumes(journal: SqlJournal) -> None:
    assert await journal.paused() == frozenset()
    await journal.pause(Pausable.PROVIDER, "sms", who="ada")
    await journal.pause(Pausable.PROVIDER, "sms", who="bob")
    await journal.pause(Pausable.RULE, "welcome", who="bob")
    assert await journal.paused() == {("provider", "sms"), ("rule", "welcome")}
    assert [pause.paused_by for pause in await journal.pauses()] == ["ada", "bob"]
    assert await journal.resume(Pausable.PROVIDER, "sms", who="ada")
    assert not await journal.resume(Pausable.PROVIDER, "sms", who="ada")
    assert [told.what for told in await journal.audited(limit=10)] == [
        "resume",
        "pause",
        "pause",
        "pause",
    ]


async def test_breakers_are_shown_for_as_long_as_somebody_speaks_for_them(
    journal: SqlJournal, clock: ManualClock
) -> None:
    for state in ("open", "closed"):
        await journal.tell_breaker(
            provider="sms", owner="w1", state=state, cause="5 actions failed", since=clock.now()
        )
    await journal.tell_breaker(
        provider="sms", owner="w2", state="open", cause="x" * 900, since=clock.now()
    )
    seen = await journal.breakers()
    assert [(it.owner, it.state) for it in seen] == [("w1", "closed"), ("w2", "open")]
    clock.advance(timedelta(minutes=2))
    assert await journal.breakers() == []


async def test_the_oldest_open_action_of_each_lane_is_told(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await journal.record([a_record("o-1")])
    clock.advance(HOUR)
    await journal.record([a_record("o-2")])
    await ended(journal, an_action("o-3"), State.PARKED)
    told = {(it.state, it.count, it.since) for it in await journal.oldest()}
    assert told == {(State.QUEUED, 2, NOON), (State.PARKED, 1, NOON + HOUR)}


def test_the_audit_does_not_keep_whom_a_selection_was_about() -> None:
    shown = Selection(states=PARKED, to="+4915123456789", ids=("ac_1",)).shown()
    assert shown == {"states": ["parked"], "ids": ["ac_1"], "to": "***"}


async def test_a_mended_rule_may_have_moved_an_action_to_another_lane(journal: SqlJournal) -> None:
    """Where it is looked for when its message is lost is where it is published."""
    await journal.record([a_record("o-1", an_action(parked="rule welcome, when: gone"))])
    (item,) = await journal.replayable(Selection(states=PARKED), after="", limit=10)
    mended = an_action(lane=Lane.URGENT, provider="other", expires_at=NOON + HOUR)
    await journal.replay(
        [
            Again(
                action=mended,
                seq=item.seq,
                state=item.state,
                unknown=item.unknown,
                due_in=timedelta(0),
            )
        ],
        audit=await audit(journal),
    )
    page = await journal.actions(ActionFilter(ref=mended.ref))
    assert [(it.provider, it.lane) for it in page.actions] == [("other", "urgent")]
    assert await journal.mark_queued(await journal.due(limit=10)) == 1
    (lost,) = await journal.lost(
        provider="other", lane="urgent", older_than=timedelta(0) - HOUR, limit=10
    )
    assert lost.message.action == mended


async def test_only_what_has_not_changed_since_is_meant(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """What a replay brought back to `done` is not done once more by the same one."""
    await ended(journal, an_action("before"), State.DONE)
    clock.advance(HOUR)
    moment = clock.now()
    await ended(journal, an_action("after"), State.DONE)
    selection = Selection(states=frozenset({State.DONE}), changed_before=moment)
    preview = await journal.preview(selection)
    assert (preview.states, preview.wanted) == ({State.DONE: 2}, 1)
    found, count = await replayed(journal, selection)
    assert ([item.action.event_id for item in found], count) == (["before"], 1)


async def test_how_long_a_replay_goes_on_is_told_for_what_it_is_about(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await ended(journal, an_action(), State.PARKED)
    (item,) = await journal.replayable(Selection(states=PARKED), after="", limit=10)
    await journal.replay([replace(again(item), due_in=HOUR)], audit=await audit(journal))
    clock.advance(HOUR / 4)
    assert (await journal.preview(Selection(states=PARKED))).replayed_for == 3 * HOUR / 4
    other = Selection(states=PARKED, provider="altcraft")
    assert (await journal.preview(other)).replayed_for == timedelta(0)


async def test_what_is_done_is_done_again_whole(journal: SqlJournal) -> None:
    """An action that was carried out in parts remembers what was left; done, that is nothing."""
    action = an_action()
    first = await claimed(journal, action)
    part = Finish(
        action_id=action.id,
        seq=first.seq,
        state=State.WAITING,
        due_in=timedelta(0),
        remaining={"items": [2]},
    )
    assert await journal.finish(part)
    (due,) = await journal.due(limit=10)
    rest = await claimed(journal, action, seq=due.message.seq)
    assert rest.remaining == {"items": [2]}
    await journal.finish(Finish(action_id=action.id, seq=rest.seq, state=State.DONE))
    await replayed(journal, Selection(states=frozenset({State.DONE})))
    (due,) = await journal.due(limit=10)
    assert (await claimed(journal, action, seq=due.message.seq)).remaining is None


async def test_what_cannot_be_read_is_cancelled_by_its_id_alone(journal: SqlJournal) -> None:
    name = await journal.park_unreadable(b"\x00", queue="postern.sms.bulk", reason="not JSON")
    everything = Selection(states=OPEN_ONES, since=NOON - HOUR)
    assert (await journal.preview(everything)).wanted == 0
    assert await journal.replayable(Selection(states=PARKED, ids=(name,)), after="", limit=9) == []
    by_id = Selection(states=OPEN_ONES, ids=(name,))
    assert await journal.cancel(by_id, audit=await audit(journal), limit=10) == 1
    assert (await journal.preview(by_id)).states == {State.CANCELLED: 1}


async def test_the_rules_of_the_newest_event_are_told(
    journal: SqlJournal, clock: ManualClock
) -> None:
    assert await journal.newest_rules() is None
    await journal.record([replace(a_record("o-1"), rules_version="old")])
    clock.advance(HOUR)
    await journal.record([replace(a_record("o-2"), rules_version="new")])
    assert await journal.newest_rules() == "new"


async def test_the_books_are_told_by_source_and_provider(journal: SqlJournal) -> None:
    await ended(journal, an_action("o-1"), State.DONE)
    await journal.record([a_record("o-2"), a_record("o-3", an_action("o-3", provider="altcraft"))])
    books = await journal.books()
    assert books.parts == {
        ("shop", "sms", State.DONE): 1,
        ("shop", "sms", State.QUEUED): 1,
        ("shop", "altcraft", State.QUEUED): 1,
    }
    assert books.states == {State.DONE: 1, State.QUEUED: 2}
