"""Texts that wait for a rate: what happens meanwhile counts for them too."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from consumers.carrier import Carrier
from consumers.http import Lease
from consumers.rotation import Turns
from core.clock import ManualClock
from core.errors import CallDropped, MaybeSent
from core.journal.operator import Pausable
from core.journal.states import State
from core.messages import Action
from tests.faults.stage import Stage, a_text, a_text_by_any_phone, message
from vendors.smsgateway24.rotation import DeviceRotation
from vendors.wire import Answer, Request

SENT = "addsms"
_SOON = 5.0


async def _two_waiting(
    stage: Stage, worker: Carrier
) -> tuple[list[Action], list[asyncio.Task[None]]]:
    """One text has taken all that the rate lets go, and two wait for more. The clock stands."""
    await stage.deliver(worker, message(a_text("sent")))
    waiting = [a_text(f"o-{n}") for n in range(2)]
    tasks = [asyncio.create_task(stage.deliver(worker, message(text))) for text in waiting]
    await asyncio.sleep(0.2)
    assert not any(task.done() for task in tasks)
    return waiting, tasks


async def _both_go_back(
    stage: Stage, waiting: list[Action], tasks: list[asyncio.Task[None]], reason: str
) -> None:
    async with asyncio.timeout(_SOON):
        await asyncio.gather(*tasks)
    stored = [await stage.stored(text) for text in waiting]
    assert [(found.state, found.reason) for found in stored] == [(State.WAITING, reason)] * 2
    assert len(await stage.effects(SENT)) == 1


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        (Pausable.RULE, "welcome", "its rule is paused"),
        (Pausable.PROVIDER, "sms", "its provider is paused"),
    ],
)
async def test_what_is_paused_while_it_waits_is_not_sent(
    stage: Stage, kind: Pausable, name: str, reason: str
) -> None:
    """A wrong campaign stops within seconds, also what of it is in hand already."""
    worker = await stage.sms(rate="1/m")
    waiting, tasks = await _two_waiting(stage, worker)
    await stage.journal.pause(kind, name, who="an operator")
    serving = asyncio.create_task(stage.pauses.serve(stage.stopping))
    try:
        await _both_go_back(stage, waiting, tasks, reason)
    finally:
        stage.stopping.set()
        await serving


async def test_what_waits_is_not_sent_once_the_provider_refuses_us(stage: Stage) -> None:
    worker = await stage.sms(rate="1/m")
    waiting, tasks = await _two_waiting(stage, worker)
    stage.breakers[0].refused_us("another")
    await _both_go_back(stage, waiting, tasks, "the provider is not called now")


async def test_a_text_whose_phone_is_not_found_out_in_time_waits(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was never called: no worker's end is to be suspected behind it."""
    worker = await stage.sms(device_id=(260, 261), pick="online")
    text = a_text_by_any_phone("o-1")

    async def too_late(_: Turns, __: Lease) -> None:
        raise CallDropped("the lease no longer covers the call")

    monkeypatch.setattr(Turns, "next", too_late)
    await stage.deliver(worker, message(text))
    stored = await stage.stored(text)
    assert (stored.state, stored.attempts) == (State.WAITING, ())
    assert stored.reason == "which phone could send it was not found out in time"


async def test_a_look_that_hangs_is_not_repeated_by_each_that_waits_for_it(stage: Stage) -> None:
    clock = ManualClock()
    provider = stage.sms_provider(device_id=(260, 261), pick="online")

    class Hanging:
        calls = 0

        async def call(self, _: Request, *, within: timedelta, lease: Lease) -> Answer:
            self.calls += 1
            clock.advance(timedelta(seconds=10))
            raise MaybeSent("no answer in time")

    caller = Hanging()
    turns = Turns(
        "sms",
        provider,
        DeviceRotation(),
        caller,
        clock=clock,
        doubt_token=lambda: None,
    )
    lease = Lease(until=clock.monotonic() + 30)
    assert await asyncio.gather(*(turns.next(lease) for _ in range(5))) == [None] * 5
    assert caller.calls == 1
