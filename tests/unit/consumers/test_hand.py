"""How many actions a lane has in hand: claimed ahead of calls that are fast, not of slow ones."""

from __future__ import annotations

import asyncio

import pytest

from consumers.hand import AHEAD, PATIENCE, Hand, Turn
from consumers.rates import Stopping
from core.clock import ManualClock

CALLS = 2


async def test_so_many_are_with_the_provider_and_more_are_claimed_meanwhile() -> None:
    hand, never = Hand(CALLS, ManualClock()), asyncio.Event()
    turns = [await hand.begin(never) for _ in range(CALLS * (1 + AHEAD))]
    calling = [asyncio.create_task(_enter(turn)) for turn in turns]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [task.done() for task in calling].count(True) == CALLS
    assert hand.most == len(turns)
    for task in calling:
        task.cancel()


async def test_the_next_begins_in_turn_once_a_call_has_ended_recorded_or_not() -> None:
    hand, never = Hand(CALLS, ManualClock()), asyncio.Event()
    turns = [await hand.begin(never) for _ in range(hand.most)]
    waiting = [asyncio.create_task(hand.begin(never)) for _ in range(2)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in waiting)
    async with turns[0].calling():
        pass
    async with asyncio.timeout(5):
        await waiting[0]
    assert not waiting[1].done()
    with turns[0]:
        pass  # its end is no second place
    with turns[1]:
        pass
    async with asyncio.timeout(5):
        await waiting[1]


async def test_of_a_slow_provider_no_more_are_claimed_than_have_their_call_soon() -> None:
    clock, never = ManualClock(), asyncio.Event()
    hand = Hand(CALLS, clock)
    for _ in range(50):
        async with (await hand.begin(never)).calling():
            clock.advance(PATIENCE * 10)
    for _ in range(CALLS):
        await hand.begin(never)
    waiting = asyncio.create_task(hand.begin(never))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()


async def test_who_waits_when_the_process_stops_is_not_begun_and_takes_no_place() -> None:
    hand, stopping = Hand(1, ManualClock()), asyncio.Event()
    turns = [await hand.begin(stopping) for _ in range(hand.most)]
    waiting = [asyncio.create_task(hand.begin(stopping)) for _ in range(3)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    stopping.set()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in told] == [asyncio.CancelledError, Stopping, Stopping]
    for turn in turns:
        with turn:
            pass
    again = asyncio.Event()
    async with asyncio.timeout(5):
        assert len([await hand.begin(again) for _ in range(hand.most)]) == hand.most


async def test_a_place_that_was_given_to_somebody_who_is_gone_is_given_on() -> None:
    hand, never = Hand(1, ManualClock()), asyncio.Event()
    turns = [await hand.begin(never) for _ in range(hand.most)]
    first, second = (asyncio.create_task(hand.begin(never)) for _ in range(2))
    await asyncio.sleep(0.01)
    with turns[0]:
        pass
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(5):
        await second


async def _enter(turn: Turn) -> None:
    """With the provider for as long as the task is not asked for."""
    await turn.calling().__aenter__()
