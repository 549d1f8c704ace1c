"""Forgetting what is older than `journal.keep`, a little at a time, in the process that leads.

What must not go in: what may be forgotten (see `core.journal.retention`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from consumers.metrics import ConsumerMetrics
from core.clock import Clock
from core.journal.port import Swept
from core.logs import get_logger

log = get_logger()

ROUND_EVERY = timedelta(hours=1)
SLICE = 200
MARGIN = timedelta(hours=1)
"""An event may be this much ahead of our clock, and its repeat this much behind."""

KINDS = ("events", "marks", "leases", "erased")


class Forgets(Protocol):
    async def forget(
        self, what: str, *, older_than: timedelta, after: str | None, limit: int
    ) -> Swept: ...


class Retention:
    """One slice each time it is asked; through everything once in `ROUND_EVERY`."""

    def __init__(
        self,
        journal: Forgets,
        keep: Callable[[], timedelta],
        metrics: ConsumerMetrics,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._keep = keep
        self._metrics = metrics
        self._clock = clock
        self._next_round = 0.0
        self._kind = 0
        self._after: str | None = None
        self._removed = 0

    async def turn(self) -> None:
        """Raises JournalUnavailable."""
        if self._clock.monotonic() < self._next_round:
            return
        what = KINDS[self._kind]
        slice_ = await self._journal.forget(
            what, older_than=self._keep() + MARGIN, after=self._after, limit=SLICE
        )
        self._after = slice_.after
        if slice_.removed:
            self._removed += slice_.removed
            self._metrics.forgotten.labels(what).inc(slice_.removed)
        if self._after is None:
            self._kind += 1
        if self._kind == len(KINDS):
            self._kind = 0
            self._next_round = self._clock.monotonic() + ROUND_EVERY.total_seconds()
            if self._removed:
                log.info("retention_round", removed=self._removed)
            self._removed = 0
