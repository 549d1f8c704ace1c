"""The clock jumps, as one does that was wrong and is set right: nothing is sent twice, nothing is
forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.journal.states import State
from tests.faults.stage import Stage, a_text, an_update, message

JUMPS = [timedelta(minutes=10), timedelta(minutes=-10), timedelta(hours=1), timedelta(hours=-1)]


@pytest.mark.fault(27)
@pytest.mark.parametrize("jump", JUMPS)
async def test_a_jump_while_an_action_waits_delays_it_at_most(
    jump: timedelta, stage: Stage
) -> None:
    worker = await stage.sms()
    await stage.deliver(worker, message(a_text("earlier")))
    await stage.fault("addsms", "drop-after-effect", times=1)
    action = a_text()
    await stage.deliver(worker, message(action))
    stage.clock.jump(jump)
    for _ in range(4):
        await stage.pass_time(abs(jump.total_seconds()) / 2 + 31)
        await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.DONE
    assert len(await stage.effects("addsms")) == 2


@pytest.mark.fault(27)
@pytest.mark.parametrize("jump", JUMPS)
async def test_a_jump_during_a_call_makes_no_second_text(
    jump: timedelta, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward, the lease seems to have run out and the action is taken over while its first worker
    is still at it."""
    one, other = await stage.sms(), await stage.sms()
    await stage.deliver(other, message(a_text("earlier")))
    finish = stage.journal.finish

    async def jumped(outcome: object) -> bool:
        monkeypatch.setattr(stage.journal, "finish", finish)
        stage.clock.jump(jump)
        await stage.pass_time(1)
        await stage.deliver_due(other)
        await stage.pass_time(31)
        await stage.deliver_due(other)
        return await finish(outcome)  # type: ignore[arg-type]

    monkeypatch.setattr(stage.journal, "finish", jumped)
    action = a_text()
    await stage.deliver(one, message(action))
    for _ in range(4):
        await stage.pass_time(abs(jump.total_seconds()) / 2 + 31)
        await stage.deliver_due(other)
    assert (await stage.stored(action)).state is State.DONE
    assert len(await stage.effects("addsms")) == 2


@pytest.mark.fault(27)
@pytest.mark.parametrize("jump", JUMPS)
async def test_order_is_by_the_events_and_no_jump_changes_it(jump: timedelta, stage: Stage) -> None:
    worker = await stage.altcraft()
    older = an_update("e-1", minute=1, status="subscribed")
    newer = an_update("e-2", minute=2, status="unsubscribed")
    await stage.deliver(worker, message(newer))
    stage.clock.jump(jump)
    await stage.deliver(worker, message(older))
    assert (await stage.stored(newer)).state is State.DONE
    assert (await stage.stored(older)).state is State.SUPERSEDED
