"""`postern status`: how it stands, at a glance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from pathlib import Path

import click

from cli.admin import asked
from cli.journal import operating
from cli.options import json_option, settings_of, settings_options
from cli.output import add_row, console, moment, print_json, state_text, table
from cli.queues import queue_depths
from cli.rules_check import load
from cli.spool import spooled_at
from core.broker.topology import Topology
from core.clock import SystemClock
from core.document import read_document
from core.errors import ConfigurationError, JournalError
from core.settings import Settings
from gateway.operator.answers import show_status
from gateway.operator.status import (
    BrokerSide,
    JournalSide,
    Status,
    queues_of,
    read_broker,
    read_journal,
)
from vendors.load import load_providers
from vendors.registry import VENDORS

PATIENCE = timedelta(seconds=1)


@click.command("status")
@json_option
@settings_options
def command(as_json: bool, config: Path | None, data: Path | None) -> None:
    """Tell how it stands: the queues, the journal, breakers, pauses, what is open for longest.

    A breaker is told of by each consumer that has one. The spool is that of the gateway beside this
    command, at POSTERN_ADMIN, if there is one. Exit 1 if the broker or the journal does not answer,
    or if the configuration is refused.

    Example: postern status
    """
    settings = settings_of(config, data)
    status = asyncio.run(_read(settings))
    now = SystemClock().now()
    if as_json:
        print_json(show_status(status, now))
    else:
        _print(status, now)
    wrong = status.broker.problem or status.journal_problem or status.rules_problem
    raise SystemExit(1 if wrong else 0)


async def _read(settings: Settings) -> Status:
    rules, refused, queues = None, None, Topology.of([])
    try:
        rules = load(settings.config).version
        queues = Topology.of(load_providers(read_document(settings.config), VENDORS))
    except ConfigurationError as error:
        # What runs goes on with the one before: how it stands is asked for all the more.
        refused = str(error)
    broker, side, spooled = await asyncio.gather(
        _broker(settings, queues), _told(_journal(settings)), asyncio.to_thread(_spooled)
    )
    return Status(
        rules=rules,
        rules_problem=refused,
        broker=broker,
        journal=side if isinstance(side, JournalSide) else None,
        journal_problem=side if isinstance(side, str) else None,
        spooled=spooled,
    )


def _spooled() -> int | None:
    """None: there is no gateway beside us, or it keeps nothing."""
    try:
        return spooled_at(asked(), within=PATIENCE)
    except (OSError, ConfigurationError):
        return None


async def _broker(settings: Settings, topology: Topology) -> BrokerSide:
    try:
        async with queue_depths(settings) as depth:
            return await read_broker(depth, queues_of(topology))
    except ConfigurationError as error:
        # The file of an embedded broker is not there yet.
        return BrokerSide(depths={}, problem=str(error))


async def _journal(settings: Settings) -> JournalSide:
    async with operating(settings) as journal:
        return await read_journal(journal)


async def _told(side: Awaitable[JournalSide]) -> JournalSide | str:
    try:
        return await side
    except JournalError as error:
        return str(error)


def _print(status: Status, now: datetime) -> None:
    print(f"broker   {status.broker.problem or 'answers'}")
    print(f"journal  {status.journal_problem or 'answers'}")
    side = status.journal
    newest = f", newest recorded event {side.newest_rules or '-'}" if side is not None else ""
    if status.rules_problem is not None:
        print(f"rules    refused: {status.rules_problem}{newest}")
    else:
        print(f"rules    {status.rules} in the configuration{newest}")
    if status.spooled is not None:
        print(f"spool    {status.spooled} messages")
    if side is not None:
        print(f"parked   {side.parked}")
    rows = table("queue", "messages")
    for queue, depth in status.broker.depths.items():
        add_row(rows, queue, "not there" if depth is None else depth)
    console().print(rows)
    if side is not None:
        _print_journal(side, now)


def _print_journal(side: JournalSide, now: datetime) -> None:
    if side.pauses:
        rows = table("paused", "name", "since", "by")
        for pause in side.pauses:
            add_row(rows, pause.kind.value, pause.name, moment(pause.paused_at), pause.paused_by)
        console().print(rows)
    if side.breakers:
        rows = table("provider", "breaker", "since", "cause", "consumer")
        for seen in side.breakers:
            add_row(rows, seen.provider, seen.state, moment(seen.since), seen.cause, seen.owner)
        console().print(rows)
    if side.oldest:
        rows = table("provider", "lane", "state", "actions", "oldest")
        for each in side.oldest:
            add_row(
                rows,
                each.provider or "(unreadable)",
                each.lane,
                state_text(each.state),
                each.count,
                age(now - each.since),
            )
        console().print(rows)


def age(duration: timedelta) -> str:
    """`3 d 4 h`, `12 m 5 s`: the two largest parts."""
    seconds = max(0, int(duration.total_seconds()))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
