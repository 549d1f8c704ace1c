"""How many actions are open and for how long, told by the process that leads: what a person would
ask the journal every few seconds.

What must not go in: changing anything, and judging what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Protocol

from consumers.metrics import ConsumerMetrics
from core.clock import Clock
from core.journal.operator import Oldest
from core.journal.states import OPEN, State
from core.messages import Lane

EVERY = timedelta(seconds=15)
STATES = tuple(sorted({*OPEN, State.PARKED}))


class Surveyed(Protocol):
    async def oldest(self) -> Sequence[Oldest]: ...


class Survey:
    """One look in `EVERY`, whenever it is asked."""

    def __init__(
        self,
        journal: Surveyed,
        providers: Callable[[], Collection[str]],
        metrics: ConsumerMetrics,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._providers = providers
        self._metrics = metrics
        self._clock = clock
        self._next = 0.0

    async def turn(self) -> None:
        """Raises JournalUnavailable."""
        if self._clock.monotonic() < self._next:
            return
        found = await self._journal.oldest()
        self._next = self._clock.monotonic() + EVERY.total_seconds()
        self.forget()
        for provider in self._providers():
            for lane in Lane:
                for state in STATES:
                    self._metrics.open_actions.labels(provider, lane.value, state.value)
                    self._metrics.oldest.labels(provider, lane.value, state.value)
        now = self._clock.now()
        for each in found:
            # What cannot be read belongs to no provider and no lane.
            labels = (each.provider or "none", each.lane or "none", each.state.value)
            self._metrics.open_actions.labels(*labels).set(each.count)
            age = (now - each.since).total_seconds()
            self._metrics.oldest.labels(*labels).set(max(0.0, age))

    def forget(self) -> None:
        """Whoever leads now tells: two would be added up."""
        self._metrics.open_actions.clear()
        self._metrics.oldest.clear()

    def stop(self) -> None:
        """This process does not lead any more."""
        self.forget()
        self._next = 0.0
