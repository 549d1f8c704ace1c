"""The journal on a database: one implementation for PostgreSQL and SQLite.

Here are the transactions; what happens inside each stands in `claims`, `outcomes`, `recording`,
`scheduling` and `reading`. A transaction that lost a deadlock is done again: nothing of it stands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, to_micros
from core.errors import JournalError
from core.journal import claims, outcomes, pausing, rates, reading, recording, retention, scheduling
from core.journal import receipts as receipts_of_texts
from core.journal.batch import Batch
from core.journal.engine import Engines, transaction
from core.journal.port import (
    ActionFilter,
    ActionPage,
    Asked,
    Awaited,
    Books,
    Claim,
    Draw,
    Drawn,
    Due,
    Earlier,
    EventReport,
    Finish,
    Granted,
    NotGranted,
    Recorded,
    Swept,
)
from core.journal.rows import micros
from core.journal.sql_operator import SqlOperator
from core.messages import ActionMessage, EventRecord, Lane, Receipt
from core.tasks import beside

_FORGET: Mapping[str, Callable[..., Awaitable[retention.Slice]]] = {
    "events": retention.forget_events,
    "marks": retention.forget_marks,
    "leases": retention.forget_leases,
    "erased": retention.forget_erased,
}
_START: Mapping[str, tuple[Any, ...]] = {
    "events": (0, ""),
    "marks": ("", ""),
    "leases": ("",),
    "erased": ("",),
}


class SqlJournal(SqlOperator):
    """Journal port on SQLAlchemy Core."""

    def __init__(self, engines: Engines, *, clock: Clock | None = None) -> None:
        super().__init__(engines, clock=clock)
        self._claims: Batch[Claim, Granted | NotGranted] = Batch(self._claim_all)
        # A transaction of their own: a code to log in with never waits for a campaign's batches.
        self._urgent_claims: Batch[Claim, Granted | NotGranted] = Batch(self._claim_all)
        self._finishes: Batch[Finish, bool] = Batch(self._finish_all)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SqlJournal]:
        """The batches work while this context is open."""
        async with beside(self._claims.run(), self._urgent_claims.run(), self._finishes.run()):
            yield self

    # What a worker needs.

    async def claim(self, claim: Claim) -> Granted | NotGranted:
        urgent = claim.message.action.lane is Lane.URGENT
        return await (self._urgent_claims if urgent else self._claims).ask(claim)

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

    async def receive(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        async def work(connection: AsyncConnection, now: int) -> list[Receipt]:  # noqa: ARG001
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

    async def draw(self, wish: Draw) -> Drawn:
        async def work(connection: AsyncConnection, now: int) -> Drawn:
            return await rates.draw(connection, wish, now)

        return await self._write(work)

    async def paused(self) -> frozenset[tuple[str, str]]:
        return frozenset((pause.kind.value, pause.name) for pause in await self.pauses())

    async def tell_breaker(
        self, *, provider: str, owner: str, state: str, cause: str, since: datetime
    ) -> None:
        async def work(connection: AsyncConnection, now: int) -> None:
            await pausing.tell_breaker(
                connection,
                provider=provider,
                owner=owner,
                state=state,
                cause=cause,
                since=to_micros(since),
                now=now,
            )

        await self._write(work)

    async def forget(
        self, what: str, *, older_than: timedelta, after: str | None, limit: int
    ) -> Swept:
        place = tuple(orjson.loads(after)) if after is not None else _START[what]

        async def work(connection: AsyncConnection, now: int) -> Swept:
            before = now - micros(older_than)
            removed, following = await _FORGET[what](
                connection, before=before, after=place, limit=limit
            )
            cursor = orjson.dumps(following).decode() if following is not None else None
            return Swept(removed=removed, after=cursor)

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
            if isinstance(result, NotGranted) and result.ended
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
