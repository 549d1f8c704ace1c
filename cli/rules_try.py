"""`postern rules try`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from cli.event_files import read_events
from cli.options import json_option
from cli.output import add_row, console, plain, print_json, table
from cli.rules_check import facts_text, load
from cli.show import explained
from core.clock import SystemClock, to_text
from core.document import read_document
from core.errors import PosternError, RequestError
from core.messages import Event
from gateway.events.plain import plain_event
from gateway.http.answers import show_trial
from gateway.rules.port import Plan


@click.command("try")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("event", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", metavar="NAME", help="Who sends it.  [default: the first source of FILE]")
@json_option
def command(file: Path, event: Path, source: str | None, as_json: bool) -> None:
    """Tell what would be done about an event, explained. Nothing is sent.

    FILE is the configuration, EVENT a file with an event (or an array of them).

    Example: postern rules try postern.yaml order.json
    """
    rules = load(file)
    sender = source or first_source(file)
    for each in read_events([event]):
        tried = event_of(orjson.loads(each.body), sender, place=each.name)
        plan = rules.plan(tried)
        if as_json:
            print_json(show_trial(tried.ref, plan))
        else:
            print_plan(tried, plan)


def first_source(file: Path) -> str:
    """Who sends, where nobody says: the first one of the configuration."""
    sources = read_document(file).data.get("sources") or {}
    return next(iter(sources), "none")


def event_of(raw: Any, source: str, *, place: str, now: datetime | None = None) -> Event:
    """The event as the gateway would read it. Raises PosternError with the place in its text."""
    try:
        return plain_event(raw, source=source, now=now or SystemClock().now())
    except RequestError as error:
        raise PosternError(f"{place}: {error.detail}") from None


def print_plan(event: Event, plan: Plan) -> None:
    to = console()
    to.print(f"{plain(event.type)}  {plain(event.id)}  from {event.source}")
    to.print("\nDecision")
    for part in plan.decision:
        to.print(f"  {plain(explained(part))}")
    for note in plan.notes:
        to.print(f"  {plain(note)}")
    to.print("\nActions")
    for action in plan.actions:
        state = f"parked: {action.parked}" if action.parked else f"would be queued, {action.lane}"
        rows = table("", "")
        rows.show_header = False
        to.print(f"  {action.rule}  {action.step}  {plain(state)}")
        for name, value in action.params.items():
            add_row(rows, f"      {name}", orjson.dumps(value).decode())
        for facts in plan.texts.get(action.id, ()):
            add_row(rows, "      (text)", facts_text(facts))
        if action.expires_at is not None:
            add_row(rows, "      (expires)", to_text(action.expires_at.replace(microsecond=0)))
        if action.params:
            to.print(rows)
    if not plan.actions:
        to.print("  None.")
