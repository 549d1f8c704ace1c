"""`make bench-journal`: each case on a small and a large journal by turns, and what the size costs
as a ratio.

PostgreSQL's journals stand in one server; with `--sqlite` both are files. Ten million actions take
about 25 GB and a quarter of an hour to make. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.journal.cases import Subject, cases
from bench.journal.filling import ACTIONS_EACH, fill
from bench.journal.plans import Plans, explain_all
from bench.machine import describe_machine
from bench.table import markdown
from core.journal.connect import open_journal
from tests.servers.postgres import PostgresServer

_HEAD = ("", "small", "large", "ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the journals are; `log`: the server's."""

    small: str
    large: str
    log: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with _sqlite() if options.sqlite else _postgres() as found:
        asyncio.run(_run(found, options))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description=__doc__)
    parser.add_argument("--actions", type=int, default=10_000_000, help="in the large journal")
    parser.add_argument("--small", type=int, default=10_000, help="in the small one")
    parser.add_argument("--rounds", type=int, default=7, help="how often each case has its turn")
    parser.add_argument("--sqlite", action="store_true", help="files instead of PostgreSQL")
    parser.add_argument(
        "--plans", action="store_true", help="also how PostgreSQL answered on the large one"
    )
    return parser


@contextmanager
def _sqlite() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="postern-journals-") as folder:
        yield Place(small=f"sqlite:{folder}/small.db", large=f"sqlite:{folder}/large.db", log=None)


@contextmanager
def _postgres() -> Iterator[Place]:
    with PostgresServer(settings=("max_wal_size=8GB",)) as server:
        yield Place(
            small=server.create_database("small"),
            large=server.create_database("large"),
            log=server.directory / "server.log",
        )


async def _run(place: Place, options: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    for url, actions in ((place.small, options.small), (place.large, options.actions)):
        began = time.monotonic()
        await fill(url, actions, now)
        _tell(f"{actions:,} actions were made in {time.monotonic() - began:.0f} s")
    async with (
        _subject(place.small, options.small, now) as small,
        _subject(place.large, options.actions, now) as large,
    ):
        took = await _measure(small, large, options.rounds)
    print("\n".join(_table(took)))
    print(
        f"\n{options.small:,} and {options.actions:,} actions; medians of {options.rounds} rounds"
    )
    print(f"{datetime.now(UTC).date()}, {describe_machine(os.cpu_count() or 1)}")
    if options.plans and place.log is not None:
        await explain_all(place.large)
        async with open_journal(place.large) as journal:
            await _explain(replace(large, journal=journal), Plans(place.log))


@contextlib.asynccontextmanager
async def _subject(url: str, actions: int, now: datetime) -> AsyncIterator[Subject]:
    async with open_journal(url) as journal:
        yield Subject(journal=journal, orders=actions // ACTIONS_EACH, now=now)


Took = dict[str, list[tuple[float | None, float | None]]]


async def _measure(small: Subject, large: Subject, rounds: int) -> Took:
    """A first round is not counted: statements are prepared in it."""
    of_small, of_large = cases(), cases()
    took: Took = defaultdict(list)
    for number in range(rounds + 1):
        for one, other in zip(of_small, of_large, strict=True):
            pair = (await one.took(small), await other.took(large))
            if number:
                took[one.name].append(pair)
    return took


async def _explain(large: Subject, plans: Plans) -> None:
    all_cases = cases()
    for case in all_cases:
        await case.took(large)  # a driver's first questions are its own
    for case in all_cases:
        plans.since()
        took = await case.took(large)
        await asyncio.sleep(0.2)
        shown = "gave up" if took is None else f"{took * 1000:.1f} ms"
        print(f"\n## {case.name} ({shown})\n")
        for plan in plans.since():
            print(f"```\n{plan}\n```")


def _table(took: Took) -> list[str]:
    rows = [_HEAD]
    for name, pairs in took.items():
        both = [(one, other) for one, other in pairs if one is not None and other is not None]
        if len(both) < len(pairs):
            rows.append((name, _shown([one for one, _ in pairs]), "gave up", ""))
            continue
        ratio = median(other / one for one, other in both)
        rows.append(
            (
                name,
                _shown([one for one, _ in both]),
                _shown([other for _, other in both]),
                f"{ratio:.1f}",
            )
        )
    return markdown(rows)


def _shown(seconds: Sequence[float | None]) -> str:
    there = [each for each in seconds if each is not None]
    return f"{median(there) * 1000:,.1f} ms" if there else "gave up"


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
