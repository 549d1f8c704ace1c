"""`python -m tests.torture --minutes 10 --seed 1`: exit 0 only if nothing was lost, no text sent
twice, nothing got stuck, consent stands as it was said last, and the books balance."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.journal.connect import open_journal
from core.journal.states import OPEN
from tests.chaos import read_books
from tests.torture.rig import Rig
from tests.torture.schedule import Happened, torture
from tests.torture.traffic import send_steadily
from tests.torture.verdict import Verdict, judge

_SETTLE = 1200.0
"""Seconds in which everything must have ended once the faults are over: lost messages are published
again after five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    seed: int
    started: datetime
    faults: list[Happened]
    verdict: Verdict
    settled: float
    """Seconds from the last fault to the last end."""

    def summary(self) -> str:
        counts = Counter(each.fault for each in self.faults)
        lines = [
            f"{'seed':<26} {self.seed}",
            f"{'faults':<26} {dict(counts)}",
            self.verdict.summary(),
            f"{'seconds to settle':<26} {self.settled:.0f}",
        ]
        if not self.verdict.holds:
            lines += [
                f"{self.started + timedelta(seconds=each.began):%H:%M:%S.%f} "
                f"{each.fault} for {each.ended - each.began:.1f} s"
                for each in sorted(self.faults, key=lambda each: each.began)
            ]
        return "\n".join(lines)


async def run(rig: Rig, *, seconds: float, seed: int, rate: float) -> Result:
    stop = asyncio.Event()

    async def faults() -> list[Happened]:
        try:
            return await torture(rig, seconds, seed)
        finally:
            stop.set()

    began = datetime.now(UTC)
    told, happened = await asyncio.gather(send_steadily(rig, stop, rate=rate, seed=seed), faults())
    started = time.monotonic()
    async with open_journal(rig.environment["POSTERN_JOURNAL"]) as journal:
        while time.monotonic() < started + _SETTLE:
            books = await journal.books()
            if not OPEN & set(books.states) and books.events >= len(told.sent):
                break
            await asyncio.sleep(0.5)
        settled = time.monotonic() - started
        code, found = await asyncio.to_thread(read_books, rig)
        verdict = await judge(rig, journal, told, found, code)
    return Result(seed=seed, started=began, faults=happened, verdict=verdict, settled=settled)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--rate", type=float, default=30, help="events a second")
    parser.add_argument("--folder", type=Path, help="where logs are kept (default: nowhere)")
    options = parser.parse_args(arguments)
    sys.stdout.write(f"seed {options.seed}, {options.minutes:g} minutes\n")
    sys.stdout.flush()
    with Rig(options.folder) as rig:
        result = asyncio.run(
            run(rig, seconds=options.minutes * 60, seed=options.seed, rate=options.rate)
        )
    sys.stdout.write(result.summary() + "\n")
    return 0 if result.verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main())
