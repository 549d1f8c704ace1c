"""What a lane has in hand: some actions with the provider, more on their way to and from the
journal, so that claims and outcomes of many share a transaction.

What must not go in: how many calls a lane may make (see `limits`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self

from consumers.rates import Stopping
from consumers.waiting import first_of
from core.clock import Clock

AHEAD = 3
"""Actions beside each one that is with the provider."""

PATIENCE = timedelta(milliseconds=500)
"""So long a claimed action may have to wait for its call. It is under a lease by then, and whoever
kills this process leaves it to be looked for: with a slow provider, few are claimed ahead."""

_WEIGHT = 0.2
"""Of the newest call, in what a call takes."""


class Hand:
    """`calls`: how many may be with the provider at a time."""

    def __init__(self, calls: int, clock: Clock) -> None:
        self.most = calls * (1 + AHEAD)
        """Messages that are worth holding."""
        self.calls = calls
        self._free = asyncio.Semaphore(calls)
        self._clock = clock
        self._begun = 0
        self._took = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def begin(self, stopping: asyncio.Event) -> Turn:
        """Wait until one more action may be claimed. Raises Stopping if the process stops first."""
        if self._waiting or not self._has_room():
            await self._wait_for_room(stopping)
        else:
            self._begun += 1
        return Turn(self)

    async def _wait_for_room(self, stopping: asyncio.Event) -> None:
        """In the order in which they came. Returns with the place taken."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await first_of(_given(place), stopping.wait())
        except BaseException:
            if place.done() and not place.cancelled():
                self.ended()
            raise
        finally:
            place.cancel()
        if place.cancelled():
            raise Stopping

    def _has_room(self) -> bool:
        return self._begun < self.calls + self._ahead()

    def _ahead(self) -> int:
        """As many as will have their call within the patience, by what calls took lately."""
        most = self.calls * AHEAD
        if not self._took:
            return most
        return min(most, int(self.calls * PATIENCE.total_seconds() / self._took))

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        async with self._free:
            started = self._clock.monotonic()
            try:
                yield
            finally:
                took = self._clock.monotonic() - started
                self._took += _WEIGHT * (took - self._took)

    def ended(self) -> None:
        self._begun -= 1
        while self._waiting and self._has_room():
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                self._begun += 1


async def _given(place: asyncio.Future[None]) -> None:
    await place


class Turn:
    """One action that was begun. Used as a context manager, for as long as it may still call."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._hand.ended()

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """With the provider; then the next action may begin, although this one's outcome is not
        recorded yet."""
        try:
            async with self._hand.calling():
                yield
        finally:
            self._end()
