"""`postern cancel`: actions that shall not be carried out any more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from cli.journal import operating
from cli.operating import (
    ask,
    dry_run_option,
    end_progress,
    print_as_json,
    print_preview,
    print_tally,
    progress,
    who_option,
    yes_option,
)
from cli.options import json_option, settings_of, settings_options
from cli.selecting import Picked, selection_of, selection_options
from core.clock import SystemClock
from core.journal.machine import CANCELLABLE
from core.journal.operator import Selection
from core.journal.states import State
from core.settings import Settings
from gateway.operator.answers import show_preview, show_tally
from gateway.operator.work import CANCELLED, Bound, cancel


@click.command("cancel")
@selection_options(CANCELLABLE, CANCELLED)
@dry_run_option
@yes_option
@who_option
@json_option
@settings_options
def command(
    *,
    states: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    who: str,
    as_json: bool,
    config: Path | None,
    data: Path | None,
    **picked: Any,
) -> None:
    """Cancel actions: they end without a call. A call that is under way is not cancelled.

    First is told how many it would be, then somebody is asked. Messages on their way stay in their
    queues and come to nothing. An interrupted run is simply run again. `postern replay --state
    cancelled` brings them back. Exit 1 if a worker had some of them in hand: run it again.

    Example: postern cancel --rule welcome --since 2h
    """
    settings = settings_of(config, data)
    wanted = frozenset(State(state) for state in states) or CANCELLED
    selection = selection_of(Picked(**picked), wanted, config=config, clock=SystemClock())
    done = asyncio.run(_run(settings, selection, who, dry_run=dry_run, yes=yes, as_json=as_json))
    raise SystemExit(0 if done else 1)


async def _run(
    settings: Settings, selection: Selection, who: str, *, dry_run: bool, yes: bool, as_json: bool
) -> bool:
    async with operating(settings) as journal:
        preview = await journal.preview(selection)
        if not as_json:
            print_preview(preview, selection.states, "to be cancelled")
        if dry_run or not preview.wanted:
            if as_json:
                print_as_json({"preview": show_preview(preview)})
            elif not preview.wanted:
                print("Nothing is to be cancelled.")
            return True
        if not yes:
            ask(f"Cancel {preview.wanted} actions?")
        tally = await cancel(
            journal,
            selection,
            who=who,
            clock=SystemClock(),
            bound=Bound(),
            told=progress(preview.wanted, "cancelled"),
        )
        end_progress()
    if as_json:
        print_as_json({"preview": show_preview(preview), "result": show_tally(tally)})
    else:
        print_tally(tally, "cancelled")
        if not tally.complete:
            print("Some were in a worker's hand in that moment: run it again.")
    return tally.complete
