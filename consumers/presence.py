"""Whether the journal is there: whoever finds it away says so here, and waits here until it is
back.

Workers and recorder stop consuming meanwhile. What must not go in: what they do about it.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

from consumers.metrics import ConsumerMetrics
from core.errors import JournalUnavailable
from core.logs import get_logger


class Pings(Protocol):
    async def ping(self) -> None: ...


class Presence:
    """The journal as this process last saw it."""

    def __init__(self, journal: Pings, metrics: ConsumerMetrics, pause: timedelta) -> None:
        self._journal = journal
        self._metrics = metrics
        self._pause = pause
        self._away = asyncio.Event()
        self._log = get_logger()

    @property
    def is_away(self) -> bool:
        return self._away.is_set()

    def lost(self, error: JournalUnavailable) -> None:
        if not self._away.is_set():
            self._away.set()
            self._metrics.journal_away.set(1)
            self._log.error("journal_away", reason=str(error))

    async def leaves(self) -> None:
        """Wait until somebody finds the journal away."""
        await self._away.wait()

    async def returns(self) -> None:
        """Wait until the journal answers (at once, unless it was found away)."""
        while self._away.is_set():
            try:
                await self._journal.ping()
            except JournalUnavailable:
                await asyncio.sleep(self._pause.total_seconds())
                continue
            if self._away.is_set():
                self._away.clear()
                self._metrics.journal_away.set(0)
                self._log.info("journal_back")
