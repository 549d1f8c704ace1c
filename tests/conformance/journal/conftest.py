"""Every test here runs on both adapters of the journal port, with a clock that the test turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.journal.connect import migrate_journal, open_journal
from core.journal.sql import SqlJournal


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def journal(journal_url: str, clock: ManualClock) -> AsyncIterator[SqlJournal]:
    await migrate_journal(journal_url)
    async with open_journal(journal_url, clock=clock) as opened:
        yield opened
