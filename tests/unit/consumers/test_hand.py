"""How many actions a lane has in hand, and who may be claimed next."""

from __future__ import annotations

import asyncio

import pytest

from consumers.hand import Hand
from consumers.rates import Stopping
from core.messages import Lane


async def test_the_next_has_a_place_once_a_call_has_ended_recorded_or_not() -> None:
    hand, never = Hand(2, Lane.NORMAL), asyncio.Event()
    first, second = [await hand.place(never) for _ in range(2)]
    waiting = [asyncio.create_task(hand.place(never)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in waiting)
    with first:
        first.leave()
        async with asyncio.timeout(5):
            await waiting[0]
    await asyncio.sleep(0.01)
    assert not waiting[1].done(), "its end after it had left was taken for a second place"
    with second:
        pass
    async with asyncio.timeout(5):
        await waiting[1]
    waiting[2].cancel()


async def test_who_waits_when_the_process_stops_is_not_begun_and_takes_no_place() -> None:
    hand, stopping = Hand(1, Lane.NORMAL), asyncio.Event()
    place = await hand.place(stopping)
    waiting = [asyncio.create_task(hand.place(stopping)) for _ in range(3)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    stopping.set()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in told] == [asyncio.CancelledError, Stopping, Stopping]
    place.leave()
    async with asyncio.timeout(5):
        await hand.place(asyncio.Event())


async def test_a_place_that_was_given_to_somebody_who_is_gone_is_given_on() -> None:
    hand, never = Hand(1, Lane.NORMAL), asyncio.Event()
    place = await hand.place(never)
    first, second = (asyncio.create_task(hand.place(never)) for _ in range(2))
    for moment in range(6):
        await asyncio.sleep(0)
        if moment == 2:
            place.leave()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(5):
        await second


@pytest.mark.parametrize(
    ("lane", "rate", "most"),
    [
        (Lane.NORMAL, None, 40),
        (Lane.URGENT, None, 40),
        (Lane.BULK, None, 20),
        (Lane.NORMAL, 1000.0, 40),
        (Lane.NORMAL, 10.0, 25),
        (Lane.NORMAL, 0.1, 20),
    ],
)
def test_what_waits_for_a_rate_waits_where_any_process_could_have_it(
    lane: Lane, rate: float | None, most: int
) -> None:
    assert Hand(20, lane, rate=rate).most == most
