"""`make bench-scale`: what an event costs at each station, what larger rates take by that, and how
well the same figures foretell a steady load on this machine.

Nothing is asserted, and nothing is written unless `--page` asks for it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import share_cores
from bench.scale.model import costs_table, needs_table
from bench.scale.stations import (
    ORDER,
    VIEWED,
    Measured,
    measure_kind,
    measure_limits,
    measure_steady,
)
from bench.stage import open_stage
from bench.table import markdown, replace_between_markers

_RATES = (1_000, 10_000, 100_000, 1_000_000)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    load_before = os.getloadavg()[0]
    with open_stage(share_cores(), with_peers=False) as stage:
        kinds = [
            measure_kind(stage, kind, rounds=options.rounds, events=options.events)
            for kind in (VIEWED, ORDER)
        ]
        limits = measure_limits(stage, rounds=options.rounds, seconds=1.0)
        rate = options.share * kinds[-1].most
        steady = measure_steady(stage, ORDER, rate=rate, seconds=options.seconds)
        below = [
            f"One queue takes {limits.queue:,.0f} messages a second here.",
            f"{datetime.now(UTC).date()}, {stage.describe()}.",
            f"Medians of {options.rounds} rounds of {options.events:,} events.",
            f"Load average before the run: {load_before:.1f}.",
        ]
    text = "\n".join(
        [
            *markdown(costs_table([each.costs for each in kinds])),
            "",
            *below,
            *(
                line
                for each in kinds
                for line in ("", *markdown(needs_table(each.costs, limits, _RATES)))
            ),
            "",
            *_foretold(kinds[-1], steady, rate),
        ]
    )
    print(text)
    if options.page is not None:
        replace_between_markers(options.page, text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each kind has its turn")
    parser.add_argument("--events", type=int, default=1000, help="in a turn")
    parser.add_argument("--share", type=float, default=0.5, help="of the maximum, for the check")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the check is")
    parser.add_argument(
        "--page",
        type=Path,
        help="put the tables between the markers of this file",
    )
    return parser


def _foretold(kind: Measured, steady: dict[str, float], rate: float) -> list[str]:
    foretold = kind.costs.shares(rate)
    rows = [(f"share of a core at {rate:,.0f} orders a second", "foretold", "measured", "ratio")]
    rows += [
        (name, f"{foretold[name]:.0%}", f"{share:.0%}", f"{share / foretold[name]:.2f}")
        for name, share in steady.items()
    ]
    return markdown(rows)


if __name__ == "__main__":
    sys.exit(main())
