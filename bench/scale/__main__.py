"""`make bench-scale`: what an event costs at each station, what larger rates take by that, and how
well the same figures foretell a steady load on this machine.

Nothing is asserted, and nothing is written unless `--page` asks for it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import share_cores
from bench.scale.model import Costs, costs_table, needs_table
from bench.scale.stations import (
    ORDER,
    VIEWED,
    Steady,
    costs_of,
    measure_idle,
    measure_limits,
    measure_most,
    measure_steady,
)
from bench.stage import open_stage
from bench.table import markdown, replace_between_markers

_RATES = (1_000, 10_000, 100_000, 1_000_000)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    load_before = os.getloadavg()[0]
    with open_stage(share_cores(), with_peers=False) as stage:
        idle = measure_idle(stage, seconds=options.seconds)
        kinds = []
        for kind in (VIEWED, ORDER):
            most = measure_most(stage, kind, rounds=options.rounds, events=options.events)
            rate = options.share * most
            steady = measure_steady(stage, kind, rate=rate, seconds=options.seconds)
            kinds.append((kind, most, costs_of(stage, kind, steady, idle)))
        limits = measure_limits(stage, rounds=options.rounds, seconds=1.0)
        kind, most, costs = kinds[-1]
        slower = measure_steady(
            stage, kind, rate=options.share / 2 * most, seconds=2 * options.seconds
        )
        below = [
            *(
                f"One consumer process carries out {most:,.0f} a second: {kind.name}."
                for kind, most, _ in kinds
            ),
            f"One queue takes {limits.queue:,.0f} messages a second here.",
            f"{datetime.now(UTC).date()}, {stage.describe()}.",
            f"Costs at {options.share:.0%} of that, for {options.seconds:g} s.",
            f"Load average before the run: {load_before:.1f}.",
        ]
    text = "\n".join(
        [
            *markdown(costs_table([each for _, _, each in kinds])),
            "",
            *below,
            *(
                line
                for _, _, each in kinds
                for line in ("", *markdown(needs_table(each, limits, _RATES)))
            ),
            "",
            *_foretold(costs, slower, idle),
        ]
    )
    print(text)
    if options.page is not None:
        replace_between_markers(options.page, text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often a backlog is carried out")
    parser.add_argument("--events", type=int, default=1000, help="in a backlog")
    parser.add_argument("--share", type=float, default=0.5, help="of the maximum, for the costs")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="how long a steady rate is held"
    )
    parser.add_argument(
        "--page",
        type=Path,
        help="put the tables between the markers of this file",
    )
    return parser


def _foretold(costs: Costs, steady: Steady, idle: Mapping[str, float]) -> list[str]:
    """Half the rate, by what was measured at the whole."""
    foretold = {name: idle[name] + share for name, share in costs.shares(steady.rate).items()}
    rows = [
        (
            f"share of a core at {steady.rate:,.0f} orders a second",
            *("idle", "foretold", "measured", "ratio"),
        )
    ]
    rows += [
        (
            name,
            f"{idle[name]:.0%}",
            f"{foretold[name]:.0%}",
            f"{share:.0%}",
            f"{share / foretold[name]:.2f}",
        )
        for name, share in steady.shares.items()
    ]
    return markdown(rows)


if __name__ == "__main__":
    sys.exit(main())
