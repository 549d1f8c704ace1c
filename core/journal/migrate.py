"""Bringing a journal's tables to what this program expects, and telling whether they are.

Migrations stand in `migrations/`. A journal that is newer than the program is refused: an old
program must not write into tables it does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.errors import JournalUnavailable
from core.journal.engine import transaction

_LOCK = 7_305_113_842
"""PostgreSQL advisory lock under which migrations run, so that two starting at once do not
collide."""

_LOCK_LIMIT = "10s"


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


async def migrate(engine: AsyncEngine) -> tuple[str | None, str | None]:
    """Upgrade to the newest revision; returns the revision before and after.

    It takes as long as it takes: a large table may need minutes, and what was cut off would begin
    anew each time. For another migration it waits as long. Only for a table's lock it does not wait
    long, since others queue behind who waits.
    Raises JournalUnavailable if the tables are newer than this program.
    """

    def upgrade(connection: Connection) -> tuple[str | None, str | None]:
        if connection.dialect.name == "postgresql":
            # Before the limit, or who starts during a long migration fails instead of waiting.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_LIMIT}'"))
        before = _revision(connection)
        if before is not None and before not in _known_revisions():
            raise JournalUnavailable(
                f"the journal's tables are at revision {before}, which this program does not know: "
                "it is older than the journal"
            )
        command.upgrade(alembic_config(connection), "head")
        return before, _revision(connection)

    async with transaction(engine, limit=None) as connection:
        return await connection.run_sync(upgrade)


async def check_revision(connection: AsyncConnection) -> None:
    """Raises JournalUnavailable saying what to do unless the tables are exactly as expected."""
    found: Any = await connection.run_sync(_revision)
    expected = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if found != expected:
        raise JournalUnavailable(
            f"the journal's tables are at revision {found or 'none'}, this program needs "
            f"{expected}: run `postern migrate`"
        )


def _known_revisions() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(alembic_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
