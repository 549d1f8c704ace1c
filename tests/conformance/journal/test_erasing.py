"""Erasing a person: nothing of them is left in any table, and nothing late brings them back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.journal import tables
from core.journal.engine import open_engines, transaction
from core.journal.operator import Again, Erasure, Selection
from core.journal.port import Attempt, Finish, Granted, NotGranted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, EventRecord, JsonObject, Receipt, encode_unread
from core.person import Person
from tests.samples import NOON, a_claim, a_record, an_action, sets

HOUR = timedelta(hours=1)
KEEP = 30 * timedelta(days=1)
PHONE = "+4915123456789"
EMAIL = "anna@example.com"
PERSON = Person(
    forms=frozenset({"phone 4915123456789", "phone 015123456789", f"mail {EMAIL}"}),
    texts=("4915123456789", "015123456789", EMAIL),
)
TRACES = ("15123456789", "1512345", "anna", "example.com", "Hello")
OTHERS: JsonObject = {"to": "+4915100000000", "text": "Good morning"}


def about(event_id: str = "o-1", *actions: Action, at: datetime = NOON) -> EventRecord:
    """An event that names the person twice: with the number as people write it."""
    record = a_record(event_id, *(actions or (an_action(event_id, at=at, recipient=PHONE),)))
    data: JsonObject = {
        "customer": {"phones": ["0151 / 234 567 89"]},
        "mail": "Anna@Example.com",
        "order": 7,
    }
    event = replace(record.event, time=at, received_at=at, subject=EMAIL, data=data)
    decision = tuple(replace(part, values={"data.mail": EMAIL}) for part in record.decision)
    return replace(record, event=event, decision=decision)


def of_another(event_id: str = "b-1") -> EventRecord:
    action = an_action(event_id, params=OTHERS, recipient="+4915100000000")
    return a_record(event_id, action, data={"phone": "+4915100000000"})


async def dump(url: str) -> str:
    """Every value of every table, as text."""
    engines = open_engines(url)
    try:
        async with transaction(engines.reading) as connection:
            found = [
                repr(tuple(row))
                for table in tables.metadata.sorted_tables
                for row in (await connection.execute(select(table))).all()
            ]
        return "\n".join(found)
    finally:
        await engines.dispose()


async def no_trace(url: str) -> None:
    found = await dump(url)
    assert [trace for trace in TRACES if trace in found] == []


async def forget(
    journal: SqlJournal, *, limit: int = 2, slices: int | None = None
) -> dict[str, State]:
    """The actions that were met, as they were last; after `slices` it is interrupted."""
    audit = await journal.begin_audit(who="ada", what="forget", wanted="{}")
    until = await journal.remember_erased(PERSON)
    found: dict[str, State] = {}
    after: str | None = None
    while slices is None or slices > 0:
        slice_ = await journal.erase(PERSON, until=until, audit=audit, after=after, limit=limit)
        found |= slice_.actions
        after = slice_.after
        slices = slices - 1 if slices is not None else None
        if after is None:
            await journal.end_audit(audit)
            break
    return found


async def preview(journal: SqlJournal, clock: ManualClock) -> list[Erasure]:
    found: list[Erasure] = []
    after: str | None = None
    while not found or after is not None:
        found.append(await journal.to_erase(PERSON, until=clock.now(), after=after, limit=2))
        after = found[-1].after
    return found


async def state_of(journal: SqlJournal, action: Action) -> tuple[State, str | None]:
    report = await journal.event(action.ref)
    assert report is not None
    (found,) = [each for each in report.actions if each.id == action.id]
    return found.state, found.reason


async def done(journal: SqlJournal, action: Action) -> None:
    granted = await journal.claim(a_claim(action, order_key="p", targets=sets("status")))
    assert isinstance(granted, Granted)
    attempt = Attempt(
        started_at=NOON, took=timedelta(seconds=1), outcome="done", reason=f"sent to {PHONE}"
    )
    finish = Finish(
        action_id=action.id,
        seq=granted.seq,
        state=State.DONE,
        attempt=attempt,
        reason=f"sent to {PHONE}",
        reference=f"r-{PHONE}",
        remaining={"to": PHONE},
    )
    assert await journal.finish(finish)
    receipt = Receipt(
        provider="sms",
        reference=f"r-{PHONE}",
        stage="delivered",
        rank=9,
        meaning="delivered",
        final=True,
        at=NOON,
    )
    await journal.receive([receipt])


async def test_an_erased_person_is_in_no_column_of_any_table(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    """Also where the event's own id tells who it is; counters, ids and other people stay."""
    sent = an_action(f"o-{EMAIL}", recipient=PHONE)
    parked = an_action("o-3", parked=f"rule welcome, to: {PHONE} is not a number", recipient=PHONE)
    await journal.record([about(f"o-{EMAIL}", sent), about("o-2"), about("o-3", parked)])
    await journal.record([of_another()])
    await done(journal, sent)
    unclaimed = an_action("o-4", recipient=PHONE)
    assert isinstance(await journal.claim(a_claim(unclaimed, order_key="q")), Granted)
    await journal.finish(
        Finish(action_id=unclaimed.id, seq=1, state=State.WAITING, due_in=HOUR, reason="later")
    )
    await journal.park_unreadable(f'{{"to": "{PHONE}"'.encode(), queue="q", reason="not JSON")
    wrapped = encode_unread("callback", "sms", b"to=%2B4915123456789&n=1", reason="odd")
    await journal.park_unreadable(wrapped, queue="q", reason="odd")
    before = await preview(journal, clock)
    assert sum(each.events for each in before) == 3
    assert sum(each.unreadable for each in before) == 2
    books = await journal.books()
    found = await forget(journal)
    assert sorted(found.values()) == ["done", "parked", "queued", "waiting"]
    assert found == {name: state for each in before for name, state in each.actions.items()}
    await no_trace(journal_url)
    after = await journal.books()
    assert (after.events, after.planned, after.rowless) == (books.events, books.planned, 0)
    assert await state_of(journal, sent) == (State.DONE, "erased")
    assert await state_of(journal, parked) == (State.CANCELLED, "erased")
    report = await journal.event(sent.ref)
    assert report is not None
    assert (report.record.event.erased, report.record.event.ref) == (True, sent.ref)
    assert [each.outcome for each in report.actions[0].attempts] == ["done"]
    assert await state_of(journal, an_action("b-1")) == (State.QUEUED, None)
    assert (await journal.audited(limit=9))[-1].done == 6


async def test_a_longer_number_is_another_one(journal: SqlJournal, clock: ManualClock) -> None:
    body = b'{"order": 4915123456789012, "id": "x015123456789"'
    await journal.park_unreadable(body, queue="q", reason="not JSON")
    await journal.record([a_record("o-1", an_action(params=OTHERS), data={"n": 491512345678901})])
    clock.advance(HOUR)
    assert await forget(journal) == {}
    assert (await journal.books()).states == {State.PARKED: 1, State.QUEUED: 1}


async def test_a_repeat_of_what_was_emptied_changes_nothing(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    await journal.record([about()])
    clock.advance(HOUR)
    await forget(journal)
    again = replace(about(), actions=(*about().actions, an_action(step="more", params=OTHERS)))
    recorded = await journal.record([again])
    assert (recorded.new_events, recorded.conflicting) == (0, ())
    await no_trace(journal_url)
    assert await state_of(journal, again.actions[1]) == (State.CANCELLED, "erased")
    for action in again.actions:
        assert isinstance(await journal.claim(a_claim(action)), NotGranted)
    await no_trace(journal_url)
    report = await journal.event(about().event.ref)
    assert report is not None
    assert (report.repeats, report.conflicts) == (1, 0)


async def test_what_happened_before_and_comes_after_is_not_written_down(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    clock.advance(HOUR)
    await forget(journal)
    late = about()
    recorded = await journal.record([late, of_another()])
    assert recorded.new_events == 2
    await no_trace(journal_url)
    assert await state_of(journal, late.actions[0]) == (State.CANCELLED, "erased")
    assert isinstance(await journal.claim(a_claim(late.actions[0])), NotGranted)
    assert isinstance(await journal.claim(a_claim(of_another().actions[0])), Granted)
    books = await journal.books()
    assert (books.events, books.planned, books.rowless) == (2, 2, 0)


@pytest.mark.parametrize("how", ["claim", "put back", "bury"])
async def test_a_message_without_a_row_comes_to_nothing(
    journal: SqlJournal, journal_url: str, clock: ManualClock, how: str
) -> None:
    clock.advance(HOUR)
    await forget(journal)
    late = an_action(recipient=PHONE)
    claim = a_claim(late, order_key="p", targets=sets("status"))
    if how == "put back":
        assert not await journal.put_back(claim.message, due_in=HOUR, reason="paused")
    if how == "bury":
        assert not await journal.bury(claim.message, reason="given up")
    result = await journal.claim(claim)
    assert isinstance(result, NotGranted)
    assert (result.state, result.stored) == (State.CANCELLED, None)
    await no_trace(journal_url)
    await journal.record([about()])
    await no_trace(journal_url)
    assert await state_of(journal, late) == (State.CANCELLED, "erased")


async def test_a_row_that_an_erasure_has_not_reached_is_not_claimed(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    """It was interrupted before it came there."""
    await journal.record([about()])
    clock.advance(HOUR)
    await forget(journal, slices=0)
    result = await journal.claim(a_claim(about().actions[0], order_key="p"))
    assert isinstance(result, NotGranted)
    assert (result.state, result.ended) == (State.CANCELLED, True)
    await forget(journal)
    await no_trace(journal_url)


async def test_what_happens_afterwards_is_new(journal: SqlJournal, clock: ManualClock) -> None:
    await journal.record([about()])
    clock.advance(HOUR)
    await forget(journal)
    clock.advance(HOUR)
    fresh = about("o-9", at=clock.now())
    await journal.record([fresh])
    assert isinstance(await journal.claim(a_claim(fresh.actions[0])), Granted)
    report = await journal.event(fresh.event.ref)
    assert report is not None
    assert report.record.event.data == fresh.event.data


async def test_an_interrupted_erasure_is_run_again(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    await journal.record([about(f"o-{number}") for number in range(7)])
    clock.advance(HOUR)
    first = await forget(journal, slices=2)
    assert 0 < len(first) < 7
    rest = await forget(journal)
    assert len(rest) == 7 - len(first)
    await no_trace(journal_url)
    assert await forget(journal) == {}


async def test_what_is_recorded_meanwhile_is_erased_too(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    """Whichever comes first: it finds what was written down, or is known to who writes it down."""
    clock.advance(HOUR)
    records = [about(f"o-{number}") for number in range(30)]
    await asyncio.gather(
        *(journal.record([record]) for record in records[:15]),
        forget(journal),
        *(journal.record([record]) for record in records[15:]),
    )
    assert (await journal.books()).states == {State.CANCELLED: 30}
    await no_trace(journal_url)


async def test_what_a_worker_has_in_hand_is_left_for_the_next_run(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    """Also what does not name the person itself: its event did."""
    both = (
        an_action(recipient=PHONE),
        an_action(step="staff", position=1, params={"to": "+4915100000000", "text": "Hello Anna"}),
    )
    await journal.record([about("o-1", *both)])
    claims = [await journal.claim(a_claim(action)) for action in both]
    assert all(isinstance(claim, Granted) for claim in claims)
    clock.advance(HOUR)
    assert list((await forget(journal)).values()) == [State.RUNNING, State.RUNNING]
    for action in both:
        assert await journal.finish(Finish(action_id=action.id, seq=1, state=State.DONE))
    assert list((await forget(journal)).values()) == [State.DONE, State.DONE]
    await no_trace(journal_url)


async def test_the_hash_goes_when_no_repeat_can_come_any_more(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    clock.advance(HOUR)
    await forget(journal)
    clock.advance(KEEP)
    kept = await journal.forget("erased", older_than=KEEP, after=None, limit=2)
    assert (kept.removed, kept.after) == (0, None)
    clock.advance(HOUR)
    removed, after = 0, None
    while True:
        slice_ = await journal.forget("erased", older_than=KEEP, after=after, limit=2)
        removed, after = removed + slice_.removed, slice_.after
        if after is None:
            break
    assert removed == len(PERSON.forms)
    await journal.record([about()])
    assert EMAIL in await dump(journal_url)


async def test_what_was_erased_is_not_done_again(journal: SqlJournal, clock: ManualClock) -> None:
    await journal.record([about()])
    clock.advance(HOUR)
    await forget(journal)
    selection = Selection(states=frozenset({State.CANCELLED}))
    (item,) = await journal.replayable(selection, after="", limit=10)
    assert item.action.erased
    audit = await journal.begin_audit(who="ada", what="replay", wanted="{}")
    again = Again(
        action=item.action, seq=item.seq, state=item.state, unknown=False, due_in=timedelta(0)
    )
    assert await journal.replay([again], audit=audit) == 0
