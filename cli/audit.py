"""`postern audit`: what operators did."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from cli.journal import operating
from cli.options import json_option, settings_of, settings_options
from cli.output import add_row, console, moment, print_json, table
from core.journal.operator import Audited
from core.settings import Settings
from gateway.operator.answers import show_audit


@click.command("audit")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@settings_options
def command(limit: int, as_json: bool, config: Path | None, data: Path | None) -> None:
    """List what operators did, newest first: who, what, by which selection, to how many actions.

    A number or address that actions were chosen by is not kept. What has no end was interrupted,
    or goes on.

    Example: postern audit --limit 20
    """
    entries = asyncio.run(_read(settings_of(config, data), limit))
    if as_json:
        print_json(show_audit(entries))
    elif not entries:
        print("Nobody has done anything yet.")
    else:
        rows = table("when", "who", "what", "wanted", "actions", "ended")
        for each in entries:
            add_row(
                rows,
                moment(each.at),
                each.who,
                each.what,
                each.wanted,
                each.done,
                moment(each.ended_at),
            )
        console().print(rows)


async def _read(settings: Settings, limit: int) -> list[Audited]:
    async with operating(settings) as journal:
        return await journal.audited(limit=limit)
