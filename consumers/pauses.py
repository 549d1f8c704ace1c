"""What people have paused, as the journal tells: looked at often enough that a wrong rule stops in
seconds.

What must not go in: what a paused provider or rule means for a message (see `worker`, `carrier`).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.waiting import first_of, pause
from core.errors import JournalUnavailable
from core.logs import get_logger

log = get_logger()

LOOK_EVERY = timedelta(seconds=1)


class PausedThings(Protocol):
    """What this needs of the journal."""

    async def paused(self) -> frozenset[tuple[str, str]]: ...


class Pauses:
    """The pauses of a deployment, as last seen. While the journal is away they stay as they
    were."""

    def __init__(self, journal: PausedThings, presence: Presence, metrics: ConsumerMetrics) -> None:
        self._journal = journal
        self._presence = presence
        self._metrics = metrics
        self._paused: frozenset[tuple[str, str]] = frozenset()
        self._changed = asyncio.Event()

    def provider(self, name: str) -> bool:
        return ("provider", name) in self._paused

    def rule(self, name: str) -> bool:
        return ("rule", name) in self._paused

    @property
    def next_change(self) -> asyncio.Event:
        """Set when something is paused or resumed the next time."""
        return self._changed

    async def serve(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await first_of(stopping.wait(), self._presence.returns())
            try:
                self._see(await self._journal.paused())
            except JournalUnavailable as error:
                self._presence.lost(error)
                continue
            await pause(LOOK_EVERY, stopping)

    def _see(self, paused: frozenset[tuple[str, str]]) -> None:
        if paused == self._paused:
            return
        for kind, name in sorted(paused - self._paused):
            log.warning("paused", kind=kind, name=name)
            self._metrics.paused.labels(kind, name).set(1)
        for kind, name in sorted(self._paused - paused):
            log.warning("resumed", kind=kind, name=name)
            self._metrics.paused.remove(kind, name)
        self._paused = paused
        self._changed.set()
        self._changed = asyncio.Event()
