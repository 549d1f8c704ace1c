"""`make bench-workers`: a gateway of one worker beside one of several, in turns, with all cores for
everybody; and what keeps the larger one from being faster.

Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

import orjson

from bench.client import post_all, post_request
from bench.machine import describe_machine
from bench.slices import BROKER, MANY_CONNECTIONS, MEASURED, Slice, viewed
from bench.table import markdown
from bench.watch import LOAD, Watch
from tests.stack import Stack

ONE, SEVERAL = "gateway", "gateway-2"
_FULL = 0.9
"""Of all cores: from there on it is they that set the figure."""


class _Gateways(Stack):
    """Two gateways that differ in nothing but their workers."""

    def __init__(self, workers: int) -> None:
        super().__init__(gateways=2, consumers=0)
        self._workers = workers

    def command_of(self, part: str) -> list[str]:
        if part == SEVERAL:
            return [sys.executable, "-m", "cli", "gateway", "--workers", str(self._workers)]
        return super().command_of(part)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7, help="how often each has its turn")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a turn is")
    options = parser.parse_args(arguments)
    numbers = itertools.count(1)
    found: defaultdict[str, list[Slice]] = defaultdict(list)
    with _Gateways(options.workers) as stack:
        for number in range(options.rounds + 1):
            for part in (ONE, SEVERAL):
                each = _post(stack, part, numbers, options.seconds)
                if number:  # the first round warms up
                    found[part].append(each)
            stack.broker.evaluate(_PURGE)
    print("\n".join(_told(found, options.workers)))
    return 0


_PURGE = "[rabbit_amqqueue:purge(Q) || Q <- rabbit_amqqueue:list()]"


def _post(stack: Stack, part: str, numbers: itertools.count[int], seconds: float) -> Slice:
    url = f"http://127.0.0.1:{stack.listens(part)}"
    requests = (post_request(url, stack.key, orjson.dumps(viewed(number))) for number in numbers)
    pid = stack.broker.pid
    assert pid is not None
    with Watch({MEASURED: stack.pid(part), BROKER: pid}) as watch:
        load = asyncio.run(post_all(url, requests, connections=MANY_CONNECTIONS, seconds=seconds))
    return Slice(
        rate=len(load.latencies) / load.seconds,
        cpu=watch.took[MEASURED] / max(1, load.answered),
        busy=watch.busy,
        refused=load.refused,
    )


def _told(found: dict[str, list[Slice]], workers: int) -> list[str]:
    names = {ONE: "one worker", SEVERAL: f"{workers} workers"}
    rows: list[tuple[str, ...]] = [
        ("", "events/s", "of one", "CPU each", "gateway", "broker", "load", "refused")
    ]
    for part, name in names.items():
        slices = found[part]
        pairs = zip(slices, found[ONE], strict=True)
        busy = [
            f"{median(each.busy[who] for each in slices):.0%}" for who in (MEASURED, BROKER, LOAD)
        ]
        rows.append(
            (
                name,
                f"{median(each.rate for each in slices):,.0f}",
                f"{median(each.rate / one.rate for each, one in pairs):.2f}",
                f"{median(each.cpu for each in slices) * 1_000_000:,.0f} µs",
                *busy,
                str(sum(each.refused for each in slices)),
            )
        )
    return [*markdown(rows), "", _limit(found[SEVERAL]), "", describe_machine(_cores())]


def _limit(slices: Sequence[Slice]) -> str:
    share = median(sum(each.busy.values()) for each in slices) / _cores()
    beside = median((each.busy[BROKER] + each.busy[LOAD]) / each.rate for each in slices)
    own = median(each.cpu for each in slices)
    if share < _FULL:
        return (
            f"The cores are taken to {share:.0%}: what is waited for is not a processor but the "
            "broker's confirms, which wait for its disk."
        )
    return (
        f"All cores are taken ({share:.0%}): beside the {own * 1e6:,.0f} µs that an event takes "
        f"at the gateway, broker and client of this machine take {beside * 1e6:,.0f} µs, so that "
        f"{_cores()} cores give at most {_cores() / (own + beside):,.0f} events/s however many "
        "workers there are."
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    sys.exit(main())
