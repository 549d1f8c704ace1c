"""Opens a journal by its URL. The only place, with the composition roots, that knows the
adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.clock import Clock, SystemClock
from core.errors import ConfigurationError
from core.journal.engine import open_engines, parse_journal_url
from core.journal.migrate import migrate
from core.journal.sql import SqlJournal


def is_embedded_journal(url: str) -> bool:
    return parse_journal_url(url).drivername.startswith("sqlite")


@asynccontextmanager
async def open_journal(url: str, *, clock: Clock | None = None) -> AsyncIterator[SqlJournal]:
    """A journal, closed with its context.

    An embedded one is created and migrated here. PostgreSQL may be away: calls then raise
    JournalUnavailable until it is back; its tables are made by `migrate_journal`.
    """
    engines = open_engines(url)
    try:
        if engines.embedded:
            _make_folder(url)
            await migrate(engines.writing)
            clock = clock or SystemClock()
        async with SqlJournal(engines, clock=clock).running() as journal:
            yield journal
    finally:
        await engines.dispose()


async def migrate_journal(url: str) -> tuple[str | None, str | None]:
    """Bring the tables to the newest revision; returns the revision before and after."""
    engines = open_engines(url, statement_limit=None)
    try:
        if engines.embedded:
            _make_folder(url)
        return await migrate(engines.writing)
    finally:
        await engines.dispose()


def _make_folder(url: str) -> None:
    path = Path(parse_journal_url(url).database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the folder {path.parent} cannot be made ({type(error).__name__})",
            field="POSTERN_JOURNAL",
        ) from error
