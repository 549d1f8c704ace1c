"""`postern replay`: parked or past actions once more, safely."""

from __future__ import annotations

import asyncio
from datetime import timedelta
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
from cli.rules_check import load
from cli.selecting import Picked, moment_of, selection_of, selection_options
from core.clock import SystemClock, to_text
from core.journal.machine import REPLAYABLE
from core.journal.operator import Preview
from core.journal.states import State
from core.settings import Settings
from gateway.operator.answers import show_preview, show_tally
from gateway.operator.planning import RATE
from gateway.operator.work import (
    ENDS_THERE_AGAIN,
    REPLAYED,
    Bound,
    Tally,
    Wish,
    rehearse,
    replay,
)
from gateway.rules.plan import Rules


@click.command("replay")
@selection_options(REPLAYABLE, REPLAYED)
@click.option(
    "--rate",
    type=click.FloatRange(0.01, 10_000),
    default=RATE,
    show_default=True,
    help="How many are due each second.",
)
@click.option(
    "--anew",
    is_flag=True,
    help="Also make once more what may have taken effect, without looking: a text can come twice.",
)
@click.option(
    "--changed-before",
    metavar="WHEN",
    help="Only those to which nothing has happened since.  [default for done and skipped: now]",
)
@dry_run_option
@yes_option
@who_option
@json_option
@settings_options
def command(
    *,
    states: tuple[str, ...],
    rate: float,
    anew: bool,
    changed_before: str | None,
    dry_run: bool,
    yes: bool,
    who: str,
    as_json: bool,
    config: Path | None,
    data: Path | None,
    **picked: Any,
) -> None:
    """Do parked or past actions again, each once.

    What a rule had failed on is planned anew by the rules of the configuration, under the same id;
    everything else is done as it was planned. An unknown outcome is found out first; a call that
    did take effect is not made again. What has expired is left. The due times are spread over the
    rate. An interrupted run is simply run again: what is waiting already is no longer parked.

    Example: postern replay --rule welcome --since 2h --dry-run
    """
    clock = SystemClock()
    wanted = frozenset(State(state) for state in states) or REPLAYED
    before = moment_of(changed_before, "--changed-before", clock)
    if before is None and wanted & ENDS_THERE_AGAIN:
        before = clock.now()
    selection = selection_of(
        Picked(**picked), wanted, config=config, clock=clock, changed_before=before
    )
    wish = Wish(selection=selection, rate=rate, anew=anew)
    settings = settings_of(config, data)
    rules = load(settings.config)
    asyncio.run(_run(settings, wish, rules, who, dry_run=dry_run, yes=yes, as_json=as_json))


async def _run(
    settings: Settings,
    wish: Wish,
    rules: Rules,
    who: str,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    clock = SystemClock()
    async with operating(settings) as journal:
        preview = await journal.preview(wish.selection)
        if not as_json:
            _print_preview(preview, wish)
        todo = preview.wanted - preview.expired
        told = progress(todo, "set waiting")
        if dry_run or not preview.wanted:
            tally = await rehearse(journal, wish, rules, clock=clock)
            _print_result(preview, tally, as_json=as_json, dry_run=True)
            return
        if not yes:
            ask(f"Do {todo} actions again, {wish.rate:g} a second?")
        tally = await replay(journal, wish, rules, who=who, clock=clock, bound=Bound(), told=told)
        end_progress()
    _print_result(preview, tally, as_json=as_json, dry_run=False)


def _print_preview(preview: Preview, wish: Wish) -> None:
    selection = wish.selection
    print_preview(preview, selection.states, "to be done again")
    if preview.expired:
        print(f"{preview.expired} of them have expired (`expires`, or journal.keep): left alone")
    if preview.unknown and wish.anew:
        print(f"WARNING: {preview.unknown} may have taken effect, and are made anew all the same")
    elif preview.unknown:
        print(f"{preview.unknown} of them may have taken effect: that is found out first")
    if State.DONE in selection.states and preview.states.get(State.DONE):
        print("WARNING: what is done is done a second time")
    if selection.changed_before is not None:
        before = to_text(selection.changed_before)
        print(f"If it is interrupted, go on with --changed-before {before}")
    if preview.replayed_for:
        print(f"An earlier replay of these goes on for {_seconds(preview.replayed_for)}")


def _print_result(preview: Preview, tally: Tally, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        name = "would_be" if dry_run else "result"
        print_as_json({"preview": show_preview(preview), name: show_tally(tally)})
        return
    if dry_run:
        print_tally(tally, "would be set waiting")
        return
    print_tally(tally, f"set waiting, the last one due in {_seconds(tally.lasts)}")


def _seconds(duration: timedelta) -> str:
    return f"{round(duration.total_seconds())} s"
