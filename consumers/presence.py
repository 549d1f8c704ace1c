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

log = get_logger()


_LONGEST = timedelta(seconds=30)
_STEADY = 10
"""A journal that stays for so many pauses is back; one that goes sooner is waited for longer. Each
return costs every message in hand a delivery, and the broker counts those."""


class Pings(Protocol):
    async def ping(self) -> None: ...


class Presence:
    """The journal as this process last saw it."""

    def __init__(self, journal: Pings, metrics: ConsumerMetrics, pause: timedelta) -> None:
        self._journal = journal
        self._metrics = metrics
        self._pause = self._wait = pause.total_seconds()
        self._look_at = self._steady_at = 0.0
        self._away = asyncio.Event()

    @property
    def is_away(self) -> bool:
        return self._away.is_set()

    def lost(self, error: JournalUnavailable) -> None:
        if not self._away.is_set():
            now = asyncio.get_running_loop().time()
            longest = _LONGEST.total_seconds()
            self._wait = min(2 * self._wait, longest) if now < self._steady_at else self._pause
            self._look_at = now + self._wait
            self._away.set()
            self._metrics.journal_away.set(1)
            log.error("journal_away", reason=str(error))

    async def leaves(self) -> None:
        """Wait until somebody finds the journal away."""
        await self._away.wait()

    async def returns(self) -> None:
        """Wait until the journal answers (at once, unless it was found away)."""
        loop = asyncio.get_running_loop()
        while self._away.is_set():
            if (left := self._look_at - loop.time()) > 0:
                await asyncio.sleep(left)
                continue
            try:
                await self._journal.ping()
            except JournalUnavailable:
                await asyncio.sleep(self._pause)
                continue
            if self._away.is_set():
                self._steady_at = loop.time() + _STEADY * self._wait
                self._away.clear()
                self._metrics.journal_away.set(0)
                log.info("journal_back")
