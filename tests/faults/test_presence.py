"""A journal that answers and takes nothing, or comes and goes: messages are not worn out on it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from core.errors import JournalUnavailable
from core.journal.connect import migrate_journal, open_journal
from tests.samples import a_claim, an_action


class Answers:
    """A journal that always answers a ping."""

    async def ping(self) -> None:
        await asyncio.sleep(0)


@pytest.mark.fault(25)
async def test_a_journal_that_answers_and_cannot_be_written_is_away(postgres_url: str) -> None:
    """A standby after a failover: whoever asked it only to read would consume, fail, and again."""
    await migrate_journal(postgres_url)
    admin = await asyncpg.connect(postgres_url)
    name = postgres_url.rpartition("/")[2]
    await admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await admin.close()
    async with open_journal(postgres_url) as journal:
        with pytest.raises(JournalUnavailable):
            await journal.claim(a_claim(an_action()))
        with pytest.raises(JournalUnavailable):
            await journal.ping()


async def test_a_journal_that_is_lost_again_at_once_is_waited_for_longer_each_time() -> None:
    """Every stretch of consuming costs what is in hand one of its few deliveries."""
    metrics = ConsumerMetrics(CollectorRegistry())
    presence = Presence(Answers(), metrics, timedelta(milliseconds=5))
    loop = asyncio.get_running_loop()
    started = loop.time()
    for _ in range(6):
        presence.lost(JournalUnavailable("cannot be written"))
        await presence.returns()
    # 5, 10, 20, 40, 80 and 160 milliseconds.
    assert loop.time() - started >= 0.3


async def test_a_journal_that_was_away_once_is_back_soon() -> None:
    metrics = ConsumerMetrics(CollectorRegistry())
    presence = Presence(Answers(), metrics, timedelta(milliseconds=5))
    presence.lost(JournalUnavailable("restarted"))
    async with asyncio.timeout(1):
        await presence.returns()
    assert not presence.is_away
