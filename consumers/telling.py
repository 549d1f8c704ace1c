"""Breakers as people see them from outside: what each says of itself, in the journal.

What must not go in: anything a worker decides by.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from consumers.breaker import Breaker
from consumers.presence import Presence
from consumers.waiting import first_of
from core.clock import Clock
from core.errors import JournalUnavailable

EVERY = timedelta(seconds=10)


class Told(Protocol):
    async def tell_breaker(
        self, *, provider: str, owner: str, state: str, cause: str, since: datetime
    ) -> None: ...


async def tell_breaker(
    name: str,
    breaker: Breaker,
    *,
    owner: str,
    journal: Told,
    presence: Presence,
    clock: Clock,
    stopping: asyncio.Event,
) -> None:
    """Now, at every move, and again from time to time: one that falls silent is not shown."""
    state, since = breaker.state, clock.now()
    while not stopping.is_set():
        moved = breaker.next_move
        if breaker.state is not state:
            state, since = breaker.state, clock.now()
        try:
            await journal.tell_breaker(
                provider=name, owner=owner, state=state.value, cause=breaker.cause, since=since
            )
        except JournalUnavailable as error:
            presence.lost(error)
            await first_of(stopping.wait(), presence.returns())
            continue
        await first_of(stopping.wait(), moved.wait(), asyncio.sleep(EVERY.total_seconds()))
