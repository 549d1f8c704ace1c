"""What a database's errors mean to us: is it away, or is it the data?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from asyncpg.exceptions import AdminShutdownError, InterfaceError, InternalClientError

from core.errors import JournalUnavailable
from core.journal.engine import open_engines, transaction


@pytest.mark.parametrize(
    "raised",
    [
        InternalClientError("cannot switch to state 12"),
        InterfaceError("connection is closed"),
        AdminShutdownError("terminating connection due to administrator command"),
        sqlite3.OperationalError("disk I/O error"),
    ],
    ids=lambda raised: type(raised).__name__,
)
async def test_a_driver_that_lost_its_way_is_a_journal_that_is_away(
    tmp_path: Path, raised: Exception
) -> None:
    """SQLAlchemy hands these on as they are while it connects, and a process would end of them."""
    engines = open_engines(f"sqlite:{tmp_path / 'journal.db'}")
    with pytest.raises(JournalUnavailable):
        async with transaction(engines.writing):
            raise raised
    await engines.dispose()
