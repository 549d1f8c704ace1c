"""What was reported of texts, whatever the order it comes in; and calls that were done in part."""

from __future__ import annotations

from datetime import timedelta

from core.clock import ManualClock
from core.journal.port import ActionFilter, Asked, Awaited, Finish, Granted
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, Receipt
from tests.samples import NOON, a_claim, a_record, an_action

SENT, DELIVERED, FAILED = ("sent", 4, False), ("delivered", 9, True), ("failed", 5, True)


def told(kind: tuple[str, int, bool], reference: str = "77", provider: str = "sms") -> Receipt:
    stage, rank, final = kind
    return Receipt(
        provider=provider,
        reference=reference,
        stage=stage,
        rank=rank,
        meaning=f"the network says {stage}",
        final=final,
        at=NOON,
    )


async def send(journal: SqlJournal, action: Action, *, follow: timedelta | None = None) -> None:
    claim = await journal.claim(a_claim(action))
    assert isinstance(claim, Granted)
    finish = Finish(
        action_id=action.id, seq=claim.seq, state=State.DONE, reference="77", follow_in=follow
    )
    assert await journal.finish(finish)


async def shown(journal: SqlJournal, action: Action) -> Receipt | None:
    page = await journal.actions(ActionFilter(ref=action.ref))
    return page.actions[0].receipt


async def test_a_receipt_belongs_to_the_action_with_its_reference(journal: SqlJournal) -> None:
    action = an_action()
    await journal.record([a_record("o-1", action)])
    await send(journal, action)
    assert await shown(journal, action) is None
    assert len(await journal.receive([told(DELIVERED), told(SENT, provider="other")])) == 2
    report = await journal.event(action.ref)
    assert report is not None
    assert report.actions[0].receipt == told(DELIVERED)
    assert report.actions[0].state is State.DONE


async def test_a_receipt_may_come_before_the_answer_that_tells_the_reference(
    journal: SqlJournal,
) -> None:
    action = an_action()
    await journal.receive([told(SENT)])
    await send(journal, action, follow=timedelta(seconds=10))
    assert await shown(journal, action) == told(SENT)


async def test_repeats_and_disorder_change_nothing(journal: SqlJournal) -> None:
    action = an_action()
    await send(journal, action)
    assert await journal.receive([told(DELIVERED)]) == [told(DELIVERED)]
    assert await journal.receive([told(SENT), told(DELIVERED)]) == []
    assert await journal.receive([told(FAILED)]) == []
    assert await shown(journal, action) == told(DELIVERED)


async def test_a_failure_that_turns_out_delivered_is_delivered(journal: SqlJournal) -> None:
    action = an_action()
    await send(journal, action)
    await journal.receive([told(FAILED)])
    await journal.receive([told(DELIVERED)])
    assert await shown(journal, action) == told(DELIVERED)


async def test_a_receipt_that_is_awaited_is_asked_for_until_it_is_final(
    journal: SqlJournal, clock: ManualClock
) -> None:
    await send(journal, an_action(), follow=timedelta(seconds=10))
    assert await journal.receipts_due("sms", limit=10) == []
    clock.advance(timedelta(seconds=10))
    assert await journal.receipts_due("sms", limit=10) == [Awaited(reference="77", asked=0)]
    assert await journal.receipts_due("other", limit=10) == []
    unanswered = Asked(reference="77", again_in=timedelta(0), counts=False)
    await journal.asked("sms", [unanswered])
    assert await journal.receipts_due("sms", limit=10) == [Awaited(reference="77", asked=0)]
    await journal.asked("sms", [Asked(reference="77", again_in=timedelta(seconds=30))])
    assert await journal.receipts_due("sms", limit=10) == []
    clock.advance(timedelta(seconds=30))
    assert await journal.receipts_due("sms", limit=10) == [Awaited(reference="77", asked=1)]
    await journal.receive([told(DELIVERED)])
    await journal.asked("sms", [Asked(reference="77", again_in=timedelta(0))])
    assert await journal.receipts_due("sms", limit=10) == []


async def test_what_is_left_of_a_call_done_in_part_is_called_next(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """Of a batch, failed items alone are tried again, also by another worker."""
    action = an_action()
    first = await journal.claim(a_claim(action))
    assert isinstance(first, Granted)
    assert first.remaining is None
    left = {"data": [{"email": "ada@example.com"}]}
    finish = Finish(
        action_id=action.id,
        seq=first.seq,
        state=State.WAITING,
        due_in=timedelta(seconds=5),
        remaining=left,
        renew=True,
    )
    await journal.finish(finish)
    clock.advance(timedelta(seconds=5))
    (due,) = await journal.due(limit=10)
    again = await journal.claim(a_claim(action, seq=due.message.seq))
    assert isinstance(again, Granted)
    assert (again.remaining, again.generation) == (left, 1)
