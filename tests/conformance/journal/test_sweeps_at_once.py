"""Sweeps and calls that are claimed in the same moment, by processes that share a PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg

from core.journal.connect import migrate_journal, open_journal
from core.journal.port import Claim, Finish, Granted, Target
from core.journal.sql import SqlJournal
from core.journal.states import State
from tests.samples import NOON, a_claim, an_action

PEOPLE = 20
ROUNDS = 30


def single(n: int, database: int) -> Claim:
    """Found by three keys, some of them shared with other people."""
    person = n % PEOPLE
    found_by = {person, person * 7 % PEOPLE, (person * 3 + 1) % PEOPLE}
    return a_claim(
        an_action(f"o-{n}", at=NOON + timedelta(seconds=n)),
        order_keys=tuple(sorted(f"p-{database}-{key}" for key in found_by)),
        within=f"!database-{database}",
        targets=(Target(entity=f"subscription-{n}", fields=frozenset({"priority"})),),
    )


def sweep(n: int, database: int) -> Claim:
    return a_claim(
        an_action(f"all-{n}", at=NOON + timedelta(seconds=n)),
        order_keys=(f"!database-{database}",),
        within=f"!database-{database}",
        sweeps=True,
        targets=(Target(entity=f"everything-{n}", fields=frozenset({"status"})),),
    )


async def carry(journal: SqlJournal, claim: Claim) -> None:
    result = await journal.claim(claim)
    if isinstance(result, Granted):
        action = claim.message.action
        await journal.finish(Finish(action_id=action.id, seq=result.seq, state=State.DONE))


async def deadlocks(url: str) -> int:
    """How many the server has counted; a connection tells of its own when it ends."""
    connection = await asyncpg.connect(url)
    try:
        others = (
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        async with asyncio.timeout(10):
            while await connection.fetchval(others):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        counted = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
    finally:
        await connection.close()
    return int(counted)


async def test_batches_that_sweep_two_databases_crosswise_do_not_deadlock(
    postgres_url: str,
) -> None:
    """One process sweeps the first and calls in the second, the other the other way round. A
    deadlock is resolved and tried again, but for the second until then nothing is claimed."""
    await migrate_journal(postgres_url)
    async with open_journal(postgres_url) as one, open_journal(postgres_url) as two:
        for first in range(0, ROUNDS * 10, 10):
            async with asyncio.TaskGroup() as group:
                for n, journal, swept, called in ((first, one, 1, 2), (first + 5, two, 2, 1)):
                    for claim in (
                        sweep(n, swept),
                        single(n + 1, called),
                        single(n + 2, called),
                        sweep(n + 3, swept),
                        single(n + 4, called),
                    ):
                        group.create_task(carry(journal, claim))
    assert await deadlocks(postgres_url) == 0
