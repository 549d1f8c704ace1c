"""How the journal's work is done in transactions: begun, checked, told the time, and done again
where a deadlock undid it.

What must not go in: the work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, to_micros
from core.errors import JournalUnavailable
from core.journal.engine import Engines, database_now, transaction
from core.journal.migrate import check_revision

P = ParamSpec("P")
R = TypeVar("R")

_DEADLOCKS = ("40P01", "40001")
_TRIES = 4


class Transactions:
    """Without a `clock` the database's own clock is used; an embedded journal has none, so there it
    is this machine's (tests hand in one that they turn)."""

    def __init__(self, engines: Engines, *, clock: Clock | None = None) -> None:
        self._engines = engines
        self._clock = clock
        self._checked = False

    async def _write(self, work: Callable[[AsyncConnection, int], Awaitable[R]]) -> R:
        for n in range(1, _TRIES + 1):
            try:
                async with transaction(self._engines.writing) as connection:
                    await self._check(connection)
                    return await work(connection, await self._now(connection))
            except JournalUnavailable as error:
                if n == _TRIES or not any(code in str(error) for code in _DEADLOCKS):
                    raise
        raise AssertionError("unreachable")

    async def _read(
        self,
        work: Callable[Concatenate[AsyncConnection, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        async with transaction(self._engines.reading, snapshot=True) as connection:
            await self._check(connection)
            return await work(connection, *args, **kwargs)

    async def _check(self, connection: AsyncConnection) -> None:
        """Once per process, as soon as the database can be reached: are these our tables?"""
        if not self._checked:
            await check_revision(connection)
            self._checked = True

    async def _now(self, connection: AsyncConnection) -> int:
        if self._clock is not None:
            return to_micros(self._clock.now())
        return await database_now(connection)
