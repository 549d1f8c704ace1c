"""What a database's errors mean to us: is it away, or is it the data?"""

from __future__ import annotations

from pathlib import Path

import pytest
from asyncpg.exceptions import InternalClientError

from core.errors import JournalUnavailable
from core.journal.engine import open_engines, transaction


async def test_a_driver_that_lost_its_way_is_a_journal_that_is_away(tmp_path: Path) -> None:
    """SQLAlchemy hands this one on as it is, and a process would end of it."""
    engines = open_engines(f"sqlite:{tmp_path / 'journal.db'}")
    with pytest.raises(JournalUnavailable):
        async with transaction(engines.writing):
            raise InternalClientError("cannot switch to state 12")
    await engines.dispose()
