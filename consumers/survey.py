"""How many actions are open and for how long, told by the process that leads: what a person would
ask the journal every few seconds.

What must not go in: changing anything, and judging what is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Protocol

from consumers.metrics import ConsumerMetrics
from consumers.waiting import first_of, pause
from core.clock import Clock
from core.errors import JournalError
from core.journal.operator import Oldest
from core.journal.states import OPEN, State
from core.logs import get_logger
from core.messages import Lane

log = get_logger()

EVERY = timedelta(seconds=15)
LOOK_EVERY = timedelta(seconds=1)
PATIENCE = 20
"""Times as long as a count took, nothing is counted: never more than a twentieth of the time."""

STATES = tuple(sorted({*OPEN, State.PARKED}))


class Surveyed(Protocol):
    async def oldest(self) -> Sequence[Oldest]: ...


class Survey:
    """A task of its own beside the scheduler: over a long backlog the count takes its time, and
    nothing that is due may wait for it."""

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

    async def serve(self, leads: Callable[[], bool], stopping: asyncio.Event) -> None:
        """Tell while this process leads. What cannot be counted is not told, and stops nobody: a
        journal that is away is found by those who need it.

        Leadership that comes and goes shortens no rest: otherwise the count would run again each
        time, whatever it costs the journal.
        """
        not_before = self._clock.monotonic()
        while not stopping.is_set():
            if leads() and self._clock.monotonic() >= not_before:
                began = self._clock.monotonic()
                try:
                    try:
                        await first_of(stopping.wait(), self.look())
                    finally:
                        # What it takes to log a failure is no work of the journal's.
                        ended = self._clock.monotonic()
                except JournalError as error:
                    log.warning("survey_failed", reason=str(error))
                    self.forget()
                except Exception:
                    # A state that a newer version wrote, say.
                    log.exception("survey_broken")
                    self.forget()
                rest = max(EVERY, timedelta(seconds=ended - began) * PATIENCE)
                not_before = ended + rest.total_seconds()
            # Asked anew: a count takes long enough for another process to lead by now.
            if not leads():
                self.forget()
            await pause(LOOK_EVERY, stopping)
        self.forget()

    async def look(self) -> None:
        """Raises JournalUnavailable."""
        found = await self._journal.oldest()
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
