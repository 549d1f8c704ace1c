"""`make bench`: all cases in one run, in short slices that take turns, round by round; then the
table.

Nothing is asserted, and nothing is written unless `--readme` asks for it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench.client import post_all, post_request
from bench.machine import share_cores
from bench.slices import (
    BATCH_CONNECTIONS,
    CONNECTIONS,
    Case,
    Slice,
    ingress_cases,
    peer_cases,
    viewed,
)
from bench.stage import Stage, open_stage
from bench.table import figures, refusals, replace_between_markers, shares
from bench.way import way_cases
from tests.stack import ROOT

_WARM_UP = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.smoke:
        options.rounds, options.seconds, options.orders = 1, 0.5, 50
    load_before = os.getloadavg()[0]
    with open_stage(share_cores(), with_peers=options.peers) as stage:
        text = _run(stage, options, load_before)
    print(text)
    if options.readme is not None:
        replace_between_markers(options.readme, text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each case has its turn")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long a turn is")
    parser.add_argument("--orders", type=int, default=500, help="in a turn from post to done")
    parser.add_argument("--smoke", action="store_true", help="one short round, to see that it runs")
    parser.add_argument(
        "--peers", action="store_true", help="other frameworks beside it (scripts/setup-peers)"
    )
    parser.add_argument(
        "--readme",
        type=Path,
        nargs="?",
        const=ROOT / "README.md",
        help="put the table between the markers of this file (without a name: README.md)",
    )
    return parser


def _run(stage: Stage, options: argparse.Namespace, load_before: float) -> str:
    cases = _cases(stage, options.orders)
    rounds: dict[str, list[Slice]] = defaultdict(list)
    for number in range(1, options.rounds + 1):
        for case in cases:
            _progress(f"round {number} of {options.rounds}: {case.name}")
            rounds[case.name].append(case.measure(stage, options.seconds))
    _progress("")
    return "\n".join(
        [
            *figures(cases, rounds),
            "",
            *shares(cases, rounds),
            "",
            *refusals(cases, rounds),
            _below(stage, options, load_before),
        ]
    )


def _cases(stage: Stage, orders: int) -> tuple[Case, ...]:
    """The ways of a request are gone once before: a first call loads what later ones have."""
    url = stage.stack.events
    first = post_request(url, stage.stack.key, orjson.dumps(viewed(0)))
    asyncio.run(post_all(url, [first], connections=1, seconds=_WARM_UP))
    ingress = ingress_cases(stage.oldest_record())
    for case in (*ingress, *peer_cases(stage)):
        case.measure(stage, _WARM_UP)
    return (*ingress, *peer_cases(stage), *way_cases(orders))


def _below(stage: Stage, options: argparse.Namespace, load_before: float) -> str:
    where = (
        "the measured process on one core, everything else on the rest"
        if stage.cores.apart
        else "all processes on the same core"
    )
    lines = [
        "CPU each: what the measured process takes for one of them. Of bare: events against the",
        "bare handler's requests with as many connections, actions against the bare client's",
        "calls. Of raw: messages against the raw publisher's. Measured: the process that a case is",
        "about (handler, gateway, publisher, client, consumer); load: the client of the others.",
        "",
        f"{datetime.now(UTC).date()}, {stage.describe()};",
        f"{where}.",
        f"Medians of {options.rounds} rounds of {options.seconds:g} s, post to done of",
        f"{options.orders} orders with two actions each, the consumer started after them;",
        f"{CONNECTIONS} connections, {BATCH_CONNECTIONS} for batches.",
        f"Load average before the run: {load_before:.1f}.",
    ]
    return "\n".join(lines)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
