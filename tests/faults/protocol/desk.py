"""Where schedules are played: one journal, and world after world around it; one that fails is made
shorter.

What must not go in: what a schedule is made of.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import structlog
from prometheus_client import CollectorRegistry

from consumers.metrics import ConsumerMetrics
from core.journal.sql import SqlJournal
from gateway.metrics import Metrics
from tests.faults.protocol.ending import end
from tests.faults.protocol.journal import clear, open_quick_journal
from tests.faults.protocol.schedules import Chance, Schedule, play
from tests.faults.protocol.world import Violation, World

R = TypeVar("R")

_REDUCTIONS = 150


class Desk:
    """One journal and one loop, for many schedules one after the other."""

    def __init__(self) -> None:
        self.played = 0
        self.steps: Counter[str] = Counter()
        """What was done, over all schedules."""
        self._loop = asyncio.new_event_loop()
        self._metrics = (Metrics(CollectorRegistry()), ConsumerMetrics(CollectorRegistry()))
        self._closing = asyncio.Event()
        self._opened: asyncio.Future[SqlJournal] = self._loop.create_future()

    @contextmanager
    def open(self, folder: Path) -> Iterator[Desk]:
        keeper = self._loop.create_task(self._keep(folder))
        self._loop.run_until_complete(asyncio.wait([self._opened]))
        try:
            with structlog.testing.capture_logs():
                yield self
        finally:
            self._closing.set()
            self._loop.run_until_complete(keeper)
            self._loop.close()

    async def _keep(self, folder: Path) -> None:
        async with open_quick_journal(folder) as journal:
            self._opened.set_result(journal)
            await self._closing.wait()

    def _do(self, work: Coroutine[Any, Any, R]) -> R:
        return self._loop.run_until_complete(work)

    def explore_all(self, seeds: Iterable[int]) -> None:
        for seed in seeds:
            self.explore(seed)

    def explore(self, seed: int) -> Schedule:
        """Draw a schedule while it is played. Raises Violation."""
        rng = Random(seed)
        chance = Chance(rng)
        schedule = Schedule(seed=seed, moves=(), killed=rng.random() < 0.5)

        async def draw(world: World) -> None:
            nonlocal schedule
            for _ in range(rng.randint(8, 45)):
                for move in await chance.moves(world):
                    schedule = replace(schedule, moves=(*schedule.moves, move))
                    await play(world, move)

        try:
            self._do(self._see(seed, draw, killed=schedule.killed))
        except Violation as violation:
            violation.schedule = schedule
            raise
        return schedule

    def play(self, schedule: Schedule) -> None:
        """Raises Violation."""

        async def moves(world: World) -> None:
            for move in schedule.moves:
                await play(world, move)

        self._do(self._see(schedule.seed, moves, killed=schedule.killed))

    async def _see(
        self, seed: int, happens: Callable[[World], Awaitable[None]], *, killed: bool
    ) -> None:
        random.seed(seed)  # the jitter of pauses
        journal = self._opened.result()
        await clear(journal)
        world = World(journal, self._metrics)
        try:
            await world.open()
            await happens(world)
            await end(world, killed=killed)
        finally:
            await world.close()
            self.played += 1
            self.steps += world.steps

    def reduce(self, violation: Violation) -> Violation:
        """The same kind of violation, by as few moves as can be found in a while."""
        schedule, tries = violation.schedule, 0
        size = len(schedule.moves) // 2
        while size:
            start = 0
            while start < len(schedule.moves) and tries < _REDUCTIONS:
                moves = (*schedule.moves[:start], *schedule.moves[start + size :])
                shorter, tries = replace(schedule, moves=moves), tries + 1
                try:
                    self.play(shorter)
                except Violation as found:
                    if found.kind == violation.kind:
                        schedule, violation = shorter, found
                        violation.schedule = shorter
                        continue
                start += size
            size //= 2
        return violation
