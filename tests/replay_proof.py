"""A rule fails on a whole load, is mended, and `postern replay` carries it all out, while the
command is killed twice and a consumer once: nothing may be lost, and no text sent twice.

Run by a test in a short form and by `python -m tests.replay_proof --actions 10000` in the long one;
the numbers it prints are its proof.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.journal.connect import open_journal
from core.journal.operator import OperatorJournal, Selection
from core.journal.states import OPEN, State
from tests.chaos import read_books
from tests.load import Proof, post_orders, prove, prove_within
from tests.stack import ROOT, Stack, fast

RULE = "order-placed"
RIGHT, WRONG = "data.customer.phone", "data.customer.telephone"
EACH = 2
"""Actions of one order: the subscription and the text."""

_PATIENCE = 600
_LOOK = 0.01
"""Seconds between two looks at how far the command is."""


@dataclass(kw_only=True)
class Runs:
    """What became of each run of the command: its exit code (-9: killed), and how many actions it
    had set waiting by then, by the audit."""

    codes: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    parked: int
    runs: Runs
    proof: Proof
    states: dict[str, int]
    books_exit: int
    seconds: float

    @property
    def holds(self) -> bool:
        return (
            self.proof.holds
            and self.runs.codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
            and sum(self.runs.counts) == self.parked
            and self.states == {State.DONE.value: self.parked}
            and self.books_exit == 0
        )

    def summary(self) -> str:
        proof = self.proof
        return (
            f"actions parked               {self.parked}\n"
            f"runs of the command          exit {self.runs.codes}\n"
            f"set waiting by each run      {self.runs.counts}\n"
            f"texts lost                   {len(proof.lost_texts)}\n"
            f"texts twice                  {len(proof.texts_twice)}\n"
            f"updates lost                 {len(proof.lost_updates)}\n"
            f"updates repeated (harmless)  {proof.updates_repeated}\n"
            f"books                        exit {self.books_exit}, {self.states}\n"
            f"seconds                      {self.seconds:.0f}"
        )


def failing(text: str) -> str:
    """The example with a rule that asks for a field that no order has."""
    return fast(text).replace(RIGHT, WRONG)


async def run(stack: Stack, actions: int, *, rate: float = 300, share: float = 0.3) -> Result:
    """`share`: how much of it a run has set waiting when it is killed."""
    started = time.monotonic()
    told = await post_orders(stack.events, stack.key, range(actions // EACH))
    selection = Selection(states=frozenset({State.PARKED}), rule=RULE)
    async with open_journal(stack.environment["POSTERN_JOURNAL"]) as journal:
        await _all_parked(journal, selection, actions)
        await asyncio.to_thread(_mend, stack.config)
        runs = Runs()
        await _replay(stack, journal, runs, rate, kill_at=1 + actions * share)
        await _replay(stack, journal, runs, rate, kill_at=1 + actions * share)
        stack.kill("consumers-1")
        await asyncio.to_thread(stack.start, "consumers-1")
        await _replay(stack, journal, runs, rate, kill_at=None)
        await prove_within(stack.sandbox, told, _PATIENCE)
        await _all_ended(journal)
    code, books = await asyncio.to_thread(read_books, stack)
    return Result(
        parked=actions,
        runs=runs,
        proof=await prove(stack.sandbox, told),
        states=dict(books["states"]),
        books_exit=code,
        seconds=time.monotonic() - started,
    )


async def _all_parked(journal: OperatorJournal, selection: Selection, actions: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            if (await journal.preview(selection)).wanted == actions:
                return
            await asyncio.sleep(0.5)


async def _all_ended(journal: OperatorJournal) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            if not OPEN & set((await journal.books()).states):
                return
            await asyncio.sleep(0.5)


def _mend(config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace(WRONG, RIGHT), encoding="utf-8")


def _start(stack: Stack, rate: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "replay", "--rule", RULE, "--rate", str(rate), "--yes"],
        env=stack.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def _replay(
    stack: Stack, journal: OperatorJournal, runs: Runs, rate: float, *, kill_at: float | None
) -> None:
    """One run of the command; it is killed as soon as it has set so many waiting."""
    earlier = len(await journal.audited(limit=100))
    process = _start(stack, rate)
    if kill_at is not None:
        await _reached(journal, process, earlier, kill_at)
        process.kill()
    output, _ = await asyncio.to_thread(process.communicate, timeout=_PATIENCE)
    if process.returncode not in {0, -signal.SIGKILL}:
        raise AssertionError(output)
    runs.codes.append(process.returncode)
    # What was in a transaction at the kill may still be committed by the server for a moment.
    await asyncio.sleep(0.5)
    entries = await journal.audited(limit=100)
    runs.counts.append(entries[0].done if len(entries) > earlier else 0)


async def _reached(
    journal: OperatorJournal, process: subprocess.Popen[str], earlier: int, count: float
) -> None:
    async with asyncio.timeout(_PATIENCE):
        while process.poll() is None:
            entries = await journal.audited(limit=1 + earlier)
            if len(entries) > earlier and entries[0].done >= count:
                return
            await asyncio.sleep(_LOOK)


def main(arguments: Sequence[str] | None = None) -> int:
    """The long form. Exit 0 only if every action was carried out, no text twice, and the command
    was really killed twice."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--actions", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with Stack(configuration=failing) as stack:
        result = asyncio.run(run(stack, options.actions))
    sys.stdout.write(result.summary() + "\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(main())
