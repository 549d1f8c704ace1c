"""A provider that is down, or refuses us, hurts nobody but itself and costs no attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from consumers.breaker import BreakerState
from core.errors import JournalUnavailable
from core.journal.states import State
from tests.faults.stage import Stage, a_text, an_update, message

SENT = "addsms"


async def test_failures_of_several_actions_open_it_and_no_further_attempt_is_burnt(
    stage: Stage,
) -> None:
    worker = await stage.sms()
    await stage.fault(SENT, "status", status=503)
    actions = [a_text(f"o-{n}") for n in range(8)]
    for action in actions:
        await stage.deliver(worker, message(action))
    assert stage.breakers[0].state is BreakerState.OPEN
    stored = [await stage.stored(action) for action in actions]
    assert {found.state for found in stored} == {State.WAITING}
    assert [found.reason for found in stored[5:]] == ["the provider is not called now"] * 3


async def test_one_action_that_keeps_failing_opens_nothing(stage: Stage) -> None:
    worker = await stage.sms(retry=("1s",) * 9)
    await stage.fault(SENT, "status", status=503, match={"body": "Order bad"})
    bad, good = a_text("bad"), a_text("good")
    await stage.deliver(worker, message(bad))
    for _ in range(7):
        await stage.pass_time(2)
        await stage.deliver_due(worker)
    await stage.deliver(worker, message(good))
    assert stage.states == [], "it never opened"
    assert (await stage.stored(good)).state is State.DONE


async def test_half_open_tries_one_after_another_and_closes_on_success(stage: Stage) -> None:
    worker = await stage.sms()
    await stage.fault(SENT, "status", status=503, times=6)
    actions = [a_text(f"o-{n}") for n in range(6)]
    for action in actions:
        await stage.deliver(worker, message(action))
    for _ in range(12):
        await stage.pass_time(70)
        await stage.deliver_due(worker)
    assert {(await stage.stored(action)).state for action in actions} == {State.DONE}
    assert [state for state, _ in stage.states] == [
        BreakerState.OPEN,
        BreakerState.OPEN,
        BreakerState.CLOSED,
    ]


async def test_a_probe_that_meets_an_absent_journal_does_not_keep_it_half_open(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its message goes back to the broker, and another process may get it: others probe then."""
    worker = await stage.sms()
    await stage.fault(SENT, "status", status=503, times=5)
    for n in range(5):
        await stage.deliver(worker, message(a_text(f"o-{n}")))
    stage.clock.advance(timedelta(seconds=6))

    async def away(_: object) -> None:
        raise JournalUnavailable("away")

    with monkeypatch.context() as outage:
        outage.setattr(stage.journal, "claim", away)
        with pytest.raises(JournalUnavailable):
            await stage.deliver(worker, message(a_text("gone to another process")))
    await stage.deliver(worker, message(a_text("next")))
    assert stage.breakers[0].state is BreakerState.CLOSED


@pytest.mark.fault(23)
async def test_while_it_is_down_the_list_of_retries_is_not_used_up(stage: Stage) -> None:
    """An hour of failing probes parks nothing."""
    worker = await stage.sms(retry=("1s",))
    await stage.fault(SENT, "status", status=503)
    actions = [a_text(f"o-{n}") for n in range(5)]
    for action in actions:
        await stage.deliver(worker, message(action))
    for _ in range(30):
        await stage.pass_time(70)
        await stage.deliver_due(worker)
    assert {(await stage.stored(action)).state for action in actions} == {State.WAITING}


@pytest.mark.fault(22)
async def test_a_refused_token_pauses_the_provider_and_parks_nothing(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.fault("subscriptions/set", "status", status=401, times=1)
    first, second = an_update("o-1", priority=1), an_update("o-2", profile="p2", priority=2)
    await stage.deliver(worker, message(first))
    await stage.deliver(worker, message(second))
    assert stage.states == [(BreakerState.OPEN, "our token is refused (401)")]
    assert (await stage.stored(second)).state is State.WAITING
    for _ in range(3):
        await stage.pass_time(70)
        await stage.deliver_due(worker)
    assert (await stage.stored(first)).state is State.DONE
    assert (await stage.stored(second)).state is State.DONE


@pytest.mark.fault(22)
async def test_a_forbidden_operation_rests_and_the_provider_goes_on(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.fault("subscriptions/set", "status", status=403, times=1)
    first, second = an_update("o-1", priority=1), an_update("o-2", profile="p2", priority=2)
    await stage.deliver(worker, message(first))
    await stage.deliver(worker, message(second))
    assert stage.breakers[0].state is BreakerState.CLOSED
    assert stage.breakers[0].rest_left("subscriptions/set") > timedelta(0)
    assert (await stage.stored(second)).reason == "its operation rests (403)"
    await stage.pass_time(70)
    await stage.deliver_due(worker)
    assert (await stage.stored(first)).state is State.DONE
    assert (await stage.stored(second)).state is State.DONE
