"""The journal as commands open it: to read or to operate, and never by making one where there is
none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.errors import JournalUnavailable
from core.journal.connect import is_embedded_journal, open_journal
from core.journal.engine import parse_journal_url
from core.journal.operator import OperatorJournal
from core.journal.port import ReadJournal
from core.settings import Settings


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[ReadJournal]:
    """The journal of these settings. Raises JournalUnavailable if the embedded one is not there."""
    _require(settings.journal)
    async with open_journal(settings.journal) as journal:
        yield journal


@asynccontextmanager
async def operating(settings: Settings) -> AsyncIterator[OperatorJournal]:
    """The same, to change what is in it; an embedded one also beside the process that runs on
    it."""
    _require(settings.journal)
    async with open_journal(settings.journal) as journal:
        yield journal


def _require(url: str) -> None:
    """Opening an embedded journal makes one; an empty one would answer every question wrongly."""
    if is_embedded_journal(url):
        path = Path(parse_journal_url(url).database or "")
        if not path.is_file():
            raise JournalUnavailable(
                f"there is none at {path}; --data or POSTERN_JOURNAL says where it is"
            )
