"""What a database's errors mean to us: is it away, or is it the data?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from asyncpg.exceptions import (
    AdminShutdownError,
    DataError,
    DeadlockDetectedError,
    InterfaceError,
    InternalClientError,
    NumericValueOutOfRangeError,
    UndefinedColumnError,
)

from core.errors import JournalError, JournalRejected, JournalUnavailable
from core.journal.engine import journal_error, open_engines, transaction


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


@pytest.mark.parametrize(
    ("raised", "error", "told"),
    [
        (DeadlockDetectedError("deadlock detected"), JournalUnavailable, "40P01"),
        (NumericValueOutOfRangeError("+4915112345678"), JournalRejected, "22003"),
        (DataError("invalid input for query argument $1: 'a\ud800'"), JournalRejected, "22000"),
        (UndefinedColumnError("no column x"), JournalUnavailable, "postern migrate"),
        (AdminShutdownError("bye"), JournalUnavailable, "57P01"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else "",
)
def test_what_the_driver_says_itself_means_the_same_as_by_sqlalchemy(
    raised: Exception, error: type[JournalError], told: str
) -> None:
    """The code, by which a deadlock is tried again and bad data is told apart; never the words."""
    made = journal_error(raised)
    assert type(made) is error
    assert told in str(made)
    assert str(raised) not in str(made)
