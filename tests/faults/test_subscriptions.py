"""Consent never goes backwards, and a set operation is repeated safely: the schedules against
it."""

from __future__ import annotations

from typing import Any

import pytest

from core.journal.states import State
from tests.faults.stage import Stage, an_update, message

SET = "subscriptions/set"


async def calls(stage: Stage) -> list[dict[str, Any]]:
    return [effect["params"] for effect in await stage.effects(SET)]


@pytest.mark.fault(37)
async def test_a_subscription_that_comes_late_does_not_undo_an_unsubscription(
    stage: Stage,
) -> None:
    """Subscribed at :00 (its first call fails), unsubscribed at :01, then the retry of :00."""
    worker = await stage.altcraft()
    subscribe = an_update("subscribe", minute=0, status="subscribed")
    unsubscribe = an_update("unsubscribe", minute=1, status="unsubscribed")
    await stage.fault(SET, "status", status=503, times=1)
    await stage.deliver(worker, message(subscribe))
    await stage.deliver(worker, message(unsubscribe))
    await stage.pass_time(60)
    await stage.deliver_due(worker)
    assert [call["status"] for call in await calls(stage)] == ["unsubscribed"]
    assert (await stage.stored(subscribe)).state is State.SUPERSEDED


async def test_an_older_event_still_sets_what_nothing_newer_has_set(stage: Stage) -> None:
    worker = await stage.altcraft()
    older = an_update("older", minute=0, status="subscribed", priority=3)
    newer = an_update("newer", minute=1, status="unsubscribed")
    await stage.deliver(worker, message(newer))
    await stage.deliver(worker, message(older))
    first, second = await calls(stage)
    assert first["status"] == "unsubscribed"
    assert second["priority"] == 3
    assert "status" not in second


async def test_a_call_that_may_still_land_keeps_the_next_one_of_its_profile_back(
    stage: Stage,
) -> None:
    """The first call timed out; the provider may apply it seconds later. The newer word must come
    last."""
    worker = await stage.altcraft()
    first = an_update("first", minute=0, status="subscribed")
    second = an_update("second", minute=1, status="unsubscribed")
    await stage.fault(SET, "drop-before", times=1)
    await stage.deliver(worker, message(first))
    await stage.deliver(worker, message(second))
    assert await calls(stage) == []
    assert (await stage.stored(second)).state is State.WAITING
    for _ in range(4):
        await stage.pass_time(45)
        await stage.deliver_due(worker)
    assert (await calls(stage))[-1]["status"] == "unsubscribed"
    assert (await stage.stored(second)).state is State.DONE
    assert (await stage.stored(first)).state is State.SUPERSEDED


async def test_another_profile_does_not_wait_unless_it_has_the_same_address(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.fault(SET, "drop-before", times=1)
    await stage.deliver(worker, message(an_update("first", status="subscribed")))
    other = an_update("other", profile="p2", email="bob@example.com", status="subscribed")
    await stage.deliver(worker, message(other))
    assert (await stage.stored(other)).state is State.DONE
    same = an_update("same", profile="p3", status="subscribed")
    await stage.deliver(worker, message(same))
    assert (await stage.stored(same)).state is State.WAITING, "one address is one subscription"


async def test_a_repeat_of_an_unknown_call_carries_the_same_request_id(stage: Stage) -> None:
    """The provider recognises it and fires no trigger twice."""
    worker = await stage.altcraft()
    await stage.fault(SET, "drop-after-effect", times=1)
    action = an_update("o-1", status="subscribed")
    await stage.deliver(worker, message(action))
    await stage.pass_time(40)
    await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.DONE
    assert len(await calls(stage)) == 1, "the repeat was answered from memory"


async def test_a_failure_from_the_providers_memory_is_not_asked_for_again(stage: Stage) -> None:
    """The first answer, a 500, is remembered for a day: only a new Request-ID gets a new answer."""
    worker = await stage.altcraft()
    await stage.fault(SET, "status-after-effect", status=500, times=1)
    action = an_update("o-1", status="subscribed")
    await stage.deliver(worker, message(action))
    for _ in range(4):
        await stage.pass_time(40)
        await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.DONE


async def test_an_error_in_the_body_of_a_200_is_a_refusal(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.fault(SET, "error-body", status=400, times=1, message="incorrect request")
    action = an_update("o-1", status="subscribed")
    await stage.deliver(worker, message(action))
    stored = await stage.stored(action)
    assert stored.state is State.PARKED
    assert "incorrect request" in (stored.reason or "")


async def test_the_books_balance_after_all_of_it(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.fault(SET, "status", status=503, times=2)
    for n in range(5):
        await stage.deliver(worker, message(an_update(f"o-{n}", minute=n, priority=n)))
    for _ in range(6):
        await stage.pass_time(45)
        await stage.deliver_due(worker)
    books = await stage.journal.books()
    assert books.accepted == sum(books.states.values()) == 5
    assert set(books.states) <= {State.DONE, State.SUPERSEDED}
