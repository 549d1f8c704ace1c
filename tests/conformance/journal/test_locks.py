"""In which order rows are locked: one for all, whatever language a database sorts by."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from core.clock import ManualClock
from core.journal.connect import migrate_journal, open_journal
from core.messages import Action
from tests.samples import a_claim, an_action

_POLL = 0.02


async def test_rows_are_locked_as_python_sorts(postgres_url: str) -> None:
    """In English the first would be locked last. The scheduler changes rows one by one in Python's
    order; in another one, claims of the same rows would wait for it and it for them."""
    upper, lower = _two_that_languages_sort_otherwise()
    await migrate_journal(postgres_url)
    holder = await asyncpg.connect(postgres_url)
    other = await asyncpg.connect(postgres_url)
    try:
        async with open_journal(postgres_url, clock=ManualClock()) as journal:
            await asyncio.gather(*(journal.claim(a_claim(each)) for each in (upper, lower)))
            async with holder.transaction():
                await holder.execute("SELECT FROM actions WHERE id = $1 FOR UPDATE", lower.id)
                claims = [
                    asyncio.ensure_future(journal.claim(a_claim(each))) for each in (upper, lower)
                ]
                async with asyncio.timeout(10):
                    while not await _is_waited_for(other):  # noqa: ASYNC110 - nothing tells
                        await asyncio.sleep(_POLL)
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await other.execute(
                        "SELECT FROM actions WHERE id = $1 FOR UPDATE NOWAIT", upper.id
                    )
            await asyncio.gather(*claims)
    finally:
        await other.close()
        await holder.close()


def _two_that_languages_sort_otherwise() -> tuple[Action, Action]:
    """Of the first letter that differs, one is a capital that English sorts behind the other."""
    actions = sorted((an_action(f"o-{n}") for n in range(200)), key=lambda action: action.id)
    for upper in actions:
        for lower in actions:
            one, two = upper.id[3:4], lower.id[3:4]
            if one.isupper() and two.islower() and one.lower() > two:
                return upper, lower
    raise AssertionError("none of them differ")


async def _is_waited_for(connection: asyncpg.Connection[asyncpg.Record]) -> bool:
    found = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(found)
