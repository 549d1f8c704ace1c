"""Keeping to a rate that all consumers of a deployment share.

Tokens are drawn from the journal, about a quarter of a second's worth at a time, and spent here
one by one; a part of each bucket is for urgent actions alone. What must not go in: what a token is
spent on.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

from consumers.metrics import ConsumerMetrics
from consumers.waiting import pause
from core.clock import Clock
from core.journal.port import Draw, Drawn
from core.messages import Lane

SPAN = timedelta(milliseconds=250)
"""How much is drawn at a time: less and the journal is asked too often, more and one process holds
what another could use."""

WAITED = timedelta(milliseconds=50)
"""From here on it counts as having waited for the rate, not for the journal."""

BURST = timedelta(seconds=1)
RESERVED = 0.2
"""The share of a bucket that only urgent actions may take."""

HALT_LOOK = timedelta(seconds=1)
"""How often one that waits looks whether it may still be called."""

Halt = Callable[[], bool]
"""Whether what waits for a rate may not be called any more, or not now."""


class Stopping(Exception):
    """The process stops, and the action was not begun."""


class Halted(Exception):
    """What waited may not be called any more, or not now; it was not begun."""


class Bucket(Protocol):
    """What this needs of the journal."""

    async def draw(self, wish: Draw) -> Drawn: ...


class RateLimit:
    """One bucket, as this process sees it. `rate`: a second."""

    def __init__(
        self,
        name: str,
        rate: float,
        bucket: Bucket,
        clock: Clock,
        *,
        metrics: ConsumerMetrics | None = None,
        label: str | None = None,
    ) -> None:
        """`label`: what metrics call it, if not by its name."""
        self._name = name
        label = self._label = label or name
        self._rate = rate
        self._burst = max(1, math.ceil(rate * BURST.total_seconds()))
        # At least one token must be left for everybody else.
        self._reserve = min(math.ceil(self._burst * RESERVED), self._burst - 1)
        self._span = max(1, int(rate * SPAN.total_seconds()))
        self._bucket = bucket
        self._clock = clock
        self._metrics = metrics
        if metrics is not None:
            metrics.rate.labels(label).set(rate)
            metrics.limited.labels(label)
            metrics.limited_seconds.labels(label)
        self._held: dict[bool, tuple[int, float]] = {True: (0, 0.0), False: (0, 0.0)}
        self._turn: Mapping[bool, asyncio.Lock] = {True: asyncio.Lock(), False: asyncio.Lock()}

    async def take(self, lane: Lane, stopping: asyncio.Event, halted: Halt) -> None:
        """Wait for one token. Raises Stopping when the process stops first, Halted when `halted`
        says so, JournalUnavailable."""
        urgent = lane is Lane.URGENT
        began = self._clock.monotonic()
        try:
            async with self._turn[urgent]:
                await self._draw(urgent, stopping, halted)
        finally:
            self._count(self._clock.monotonic() - began)

    async def _draw(self, urgent: bool, stopping: asyncio.Event, halted: Halt) -> None:
        while not halted():
            if self._spend(urgent):
                return
            if stopping.is_set():
                raise Stopping
            drawn = await self._bucket.draw(
                Draw(
                    name=self._name,
                    wanted=self._span,
                    rate=self._rate,
                    burst=self._burst,
                    reserve=self._reserve,
                    urgent=urgent,
                )
            )
            self._held[urgent] = (drawn.taken, self._clock.monotonic())
            if not drawn.taken:
                await _rest(drawn.wait, stopping, halted)
        raise Halted

    def _count(self, waited: float) -> None:
        """Also those that waited behind another call's wait; not the question to the journal."""
        if self._metrics is not None and waited > WAITED.total_seconds():
            self._metrics.limited.labels(self._label).inc()
            self._metrics.limited_seconds.labels(self._label).inc(waited)

    def _spend(self, urgent: bool) -> bool:
        """Tokens that were not spent in their time are gone: another process could have had
        them, and saved up they would make a burst."""
        left, drawn_at = self._held[urgent]
        age = self._clock.monotonic() - drawn_at
        if not left or age > 4 * SPAN.total_seconds():
            self._held[urgent] = (0, 0.0)
            return False
        self._held[urgent] = (left - 1, drawn_at)
        return True


async def _rest(wait: timedelta, stopping: asyncio.Event, halted: Halt) -> None:
    while wait > timedelta(0) and not stopping.is_set() and not halted():
        await pause(min(wait, HALT_LOOK), stopping)
        wait -= HALT_LOOK


MakeLimit = Callable[[str, float, str], RateLimit]
"""Of a name, a rate a second, and the provider that it belongs to."""

KEPT_WAYS = 1000
"""Phones of a provider whose limits are kept at hand: a rule may take their ids from events. One
that is asked for again begins with nothing drawn; what all processes share is in the journal."""


class Limits:
    """The limits of one provider: on all of its calls, and on each way (phone) of its own."""

    def __init__(
        self, provider: str, rate: float | None, way_rate: float | None, make: MakeLimit
    ) -> None:
        self._whole = make(provider, rate, provider) if rate is not None else None
        self._provider = provider
        self._way_rate = way_rate
        self._make = make
        self._ways: OrderedDict[str, RateLimit] = OrderedDict()

    async def take(self, lane: Lane, stopping: asyncio.Event, halted: Halt) -> None:
        if self._whole is not None:
            await self._whole.take(lane, stopping, halted)

    async def take_way(
        self, way: str | int | None, lane: Lane, stopping: asyncio.Event, halted: Halt
    ) -> None:
        if self._way_rate is None or way is None:
            return
        name = f"{self._provider} {way}"
        limit = self._ways.get(name)
        if limit is None:
            limit = self._ways[name] = self._make(name, self._way_rate, self._provider)
            if len(self._ways) > KEPT_WAYS:
                self._ways.popitem(last=False)
        else:
            self._ways.move_to_end(name)
        await limit.take(lane, stopping, halted)
