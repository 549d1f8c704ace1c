"""`make soak`: the whole way under a steady load for long, and what the first minutes and the last
ones were like.

First it finds how many orders a second this machine carries out while it takes as many, then it
sends a share of that. No process is kept apart on a core of its own. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from bench.client import post_all, post_request
from bench.machine import all_cores
from bench.slices import fresh_orders
from bench.stage import CONSUMER, Stage, open_stage
from bench.table import markdown
from bench.way import ACTIONS, await_done, done_in, way_to_done
from core.journal.states import OPEN
from tests.servers.usage import megabytes, open_files

_WINDOW = 10.0
"""Seconds between two looks at the processes."""
_CONNECTIONS = 16
_ENDS = 300.0
"""Seconds at the beginning and at the end that are compared."""
_TRIALS = 6
_TRIAL = 20.0
"""Seconds of each of the trials that find the maximum."""
_NEARLY = 0.95
_PARTS = ("gateway", CONSUMER)

_WAITING = f"""
    SELECT count(*) AS count FROM actions
    WHERE state IN ({", ".join(f"'{state}'" for state in sorted(OPEN))})
"""
_TOOK = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY {moment} - received_at) AS half,
           percentile_cont(0.99) WITHIN GROUP (ORDER BY {moment} - received_at) AS most
    FROM actions JOIN events USING (ref)
    WHERE state = 'done' AND received_at >= {since} AND received_at < {until}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A few seconds of load, and the processes after them. Moments are microseconds since 1970."""

    began: int
    ended: int
    answers: Sequence[float]
    refused: int
    memory: dict[str, int]
    files: dict[str, int]
    waiting: int
    """Actions that were accepted and not done."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with open_stage(all_cores(), with_peers=False) as stage:
        most = _maximum(stage, options.orders)
        if not most:
            print("not one of the trials was kept up with: the machine is too busy")
            return 1
        rate = options.share * most
        print(f"{most:.0f} orders/s at most; {rate:.0f} orders/s, {options.share:.0%} of that, now")
        sys.stdout.flush()
        stage.empty_journal()
        stage.start_consumer()
        try:
            windows = _soak(stage, rate, options.minutes * 60)
            sent = ACTIONS * sum(len(each.answers) for each in windows)
            done = await_done(lambda: done_in(stage), sent).actions
        finally:
            stage.stop_consumer()
        print("\n".join(_table(stage, windows)))
        print(f"\n{options.minutes:g} minutes, {done:,} actions done, none left")
        print(f"{datetime.now(UTC).date()}, {stage.describe()}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long")
    parser.add_argument("--share", type=float, default=0.7, help="of the maximum")
    parser.add_argument("--orders", type=int, default=1000, help="by which the maximum is found")
    return parser


def _maximum(stage: Stage, orders: int) -> float:
    """Orders a second that are carried out while as many are taken.

    Less than what the consumer carries out with nothing else to do: the gateway takes its time
    from the same cores.
    """
    least, most = 0.0, way_to_done(orders).measure(stage, 0.0).rate / ACTIONS
    for _ in range(_TRIALS):
        rate = (least + most) / 2
        if _keeps_up(stage, rate):
            least = rate
        else:
            most = rate
    return least


def _keeps_up(stage: Stage, rate: float) -> bool:
    """Whether all that is asked is taken, and what waits at the end has come within the last
    second."""
    stage.empty_journal()
    stage.start_consumer()
    try:
        stage.await_consumer()
        trial = _window(stage, rate, _TRIAL)
        taken = len(trial.answers) > _NEARLY * rate * _TRIAL
        return taken and not trial.refused and trial.waiting < rate * ACTIONS
    finally:
        stage.stop_consumer()
        stage.empty_queues()


def _soak(stage: Stage, rate: float, seconds: float) -> list[Window]:
    windows: list[Window] = []
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 1:
        windows.append(_window(stage, rate, min(_WINDOW, left)))
    return windows


def _window(stage: Stage, rate: float, seconds: float) -> Window:
    url = stage.stack.events
    orders = fresh_orders(int(rate * seconds))
    requests = (post_request(url, stage.stack.key, body) for body in orders)
    began = _now()
    load = asyncio.run(
        post_all(url, requests, connections=_CONNECTIONS, seconds=seconds, rate=rate)
    )
    pids = {part: stage.stack.pid(part) for part in _PARTS}
    return Window(
        began=began,
        ended=_now(),
        answers=load.latencies,
        refused=load.refused,
        memory={part: megabytes(pid) for part, pid in pids.items()},
        files={part: open_files(pid) for part, pid in pids.items()},
        waiting=int(stage.ask_journal(_WAITING)[0]["count"]),
    )


def _now() -> int:
    return time.time_ns() // 1000


def _table(stage: Stage, windows: Sequence[Window]) -> list[str]:
    first, last = _first(windows), _first(windows[::-1])
    sides = [_figures(stage, first), _figures(stage, last)]
    rows = [("", "first minutes", "last minutes")]
    rows += [(name, sides[0][name], sides[1][name]) for name in sides[0]]
    return markdown(rows)


def _first(windows: Sequence[Window]) -> list[Window]:
    """As many as fill the time, but never more than half of them."""
    return list(windows)[: max(1, min(int(_ENDS / _WINDOW), len(windows) // 2))]


def _figures(stage: Stage, windows: Sequence[Window]) -> dict[str, str]:
    answers = sorted(took for each in windows for took in each.answers)
    since = min(each.began for each in windows)
    until = max(each.ended for each in windows)
    found = {
        "answers, median": f"{_share(answers, 0.5) * 1000:.1f} ms",
        "answers, 99 % within": f"{_share(answers, 0.99) * 1000:.1f} ms",
        "not accepted": f"{sum(each.refused for each in windows)}",
    }
    for name, moment in (("call", "called_at"), ("done", "updated_at")):
        row = stage.ask_journal(_TOOK.format(moment=moment, since=since, until=until))[0]
        found |= {
            f"from accepted to {name}, median": f"{row['half'] / 1000:.0f} ms",
            f"from accepted to {name}, 99 % within": f"{row['most'] / 1000:.0f} ms",
        }
    for part in _PARTS:
        memory = [each.memory[part] for each in windows]
        files = [each.files[part] for each in windows]
        found |= {
            f"{part}, memory": f"{median(memory):.0f} MB",
            f"{part}, open files": f"{median(files):.0f}",
        }
    return found | {"waiting": f"{median(each.waiting for each in windows):.0f}"}


def _share(ranked: Sequence[float], share: float) -> float:
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


if __name__ == "__main__":
    sys.exit(main())
