"""The real journal on SQLite, quick enough for thousands of schedules: not synced, and without a
thread. It has to survive crashes of the model's processes only.

What must not go in: anything that changes what a transaction does.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import delete, event, func, select

from core.clock import ManualClock, to_micros
from core.journal import tables
from core.journal.engine import open_engines, transaction
from core.journal.migrate import migrate
from core.journal.port import Attempt, Finish, Granted
from core.journal.sql import SqlJournal
from core.journal.states import State
from tests.samples import NOON, a_claim, a_record, an_action

EARLIER = an_action("earlier", provider="model", params={"action": "earlier"})
"""A text of old, by which an empty answer to a question can be believed."""
REFERENCE = "an earlier one"


async def clear(journal: SqlJournal) -> None:
    async with transaction(journal._engines.writing) as connection:
        for table, column in (
            (tables.events, tables.events.c.event_id != EARLIER.event_id),
            (tables.planned, tables.planned.c.action_id != EARLIER.id),
            (tables.actions, tables.actions.c.id != EARLIER.id),
            (tables.attempts, tables.attempts.c.action_id != EARLIER.id),
        ):
            await connection.execute(delete(table).where(column))


async def recorded(journal: SqlJournal) -> frozenset[str]:
    """The refs of the events that are recorded."""
    async with transaction(journal._engines.reading) as connection:
        return frozenset((await connection.execute(select(tables.events.c.ref))).scalars().all())


async def next_moment(journal: SqlJournal, clock: ManualClock) -> int | None:
    """Whole seconds until a lease runs out or something is due; None: nothing waits for time."""
    table = tables.actions
    query = select(func.min(func.coalesce(table.c.lease_until, table.c.due_at))).where(
        table.c.state.in_([State.RUNNING.value, State.WAITING.value])
    )
    async with transaction(journal._engines.reading) as connection:
        moment: int | None = (await connection.execute(query)).scalar_one()
    if moment is None:
        return None
    return max(0, -((to_micros(clock.now()) - moment) // 1_000_000))


@asynccontextmanager
async def open_quick_journal(folder: Path) -> AsyncIterator[SqlJournal]:
    """With an earlier text in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiosqlite, "connect", _connect_without_thread)
        engines = open_engines(f"sqlite:{folder}/journal.db")
        for engine in (engines.writing, engines.reading):
            event.listen(engine.sync_engine, "connect", _do_not_sync)
        try:
            await migrate(engines.writing)
            async with SqlJournal(engines, clock=ManualClock(NOON)).running() as journal:
                await _remember_earlier(journal)
                yield journal
        finally:
            await engines.dispose()


def _do_not_sync(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


async def _remember_earlier(journal: SqlJournal) -> None:
    await journal.record([a_record(EARLIER.event_id, EARLIER)])
    granted = await journal.claim(a_claim(EARLIER))
    assert isinstance(granted, Granted)
    await journal.finish(
        Finish(
            action_id=EARLIER.id,
            seq=granted.seq,
            state=State.DONE,
            reference=REFERENCE,
            called=True,
            attempt=Attempt(started_at=NOON, took=timedelta(0), outcome="done"),
        )
    )


class _AtOnce:
    """Stands where the driver has a queue to its thread, and does the work itself."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, work = item
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
            if future is not None:
                future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class _Threadless(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, 64)
        self._tx = _AtOnce()  # type: ignore[assignment]

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()


def _connect_without_thread(database: str, **settings: Any) -> aiosqlite.Connection:
    """For `aiosqlite.connect`: thousands of short transactions, three times as fast."""

    def connect() -> sqlite3.Connection:
        made: sqlite3.Connection = sqlite3.connect(database, **settings)
        return made

    return _Threadless(connect)
