"""`postern forget`: a person who is to be erased from the journal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click
import orjson

from cli.journal import operating
from cli.operating import ask, dry_run_option, print_as_json, who_option, yes_option
from cli.options import json_option, settings_of, settings_options
from cli.output import add_row, console, state_text, table
from cli.person import person_of
from cli.recipient import configured_regions
from core.broker.embedded.emptying import FileEmptied, empty_queues, empty_spool
from core.clock import SystemClock
from core.journal.machine import CANCELLABLE
from core.journal.operator import Erasure, OperatorJournal
from core.journal.states import State
from core.messages import JsonObject
from core.person import Person
from core.settings import Settings

_QUEUES = "the embedded queues, which a process works on, until their messages have been taken"
_SPOOL = "the spool, which a gateway works on, until it has drained"

SLICE = 200
"""Rows looked through in one transaction."""

Step = Callable[[str | None], Awaitable[Erasure]]


@dataclass(slots=True, kw_only=True)
class Count:
    """What the slices found together; an action that was met twice counts as it was last."""

    events: int = 0
    unreadable: int = 0
    actions: dict[str, State] = field(default_factory=dict)
    in_files: int = 0
    """Messages emptied or removed in the files of the spool and of the embedded queues."""

    @property
    def in_hand(self) -> int:
        return self.states[State.RUNNING]

    @property
    def states(self) -> Counter[State]:
        return Counter(self.actions.values())

    def shown(self) -> JsonObject:
        return {
            "events": self.events,
            "unreadable": self.unreadable,
            "states": {state.value: count for state, count in sorted(self.states.items())},
            "in_hand": self.in_hand,
            "in_files": self.in_files,
        }

    def found_anything(self) -> bool:
        return bool(self.events or self.unreadable or self.actions)


@click.command("forget")
@click.argument("addresses", metavar="PHONE|EMAIL|PROFILE...", nargs=-1, required=True)
@dry_run_option
@yes_option
@who_option
@json_option
@settings_options
def command(
    *,
    addresses: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    who: str,
    as_json: bool,
    config: Path | None,
    data: Path | None,
) -> None:
    """Erase a person from the journal: every event and action about them is emptied.

    First is told how much it would be, then somebody is asked. Every address given is looked for as
    a whole value: a phone number in any form, an e-mail address, a profile id. What has not begun
    is cancelled. A keyed hash of each address stays until `journal.keep` has passed, so that a late
    repeat reaches nobody; what happens from now on is new. Exit 1 if a worker had some of it in
    hand: run it again.

    Example: postern forget "0151 23456789" anna@example.com
    """
    settings = settings_of(config, data)
    person, kinds = person_of(addresses, configured_regions(config))
    work = _run(settings, person, kinds, who, dry_run=dry_run, yes=yes, as_json=as_json)
    whole = asyncio.run(work)
    raise SystemExit(0 if whole else 1)


async def _run(
    settings: Settings,
    person: Person,
    kinds: list[str],
    who: str,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> bool:
    async with operating(settings) as journal:
        found = await _look(journal, person)
        if not as_json:
            _print_found(found)
        if dry_run:
            if as_json:
                print_as_json({"preview": found.shown()})
            return True
        # Also where nothing was found: a message about them may still be on its way.
        if not yes:
            ask("Erase all of it for good?")
        erased, until = await _erase(journal, person, kinds, who)
    files = await asyncio.to_thread(_empty_files, settings, person, until)
    elsewhere = _elsewhere(settings, files)
    erased.in_files = sum(each.emptied + each.removed for each in files.values())
    if as_json:
        print_as_json(
            {"preview": found.shown(), "result": {**erased.shown(), "elsewhere": elsewhere}}
        )
    else:
        _print_erased(erased, elsewhere)
    return not erased.in_hand


async def _look(journal: OperatorJournal, person: Person) -> Count:
    until = SystemClock().now()

    async def step(after: str | None) -> Erasure:
        return await journal.to_erase(person, until=until, after=after, limit=SLICE)

    return await _through(step)


async def _erase(
    journal: OperatorJournal, person: Person, kinds: list[str], who: str
) -> tuple[Count, datetime]:
    """Raises JournalUnavailable; what was erased by then stays so, and a second run does the
    rest."""
    wanted = orjson.dumps({"addresses": sorted(kinds)}).decode()
    audit = await journal.begin_audit(who=who, what="forget", wanted=wanted)
    # First: what comes in while we look is kept out by what is remembered.
    until: datetime = await journal.remember_erased(person)

    async def step(after: str | None) -> Erasure:
        return await journal.erase(person, until=until, audit=audit, after=after, limit=SLICE)

    erased = await _through(step)
    await journal.end_audit(audit)
    return erased, until


async def _through(step: Step) -> Count:
    count, after = Count(), None
    while True:
        slice_ = await step(after)
        count.events += slice_.events
        count.unreadable += slice_.unreadable
        count.actions |= slice_.actions
        after = slice_.after
        if after is None:
            return count


def _empty_files(settings: Settings, person: Person, until: datetime) -> dict[str, FileEmptied]:
    """The spool and the embedded queues, each if it is there. Raises ConfigurationError for one
    that cannot be used."""
    found: dict[str, FileEmptied | None] = {}
    path = settings.broker.removeprefix("embedded:")
    if path != settings.broker:
        found[_QUEUES] = empty_queues(Path(path), person, until=until)
    if settings.spool is not None:
        found[_SPOOL] = empty_spool(settings.spool, person, until=until)
    return {name: each for name, each in found.items() if each is not None}


def _elsewhere(settings: Settings, files: Mapping[str, FileEmptied]) -> list[str]:
    """Where messages about the person may still lie: they come to nothing when they arrive."""
    places = [name for name, each in files.items() if each.in_use]
    if not settings.broker.startswith("embedded:"):
        places.append("RabbitMQ's queues, until their messages have been taken")
    return places


def _print_found(found: Count) -> None:
    if not found.found_anything():
        print("The journal holds nothing about this person.")
        return
    rows = table("", "", "")
    rows.show_header = False
    add_row(rows, "events", found.events, "to be emptied")
    if found.unreadable:
        add_row(rows, "unreadable messages", found.unreadable, "to be emptied")
    for state in State:
        if count := found.states[state]:
            add_row(rows, state_text(state), count, _becomes(state))
    console().print(rows)


def _becomes(state: State) -> str:
    if state is State.RUNNING:
        return "left: in a worker's hand"
    return "to be cancelled" if state in CANCELLABLE else "to be emptied"


def _print_erased(erased: Count, elsewhere: list[str]) -> None:
    emptied = len(erased.actions) - erased.in_hand
    print(f"{erased.events} events, {emptied} actions, {erased.unreadable} unreadable emptied")
    if erased.in_files:
        print(f"{erased.in_files} messages in the spool or the embedded queues emptied")
    for place in elsewhere:
        print(f"Copies may still lie in {place}; then they come to nothing.")
    if erased.in_hand:
        print(f"{erased.in_hand} actions were in a worker's hand in that moment: run it again.")
