"""Engines and transactions: how the two databases are opened, and what their errors mean to us.

SQLite: WAL and `synchronous=FULL`, one writing connection whose transactions take the write lock at
once, and a few reading ones. PostgreSQL: READ COMMITTED for writes, a REPEATABLE READ snapshot for
the books.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from core.errors import ConfigurationError, JournalError, JournalRejected, JournalUnavailable

STATEMENT_TIMEOUT = 10.0
"""Seconds for one statement; seconds for a whole transaction are twice that."""

_WAL_TRIES = 50
_WAL_PAUSE = 0.1
"""Seconds between two of them."""

_DRIVERS = (PostgresError, InterfaceError, InternalClientError, sqlite3.Error)
"""What the drivers themselves raise. SQLAlchemy hands on as they are those of a connection that is
cut while it is being set up, and a process would end of one."""

_REJECTED_CLASSES = ("22", "23", "54")
"""SQLSTATE classes that blame the data: data exception, integrity violation, too large for a limit
of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """One engine to write with, one to read with (the same for PostgreSQL)."""

    writing: AsyncEngine
    reading: AsyncEngine
    embedded: bool

    async def dispose(self) -> None:
        await self.writing.dispose()
        if self.reading is not self.writing:
            await self.reading.dispose()


def parse_journal_url(url: str) -> URL:
    """`sqlite:PATH` or `postgresql://...`; the URL that SQLAlchemy takes. Never shows the
    password."""
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:").removeprefix("//")
        if not path or path == ":memory:":
            raise ConfigurationError("expected sqlite:PATH with a file", field="POSTERN_JOURNAL")
        return URL.create("sqlite+aiosqlite", database=path)
    if url.startswith("postgresql://"):
        try:
            return make_url(url).set(drivername="postgresql+asyncpg")
        except (ArgumentError, ValueError) as error:
            raise ConfigurationError(
                "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE", field="POSTERN_JOURNAL"
            ) from error
    raise ConfigurationError("expected sqlite:PATH or postgresql://...", field="POSTERN_JOURNAL")


def open_engines(url: str, *, statement_limit: float | None = STATEMENT_TIMEOUT) -> Engines:
    """Engines for a journal URL. Nothing is connected yet. `statement_limit`: seconds that
    PostgreSQL may take for one."""
    parsed = parse_journal_url(url)
    if parsed.drivername.startswith("sqlite"):
        writing = _sqlite(parsed, begin="BEGIN IMMEDIATE", pool=1)
        return Engines(
            writing=writing, reading=_sqlite(parsed, begin="BEGIN", pool=2), embedded=True
        )
    engine = create_async_engine(
        parsed,
        pool_size=6,
        max_overflow=4,
        pool_timeout=STATEMENT_TIMEOUT,
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={"timeout": 5.0, "command_timeout": statement_limit},
    )
    return Engines(writing=engine, reading=engine, embedded=False)


def _sqlite(url: URL, *, begin: str, pool: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=STATEMENT_TIMEOUT,
        hide_parameters=True,
        connect_args={"timeout": 5.0},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver's own transaction handling would begin too late for SELECT-then-UPDATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=5000")
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _use_wal(cursor: Any) -> None:
    """SQLite does not wait for a lock while it changes the mode, whatever the busy timeout says: of
    two that open a new file at once, one has to try again."""
    for _ in range(_WAL_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            await_only(asyncio.sleep(_WAL_PAUSE))
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, *, snapshot: bool = False, limit: float | None = 2 * STATEMENT_TIMEOUT
) -> AsyncIterator[AsyncConnection]:
    """A transaction, committed at the end; every database error leaves as a JournalError.
    `limit`: seconds that all of it may take."""
    try:
        async with asyncio.timeout(limit):
            async with engine.connect() as connection:
                if snapshot and engine.dialect.name == "postgresql":
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                async with connection.begin():
                    yield connection
    except JournalError:
        raise
    except (SQLAlchemyError, *_DRIVERS, OSError, TimeoutError) as error:
        raise journal_error(error) from error


def journal_error(error: Exception) -> JournalError:
    """Which of our two errors a database error is. The text names its kind only, never its data."""
    kind = type(error).__name__
    if isinstance(error, PostgresError) and error.sqlstate is not None:
        return _by_code(error.sqlstate)
    if (
        isinstance(error, DBAPIError)
        and error.orig is not None
        and not error.connection_invalidated
    ):
        code = getattr(error.orig, "sqlstate", None) or getattr(
            getattr(error.orig, "__cause__", None), "sqlstate", None
        )
        if isinstance(code, str):
            return _by_code(code)
        if kind in {"DataError", "IntegrityError", "StatementError"}:
            return JournalRejected(f"the journal cannot store this ({kind})")
        return JournalUnavailable(f"the journal failed ({kind})")
    if kind == "StatementError":
        return JournalRejected("the journal cannot store this (StatementError)")
    return JournalUnavailable(f"the journal is away ({kind})")


def _by_code(code: str) -> JournalError:
    """Of an SQLSTATE."""
    if code.startswith("42"):
        return JournalUnavailable("its tables are not as expected: run `postern migrate`")
    if code.startswith(_REJECTED_CLASSES):
        return JournalRejected(f"the journal cannot store this ({code})")
    return JournalUnavailable(f"the journal failed ({code})")


async def database_now(connection: AsyncConnection) -> int:
    """Microseconds of PostgreSQL's own clock: workers on several machines agree on it."""
    query = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT"
    return int((await connection.execute(text(query))).scalar_one())
