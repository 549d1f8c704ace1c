"""The journal on a database: one implementation for PostgreSQL and SQLite.

Here are the transactions; what happens inside each stands in `claims`, `outcomes`, `recording`,
`scheduling` and `reading`. A transaction that lost a deadlock is done again: nothing of it stands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, to_micros
from core.errors import JournalError, JournalUnavailable
from core.journal import claims, outcomes, reading, recording, scheduling
from core.journal import receipts as receipts_of_texts
from core.journal.batch import Batch
from core.journal.engine import Engines, database_now, transaction
from core.journal.migrate import check_revision
from core.journal.port import (
    ActionFilter,
    ActionPage,
    Asked,
    Awaited,
    Books,
    Claim,
    Due,
    Earlier,
    EventReport,
    Finish,
    Granted,
    NotGranted,
    Recorded,
)
from core.journal.rows import micros
from core.journal.states import State
from core.messages import ActionMessage, EventRecord, Receipt
from core.tasks import beside

P = ParamSpec("P")
R = TypeVar("R")

_DEADLOCKS = ("40P01", "40001")
_TRIES = 4
_NOT_CALLED = frozenset({State.SUPERSEDED, State.EXPIRED})


class SqlJournal:
    """Journal port on SQLAlchemy Core. Without a `clock` the database's own clock is used; an
    embedded journal has none, so there it is this machine's (tests hand in one that they turn)."""

    def __init__(self, engines: Engines, *, clock: Clock | None = None) -> None:
        self._engines = engines
        self._clock = clock
        self._checked = False
        self._claims: Batch[Claim, Granted | NotGranted] = Batch(self._claim_all)
        self._finishes: Batch[Finish, bool] = Batch(self._finish_all)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SqlJournal]:
        """The batches work while this context is open."""
        async with beside(self._claims.run(), self._finishes.run()):
            yield self

    # What a worker needs.

    async def claim(self, claim: Claim) -> Granted | NotGranted:
        return await self._claims.ask(claim)

    async def finish(self, finish: Finish) -> bool:
        return await self._finishes.ask(finish)

    async def put_back(self, message: ActionMessage, *, due_in: timedelta, reason: str) -> bool:
        async def work(connection: AsyncConnection, now: int) -> bool:
            return await outcomes.put_back(
                connection, message, due_in=micros(due_in), reason=reason, now=now
            )

        return await self._write(work)

    async def last_done(self, provider: str, operation: str, *, other_than: str) -> Earlier | None:
        return await self._read(reading.last_done, provider, operation, other_than=other_than)

    async def references(self, provider: str, references: Sequence[str]) -> frozenset[str]:
        return await self._read(reading.references, provider, references)

    # What people read.

    async def event(self, ref: str) -> EventReport | None:
        return await self._read(reading.event, ref)

    async def actions(self, wanted: ActionFilter) -> ActionPage:
        return await self._read(reading.actions, wanted)

    async def books(self) -> Books:
        return await self._read(reading.books)

    # What the recorder and the scheduler need.

    async def record(self, records: Sequence[EventRecord]) -> Recorded:
        async def work(connection: AsyncConnection, now: int) -> Recorded:
            return await recording.record_all(connection, records, now)

        return await self._write(work)

    async def receive(self, receipts: Sequence[Receipt]) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:  # noqa: ARG001
            return await receipts_of_texts.receive(connection, receipts)

        return await self._write(work)

    async def receipts_due(self, provider: str, *, limit: int) -> list[Awaited]:
        async def work(connection: AsyncConnection) -> list[Awaited]:
            now = await self._now(connection)
            return await receipts_of_texts.due(connection, provider, now=now, limit=limit)

        return await self._read(work)

    async def asked(self, provider: str, questions: Sequence[Asked]) -> None:
        async def work(connection: AsyncConnection, now: int) -> None:
            await receipts_of_texts.asked(connection, provider, questions, now=now)

        await self._write(work)

    async def park_unreadable(self, body: bytes, *, queue: str, reason: str) -> str:
        async def work(connection: AsyncConnection, now: int) -> str:
            return await recording.park_unreadable(
                connection, body, queue=queue, reason=reason, now=now
            )

        return await self._write(work)

    async def bury(self, message: ActionMessage, *, reason: str) -> bool:
        async def work(connection: AsyncConnection, now: int) -> bool:
            return await outcomes.bury(connection, message, reason=reason, now=now)

        return await self._write(work)

    async def take_over(self, lags: dict[str, timedelta], *, limit: int) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:
            return len(await scheduling.take_over(connection, lags, now=now, limit=limit))

        return await self._write(work)

    async def release_incarnations(self, owner: str, lags: dict[str, timedelta]) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:
            return len(
                await scheduling.take_over(
                    connection, lags, now=now, limit=1_000_000, other_than=owner
                )
            )

        return await self._write(work)

    async def due(self, *, limit: int, but: Sequence[tuple[str, str]] = ()) -> list[Due]:
        async def work(connection: AsyncConnection) -> list[Due]:
            now = await self._now(connection)
            return await scheduling.due(connection, now=now, limit=limit, but=but)

        return await self._read(work)

    async def mark_queued(self, published: Sequence[Due]) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:
            return await scheduling.mark_queued(connection, published, now=now)

        return await self._write(work)

    async def lost(
        self, *, provider: str, lane: str, older_than: timedelta, limit: int
    ) -> list[Due]:
        async def work(connection: AsyncConnection) -> list[Due]:
            before = await self._now(connection) - micros(older_than)
            return await scheduling.lost(
                connection, provider=provider, lane=lane, before=before, limit=limit
            )

        return await self._read(work)

    async def touch_queued(self, messages: Sequence[ActionMessage]) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:
            return await scheduling.touch_queued(connection, messages, now=now)

        return await self._write(work)

    async def lead(self, name: str, owner: str, lease: timedelta) -> bool:
        async def work(connection: AsyncConnection, now: int) -> bool:
            return await scheduling.lead(connection, name, owner, lease=micros(lease), now=now)

        return await self._write(work)

    async def ping(self) -> None:
        async with transaction(self._engines.writing) as connection:
            await scheduling.try_to_write(connection)

    # How it is done.

    async def _claim_all(self, wanted: Sequence[Claim]) -> Sequence[Granted | NotGranted]:
        async def work(connection: AsyncConnection, now: int) -> list[Granted | NotGranted]:
            return await claims.claim_all(connection, wanted, now)

        results = await self._write(work)
        # An action that was woken for its profile and ended without a call passes its turn on.
        passed = {
            key
            for claim, result in zip(wanted, results, strict=True)
            if isinstance(result, NotGranted) and result.state in _NOT_CALLED
            for key in claim.order_keys
        }
        if passed:
            await self._wake(sorted(passed))
        return results

    async def _finish_all(self, finishes: Sequence[Finish]) -> Sequence[bool]:
        async def work(connection: AsyncConnection, now: int) -> outcomes.Finished:
            return await outcomes.finish_all(connection, finishes, now)

        finished = await self._write(work)
        if finished.wanted:
            await self._wake(finished.wanted)
        return finished.recorded

    async def _wake(self, order_keys: Sequence[str]) -> None:
        async def work(connection: AsyncConnection, now: int) -> None:
            await outcomes.wake_next(connection, order_keys, now)

        try:
            await self._write(work)
        except JournalError:
            # The outcomes stand; whoever waits becomes due by itself, only later.
            return

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
