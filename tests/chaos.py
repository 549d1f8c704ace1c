"""A load while processes are killed: must lose nothing and send nothing twice.

Run by a test in a short form and by `make proof` in the long one; the numbers it prints are its
proof.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.load import Milestones, Proof, Told, post_orders, prove, prove_within
from tests.stack import ROOT, Stack, fast

_SETTLE = 300
"""Seconds in which everything acknowledged must have had its effects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    told: Told
    proof: Proof
    books: dict[str, Any]
    books_exit: int
    seconds: float

    def summary(self) -> str:
        proof = self.proof
        return (
            f"events acknowledged          {proof.events}\n"
            f"actions planned              {proof.planned}\n"
            f"sender's retries             {dict(self.told.retries)}\n"
            f"texts lost                   {len(proof.lost_texts)}\n"
            f"texts twice                  {len(proof.texts_twice)}\n"
            f"updates lost                 {len(proof.lost_updates)}\n"
            f"updates repeated (harmless)  {proof.updates_repeated}\n"
            f"books                        exit {self.books_exit}, {json.dumps(self.books)}\n"
            f"seconds                      {self.seconds:.0f}"
        )


async def run(stack: Stack, events: int) -> Result:
    """Post orders; kill a consumer and the gateway and restart the broker in the middle."""
    started = time.monotonic()
    milestones = Milestones(events, 0.2, 0.45, 0.7)

    async def faults() -> None:
        await milestones.reached(0.2)
        await asyncio.to_thread(stack.kill, "consumers-1")
        await asyncio.to_thread(stack.start, "consumers-1")
        await milestones.reached(0.45)
        await asyncio.to_thread(stack.kill, "gateway")
        await asyncio.to_thread(stack.start, "gateway")
        await milestones.reached(0.7)
        await asyncio.to_thread(stack.broker.restart)

    load = post_orders(stack.events, stack.key, range(events), progress=milestones.progress)
    told, _ = await asyncio.gather(load, faults())
    await prove_within(stack.sandbox, told, _SETTLE)
    until = time.monotonic() + _SETTLE
    code, found = await asyncio.to_thread(ended_books, stack, until)
    return Result(
        told=told,
        proof=await prove(stack.sandbox, told),
        books=found,
        books_exit=code,
        seconds=time.monotonic() - started,
    )


def read_books(stack: Stack) -> tuple[int, dict[str, Any]]:
    """What `postern books` says, and its exit code."""
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "books", "--json"],
        env=stack.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode not in {0, 1} or not ran.stdout:
        raise AssertionError(ran.stderr)
    books: dict[str, Any] = json.loads(ran.stdout)
    return ran.returncode, books


def ended_books(stack: Stack, until: float) -> tuple[int, dict[str, Any]]:
    """The books once every action has ended, or what they are when the time is over."""
    while True:
        code, books = read_books(stack)
        running = sum(books["states"].get(state, 0) for state in ("queued", "waiting", "running"))
        if not running or time.monotonic() > until:
            return code, books
        time.sleep(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """The long form. Exit 0 only if nothing was lost, no text was sent twice and the books
    balance."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with Stack(configuration=fast) as stack:
        result = asyncio.run(run(stack, options.events))
    sys.stdout.write(result.summary() + "\n")
    return 0 if result.proof.holds and result.books_exit == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
