"""What is written down of events, and how it is read again: records, lists, the books."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from inspect import unwrap
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.util import await_only

from core.clock import ManualClock
from core.errors import ConfigurationError, JournalUnavailable
from core.journal import migrate as migrations
from core.journal.connect import migrate_journal, open_journal
from core.journal.engine import open_engines, transaction
from core.journal.migrate import alembic_config
from core.journal.port import ActionFilter, Attempt, Finish, Granted
from core.journal.rows import new_row
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.journal.tables import actions, metadata
from tests.samples import NOON, a_claim, a_record, an_action


async def test_an_event_comes_back_whole_with_decision_actions_and_attempts(
    journal: SqlJournal,
) -> None:
    text, update = an_action(step="sms.send"), an_action(step="altcraft.set", position=1)
    record = a_record("o-1", text, update, data={"total": 20, "note": "é\u0000😀"})
    written = await journal.record([record])
    assert (written.new_events, written.repeated_events) == (1, 0)
    claim = await journal.claim(a_claim(text))
    assert isinstance(claim, Granted)
    attempt = Attempt(started_at=NOON, took=timedelta(milliseconds=40), outcome="done")
    await journal.finish(
        Finish(action_id=text.id, seq=claim.seq, state=State.DONE, reference="77", attempt=attempt)
    )
    report = await journal.event(record.event.ref)
    assert report is not None
    assert report.record == record
    assert [action.state for action in report.actions] == [State.DONE, State.QUEUED]
    assert report.actions[0].attempts == (attempt,)
    assert report.actions[0].reference == "77"


async def test_a_recipient_too_long_for_an_index_is_recorded_claimed_and_found(
    journal: SqlJournal,
) -> None:
    """An event whose profile id no index takes would otherwise stop the recorder for ever."""
    chance = random.Random(1)
    long = "".join(chr(chance.randrange(0x20000, 0x2A6DF)) for _ in range(1024))
    action = an_action(recipient=long)
    await journal.record([a_record("o-1", action)])
    claim = await journal.claim(a_claim(action))
    assert isinstance(claim, Granted)
    end = Finish(action_id=action.id, seq=claim.seq, state=State.DONE, reference=long)
    assert await journal.finish(end)
    found = (await journal.actions(ActionFilter(to=long))).actions
    assert [one.id for one in found] == [action.id]


async def test_an_unknown_reference_is_none(journal: SqlJournal) -> None:
    assert await journal.event("ev_nothing") is None


async def test_a_repeated_event_is_counted_and_a_different_body_is_flagged(
    journal: SqlJournal,
) -> None:
    await journal.record([a_record("o-1", data={"total": 1})])
    again = await journal.record([a_record("o-1", data={"total": 1})])
    assert (again.new_events, again.repeated_events, again.conflicting) == (0, 1, ())
    other = a_record("o-1", data={"total": 2})
    changed = await journal.record([other, other])
    assert changed.conflicting == (other.event.ref,)
    report = await journal.event(other.event.ref)
    assert report is not None
    assert (report.repeats, report.conflicts) == (3, 2)
    assert report.record.event.data == {"total": 1}, "the first one wins"


async def test_an_end_is_told_once(journal: SqlJournal, clock: ManualClock) -> None:
    """What ended is counted where it ended, not again for each message that comes after."""
    action = an_action(expires_at=NOON)
    clock.advance(timedelta(seconds=1))
    first, again = [await journal.claim(a_claim(action)) for _ in range(2)]
    assert [getattr(first, "ended", None), getattr(again, "ended", None)] == [True, False]


async def test_two_recorders_with_the_same_batch_do_not_collide(
    journal: SqlJournal, journal_url: str, clock: ManualClock
) -> None:
    batch = [a_record(f"o-{n}") for n in range(50)]
    async with open_journal(journal_url, clock=clock) as other:
        await asyncio.gather(journal.record(batch), other.record(list(reversed(batch))))
    assert (await journal.books()).events == 50


async def test_an_action_that_the_rules_parked_is_parked_from_the_start(
    journal: SqlJournal,
) -> None:
    action = an_action(parked="rule welcome: data.phone is missing")
    await journal.record([a_record("o-1", action)])
    (stored,) = (await journal.actions(ActionFilter(state=State.PARKED))).actions
    assert stored.reason == "rule welcome: data.phone is missing"


async def test_the_books_balance_and_tell_claims_without_a_record_apart(
    journal: SqlJournal,
) -> None:
    await journal.record([a_record("o-1"), a_record("o-2")])
    await journal.claim(a_claim(an_action("o-3")))
    books = await journal.books()
    assert (books.planned, books.claimed_only, books.rowless) == (2, 1, 0)
    assert books.accepted == sum(books.states.values()) == 3


async def test_lists_are_filtered_and_paged_newest_first(
    journal: SqlJournal, clock: ManualClock
) -> None:
    for n in range(5):
        await journal.record([a_record(f"o-{n}", an_action(f"o-{n}", recipient="+49151"))])
        clock.advance(timedelta(seconds=1))
    await journal.record([a_record("x", an_action("x", recipient="+49160"))])
    first = await journal.actions(ActionFilter(to="+49151", limit=3))
    second = await journal.actions(ActionFilter(to="+49151", limit=3, before=first.next))
    found = [action.id for action in first.actions + second.actions]
    assert found == [an_action(f"o-{n}").id for n in (4, 3, 2, 1, 0)]
    assert second.next is None
    assert (await journal.actions(ActionFilter(source="other"))).actions == ()


async def test_a_message_that_nobody_can_read_is_kept_as_a_parked_action(
    journal: SqlJournal,
) -> None:
    names = {
        await journal.park_unreadable(b"\x00\xff", queue="postern.sms.bulk", reason="not JSON")
        for _ in range(2)
    }
    assert len(names) == 1
    (stored,) = (await journal.actions(ActionFilter(state=State.PARKED))).actions
    assert (stored.id, stored.reason) == (names.pop(), "not JSON")


async def test_earlier_texts_and_known_references_are_found(journal: SqlJournal) -> None:
    action = an_action()
    claim = await journal.claim(a_claim(action))
    assert isinstance(claim, Granted)
    await journal.finish(
        Finish(
            action_id=action.id,
            seq=claim.seq,
            state=State.DONE,
            reference="77",
            called=True,
            attempt=Attempt(started_at=NOON, took=timedelta(0), outcome="done"),
        )
    )
    earlier = await journal.last_done("sms", "send", other_than="ac_other")
    assert earlier is not None
    assert (earlier.action_id, earlier.reference, earlier.called_at) == (action.id, "77", NOON)
    assert await journal.last_done("sms", "send", other_than=action.id) is None
    assert await journal.references("sms", ["77", "78"]) == frozenset({"77"})


async def test_text_that_the_database_cannot_hold_is_made_storable(journal: SqlJournal) -> None:
    action = an_action()
    claim = await journal.claim(a_claim(action))
    assert isinstance(claim, Granted)
    finish = Finish(
        action_id=action.id, seq=claim.seq, state=State.PARKED, reason="no\x00 \ud800 way"
    )
    assert await journal.finish(finish)
    (stored,) = (await journal.actions(ActionFilter())).actions
    assert stored.reason is not None
    assert stored.reason.startswith("no")


def _differences(connection: Connection) -> list[object]:
    """Between the tables that are there and those that the code uses."""
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrations_make_exactly_the_tables_the_code_uses(
    journal: SqlJournal, journal_url: str
) -> None:
    engines = open_engines(journal_url)
    async with engines.reading.connect() as connection:
        found = await connection.run_sync(_differences)
    await engines.dispose()
    assert found == []


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004"])
async def test_a_journal_of_any_earlier_revision_is_brought_to_the_newest(
    journal_url: str, revision: str
) -> None:
    def begin(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), revision)
        row = new_row(an_action(), now=1)
        connection.execute(insert(actions).values(row))

    engines = open_engines(journal_url)
    async with transaction(engines.writing) as connection:
        await connection.run_sync(begin)
    before, _ = await migrate_journal(journal_url)
    assert before == revision
    async with engines.reading.connect() as connection:
        assert await connection.run_sync(_differences) == []
    async with SqlJournal(engines).running() as journal:
        assert [it.id for it in (await journal.actions(ActionFilter())).actions] == [an_action().id]
    await engines.dispose()


async def test_a_worker_that_holds_a_row_and_a_migration_do_not_wait_for_each_other(
    postgres_url: str,
) -> None:
    """Workers go on while a new version is installed: between the look at a row and its change, one
    meets the migration, which must need nothing of it any more."""

    def begin(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0004")
        connection.execute(insert(actions).values(new_row(an_action(), now=1)))

    engines = open_engines(postgres_url)
    async with transaction(engines.writing) as connection:
        await connection.run_sync(begin)
    async with transaction(engines.writing) as worker:
        await worker.execute(select(actions).with_for_update())
        async with asyncio.timeout(5):
            await migrate_journal(postgres_url)
        await worker.execute(update(actions).values(updated_at=2))
    await engines.dispose()


async def test_migrating_twice_or_at_once_is_harmless(journal_url: str) -> None:
    await asyncio.gather(*(migrate_journal(journal_url) for _ in range(5)))
    before, after = await migrate_journal(journal_url)
    assert before is not None
    assert before == after


async def test_a_migration_may_take_longer_than_anything_else(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a filled journal it does. Cut off it would begin anew each time, and never end."""
    upgrade = command.upgrade

    def slow(config: Config, revision: str) -> None:
        connection = config.attributes["connection"]
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_sleep(1)"))
        else:
            await_only(asyncio.sleep(1))
        upgrade(config, revision)

    monkeypatch.setattr(command, "upgrade", slow)
    for function, name in ((open_engines, "statement_limit"), (unwrap(transaction), "limit")):
        defaults = function.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, name, 0.5)
    before, after = await migrate_journal(journal_url)
    assert before != after


async def test_a_migration_waits_for_another_however_long_and_for_a_table_only_a_little(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several that start at once each bring their migration, and one has to take its time."""
    monkeypatch.setattr(migrations, "_LOCK_LIMIT", "100ms")
    engines = open_engines(postgres_url)
    async with asyncio.TaskGroup() as group, transaction(engines.writing) as another:
        await another.execute(text(f"SELECT pg_advisory_xact_lock({migrations._LOCK})"))
        second = group.create_task(migrate_journal(postgres_url))
        done, _ = await asyncio.wait([second], timeout=1)
        assert not done
    async with transaction(engines.writing) as busy:
        await busy.execute(text("LOCK TABLE alembic_version"))
        with pytest.raises(JournalUnavailable, match="55P03"):
            await migrate_journal(postgres_url)
    await engines.dispose()


async def test_a_journal_that_is_newer_than_the_program_is_refused(journal_url: str) -> None:
    """An old program must not write into tables it does not know."""
    await migrate_journal(journal_url)
    engines = open_engines(journal_url)
    async with transaction(engines.writing) as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    await engines.dispose()
    with pytest.raises(JournalUnavailable, match="older than the journal"):
        await migrate_journal(journal_url)


async def test_a_journal_without_tables_says_what_to_do(postgres_url: str) -> None:
    async with open_journal(postgres_url) as journal:
        with pytest.raises(JournalUnavailable, match="postern migrate"):
            await journal.books()


async def test_a_journal_newer_than_the_program_is_not_touched(journal_url: str) -> None:
    await migrate_journal(journal_url)
    engines = open_engines(journal_url)
    async with engines.writing.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    async with SqlJournal(engines).running() as journal:
        with pytest.raises(JournalUnavailable, match="9999"):
            await journal.claim(a_claim(an_action()))
    await engines.dispose()


async def test_a_journal_that_is_away_is_unavailable_not_an_exception_of_its_driver() -> None:
    async with open_journal("postgresql://nobody@127.0.0.1:1/none") as journal:
        with pytest.raises(JournalUnavailable):
            await journal.ping()
        with pytest.raises(JournalUnavailable):
            await journal.claim(a_claim(an_action()))


@pytest.mark.parametrize(
    "url", ["mysql://x", "sqlite:", "sqlite::memory:", "postgresql://host:port/x"]
)
def test_a_wrong_journal_address_is_a_configuration_error(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="POSTERN_JOURNAL"):
        open_engines(url)
