"""`postern books`: the proof that nothing is missing.

The journal's side comes from one consistent reading. Beside it stand the queues, which nobody can
read in the same instant: a message in a worker's hand is in no queue, and its row may still say
`queued`. So what looks wrong only counts if it stays so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cli.journal import reading
from cli.options import json_option, providers_of, settings_of, settings_options
from cli.output import add_row, console, print_json, state_text, table
from cli.queues import Depth, queue_depths
from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE, Topology
from core.errors import Unroutable
from core.journal.port import Books, ReadJournal
from core.journal.states import State
from core.settings import Settings

PAUSE = 0.5
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The books and, beside them, how many messages are ready in the queues."""

    books: Books
    recorder: int
    dead: int
    depths: Mapping[str, int]

    @property
    def work(self) -> int:
        return sum(self.depths.values())

    @property
    def queued(self) -> int:
        return self.books.states.get(State.QUEUED, 0)

    @property
    def stranded(self) -> dict[str, int]:
        """Actions that are queued although their own queue is empty, by queue. One lane's messages
        must not hide what is missing in another."""
        counts = {
            f"postern.{provider}.{lane}": count
            for (provider, lane), count in self.books.queued.items()
        }
        return {queue: count for queue, count in counts.items() if not self.depths.get(queue)}


def problems(ledger: Ledger) -> list[str]:
    """What does not balance, in words. Empty: nothing is missing."""
    found = []
    if ledger.books.rowless:
        found.append(f"{ledger.books.rowless} planned actions have no row in the journal")
    for queue, count in ledger.stranded.items():
        found.append(
            f"{count} actions are queued, but {queue} is empty "
            "(the scheduler publishes such actions again after five minutes)"
        )
    rows = sum(ledger.books.states.values())
    if rows != ledger.books.accepted - ledger.books.rowless:
        found.append(
            f"{ledger.books.accepted} actions were accepted, {rows} have a row and a state"
        )
    return found


@click.command("books")
@click.option(
    "--patience",
    type=click.FloatRange(0, 600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to look again at what does not balance: a message may be in a worker's hand.",
)
@json_option
@settings_options
def command(patience: float, as_json: bool, config: Path | None, data: Path | None) -> None:
    """Prove that nothing is missing: accepted = planned + claimed without a record yet.

    Every accepted action is joined to its row and state, by source and provider; beside it stand
    the recorder's queue and the work queues. Exit 1 if a planned action has no row, or if actions
    are queued while their queue is empty.

    Example: postern books --json
    """
    settings = settings_of(config, data)
    providers = tuple(providers_of(config))
    ledger = asyncio.run(_settled(settings, providers, patience))
    found = problems(ledger)
    if as_json:
        print_json(_as_json(ledger, found))
    else:
        _print(ledger, found)
    raise SystemExit(1 if found else 0)


async def _settled(settings: Settings, providers: tuple[str, ...], patience: float) -> Ledger:
    """The first ledger that balances, or the last one looked at before the patience ran out."""
    queues = Topology.of(providers).work_queues
    loop = asyncio.get_running_loop()
    async with reading(settings) as journal, queue_depths(settings) as depth_of:
        until = loop.time() + patience
        while True:
            ledger = await look(journal, depth_of, queues)
            if not problems(ledger) or loop.time() >= until:
                return ledger
            await asyncio.sleep(PAUSE)


async def look(journal: ReadJournal, depth_of: Depth, queues: Sequence[str]) -> Ledger:
    """One look at both sides. The journal is read between two looks at the queues: a message that
    was claimed in the meantime is seen on one side at least."""

    async def held(queue: str) -> int:
        try:
            return await depth_of(queue)
        except Unroutable:
            return 0  # one that is not there

    before = {queue: await held(queue) for queue in queues}
    books = await journal.books()
    return Ledger(
        books=books,
        recorder=await held(RECORDER_QUEUE),
        dead=await held(DEAD_QUEUE),
        depths={queue: max(before[queue], await held(queue)) for queue in queues},
    )


def _as_json(ledger: Ledger, found: list[str]) -> dict[str, object]:
    books = ledger.books
    return {
        "balanced": not found,
        "problems": found,
        "accepted": books.accepted,
        "planned": books.planned,
        "claimed_without_record": books.claimed_only,
        "without_row": books.rowless,
        "events": books.events,
        "states": {state.value: count for state, count in books.states.items()},
        "parts": [
            {"source": source, "provider": provider, "state": state.value, "actions": count}
            for (source, provider, state), count in books.parts.items()
        ],
        "messages": {"work": ledger.work, "recorder": ledger.recorder, "dead": ledger.dead},
    }


def _print(ledger: Ledger, found: list[str]) -> None:
    books = ledger.books
    print(
        f"{books.accepted} actions accepted = {books.planned} planned in {books.events} recorded "
        f"events + {books.claimed_only} claimed without a record yet"
    )
    rows = table("source", "provider", "state", "actions")
    for (source, provider, state), count in books.parts.items():
        unread = "(unreadable)"
        add_row(rows, source or unread, provider or unread, state_text(state), count)
    for state in State:
        if count := books.states.get(state, 0):
            add_row(rows, "(all)", "(all)", state_text(state), count)
    add_row(rows, "(all)", "(all)", "(no row)", books.rowless)
    console().print(rows)
    print(f"recorder's queue: {ledger.recorder} messages; postern.dead: {ledger.dead}")
    print(f"queued in the journal: {ledger.queued}; messages in the work queues: {ledger.work}")
    for problem in found:
        print(f"NOT BALANCED: {problem}")
    if not found:
        print("The books balance.")
