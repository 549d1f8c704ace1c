"""Gates between the steps of whoever works in the delivery protocol.

Gateway, workers, recorder, scheduler and journal are the real ones. Each waits at a gate directly
before anything that somebody else could notice, so that everybody else, a crash or the time can
come in between. What must not go in: which steps are taken.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextvars import ContextVar
from enum import StrEnum
from typing import Any

from core.errors import JournalUnavailable
from core.journal.port import Claim, Granted
from core.journal.sql import SqlJournal
from core.messages import Lane


class How(StrEnum):
    """How a step goes."""

    WELL = "well"
    FAILS = "fails"
    """Nothing of it happens, and whoever takes it is told so."""
    LOST = "lost"
    """It happens, but its answer is lost."""


class Walk:
    """A piece of work of one process, walked gate by gate. `about`: which action it is about."""

    def __init__(
        self, process: str, work: Coroutine[Any, Any, None], about: str | None = None
    ) -> None:
        self.process, self.about = process, about
        self.at: str | None = None
        self._go: asyncio.Future[How] | None = None
        self._task = asyncio.get_running_loop().create_task(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        _WALK.set(self)
        await work

    async def gate(self, name: str) -> How:
        self.at, self._go = name, asyncio.get_running_loop().create_future()
        return await self._go

    def let(self, how: How) -> None:
        assert self._go is not None
        self.at = None
        self._go.set_result(how)

    async def settle(self) -> None:
        """Until it stands at the next gate, or has ended; what it failed with is raised here."""
        for _ in range(10_000):
            if self._task.done():
                return self._task.result()
            if self.at is not None:
                return None
            await asyncio.sleep(0)
        raise AssertionError(f"{self.process} waits for something that is no gate")

    @property
    def is_over(self) -> bool:
        return self._task.done()

    async def kill(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


_WALK: ContextVar[Walk] = ContextVar("walk")


def walking() -> Walk:
    """Whose step this is."""
    return _WALK.get()


class SteppedJournal:
    """The real journal, with a gate before everything that a process does in it."""

    GATES = frozenset(
        {"claim", "finish", "put_back", "record", "bury", "park_unreadable"}
        | {"take_over", "due", "mark_queued", "lost", "touch_queued"}
    )

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal
        self.granted: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._journal, name)
        if name not in self.GATES:
            return method

        async def stepped(*args: Any, **kwargs: Any) -> Any:
            how = How.WELL
            if kwargs.get("lane", Lane.NORMAL) == Lane.NORMAL:  # nothing is lost in other lanes
                how = await walking().gate(name)
            if how is How.FAILS:
                raise JournalUnavailable("away")
            result = await method(*args, **kwargs)
            if isinstance(result, Granted) and isinstance(args[0], Claim):
                self.granted[args[0].message.action.id] += 1
            if how is How.LOST:
                raise JournalUnavailable("went away")
            return result

        return stepped
