"""`postern migrate`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from cli.options import settings_of, settings_options
from core.journal.connect import migrate_journal


@click.command("migrate")
@settings_options
def command(config: Path | None, data: Path | None) -> None:
    """Bring the journal's tables to what this version needs.

    The embedded journal does so by itself when it is opened. A PostgreSQL journal is brought up
    once, before the new version starts; doing it twice changes nothing.

    Example: POSTERN_JOURNAL=postgresql://postern@db/postern postern migrate
    """
    settings = settings_of(config, data)
    before, after = asyncio.run(migrate_journal(settings.journal))
    if before == after:
        print(f"The journal is up to date (revision {after}).")
    else:
        print(f"The journal is at revision {after} now, before: {before or 'none'}.")
