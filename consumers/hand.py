"""What a lane has in hand: actions with a place, from before their claim to the end of their call,
and others whose outcome is being recorded or that wait for a place.

A place is what `concurrency` bounds. While an outcome is on its way to the journal it is free for
the next action, so that claims and outcomes of more actions share a transaction; nothing is claimed
that may not be called at once. What must not go in: how many places a lane has (see `limits`).
"""

from __future__ import annotations

import asyncio
from typing import Self

from consumers.rates import Stopping
from consumers.waiting import first_of
from core.messages import Lane

_PATIENCE = 0.5
"""Seconds that a message may wait here for a place because of a rate: another process could have
it."""


class Hand:
    """`places`: how many actions may be claimed and called at a time. `rate`: calls a second that
    their provider is let have; None: no limit."""

    def __init__(self, places: int, lane: Lane, *, rate: float | None = None) -> None:
        # Of a campaign no more: the more of it is in hand, the longer an urgent one waits for its
        # turn in this process.
        beside = 0 if lane is Lane.BULK else places
        if rate is not None:
            beside = min(beside, int(rate * _PATIENCE))
        self.places = places
        self.most = places + beside
        """Messages that are worth holding."""
        self._free = asyncio.Semaphore(places)

    async def place(self, stopping: asyncio.Event) -> Place:
        """Wait for one. Raises Stopping if the process stops first."""
        if not self._free.locked():
            await self._free.acquire()
            return Place(self._free)
        given: list[Place] = []

        async def wait() -> None:
            await self._free.acquire()
            given.append(Place(self._free))

        try:
            await first_of(wait(), stopping.wait())
        except BaseException:
            for place in given:
                place.leave()
            raise
        if not given:
            raise Stopping
        return given[0]


class Place:
    """Used as a context manager; `leave` is its end before that."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._is_left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        if not self._is_left:
            self._is_left = True
            self._free.release()
