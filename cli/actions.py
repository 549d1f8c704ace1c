"""`postern actions`: which actions there are, newest first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from cli.journal import reading
from cli.options import json_option, settings_of, settings_options
from cli.output import add_row, console, moment, print_json, state_text, table
from cli.recipient import configured_regions, recipient
from core.journal.port import ActionFilter, ActionPage, Reported
from core.journal.states import State
from core.settings import Settings
from gateway.http.answers import show_page


@click.command("actions")
@click.option("--to", metavar="PHONE", help="Whom it reaches: a number in any form, or an address.")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Where it is.")
@click.option("--provider", metavar="NAME", help="Only this provider's.")
@click.option("--rule", metavar="ID", help="Only those that this rule planned.")
@click.option("--source", metavar="NAME", help="Only those of this source's events.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--before", metavar="CURSOR", help="The next page: what the page before ended with.")
@json_option
@settings_options
def command(
    *,
    to: str | None,
    state: str | None,
    provider: str | None,
    rule: str | None,
    source: str | None,
    limit: int,
    before: str | None,
    as_json: bool,
    config: Path | None,
    data: Path | None,
) -> None:
    """List actions, newest first: what became of each, and why.

    A phone number may be typed as people write it; national numbers are read in the region of the
    configured providers.

    Example: postern actions --to "0151 23456789" --state parked
    """
    wanted = ActionFilter(
        source=source,
        to=recipient(to, configured_regions(config)) if to is not None else None,
        state=State(state) if state is not None else None,
        provider=provider,
        rule=rule,
        limit=limit,
        before=before,
    )
    page = asyncio.run(_read(settings_of(config, data), wanted))
    if as_json:
        print_json(show_page(page))
    else:
        _print(page)


async def _read(settings: Settings, wanted: ActionFilter) -> ActionPage:
    async with reading(settings) as journal:
        return await journal.actions(wanted)


def why(action: Reported) -> str:
    """What is to be said about the state an action is in."""
    parts = [action.reason or ""]
    if action.state is State.WAITING and action.due_at is not None:
        parts.append(f"due {moment(action.due_at)}")
    return ", ".join(part for part in parts if part)


def _print(page: ActionPage) -> None:
    if not page.actions:
        print("No action fits.")
        return
    rows = table("created", "rule", "step", "to", "state", "reason", "reference", "event")
    for each in page.actions:
        add_row(
            rows,
            moment(each.created_at),
            each.rule,
            each.step,
            each.recipient,
            state_text(each.state),
            why(each),
            each.reference,
            each.ref,
        )
    console().print(rows)
    if page.next is not None:
        print(f"There are more: add --before {page.next}")
