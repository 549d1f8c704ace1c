"""What a slice of a case shows, and the cases of ingress: a second or two of load each.

What must not go in: how slices are put together to a table.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import orjson

from bench.client import post_all, post_request
from bench.machine import pin
from bench.stage import Stage
from bench.watch import LOAD, Watch
from core.broker.topology import RECORDER_QUEUE
from tests.load import order
from tests.stack import ROOT

CONNECTIONS = 64
MANY_CONNECTIONS = 256
BATCH = 100
BATCH_CONNECTIONS = 8
"""Few, so that what is on its way is confirmed within the time a request may take."""

BARE = "bare aiohttp handler"
_BARE_MANY = f"{BARE}, {MANY_CONNECTIONS} connections"
RAW = "raw publisher"

MEASURED = "measured"
BROKER = "broker"

PATIENCE = 120.0
"""Seconds for a number of events to be taken, or to be done with."""

_LIMIT = 60.0
_POLL = 0.1
_numbers = itertools.count(1)

Make = Callable[[int], dict[str, object]]
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """`late` is the 90th centile of the latency, `cpu` what the measured process took for each
    unit (both in seconds), `busy` the share of a core that each process took."""

    rate: float
    cpu: float
    late: float | None = None
    busy: dict[str, float] = field(default_factory=dict)
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`unit` is what is counted; `messages` are what each makes at the broker. `bare`: the name of
    the case that does the same and nothing else."""

    name: str
    unit: str
    measure: Callable[[Stage, float], Slice]
    messages: int = 0
    bare: str | None = None


def ingress_cases(record: bytes) -> tuple[Case, ...]:
    """`record` is what the raw publisher publishes: the record of an event without actions."""
    return (
        _bare(BARE, CONNECTIONS),
        _bare(_BARE_MANY, MANY_CONNECTIONS),
        _events("one event, no rule matches", viewed, messages=1),
        _events(
            f"one event, no rule matches, {MANY_CONNECTIONS} connections",
            viewed,
            messages=1,
            connections=MANY_CONNECTIONS,
            bare=_BARE_MANY,
        ),
        _events("one event, two actions", order, messages=3),
        _events(f"batch of {BATCH}, no rule matches", viewed, messages=1, batch=BATCH),
        _events(f"batch of {BATCH}, two actions each", order, messages=3, batch=BATCH),
        Case(
            name=RAW,
            unit="messages",
            messages=1,
            measure=lambda stage, seconds: raw_slice(stage, record, seconds),
        ),
    )


def peer_cases(stage: Stage) -> tuple[Case, ...]:
    """The same work as one event that no rule matches: one message, confirmed."""
    return tuple(_peer(name) for name in stage.peers)


def _peer(name: str) -> Case:
    def measure(stage: Stage, seconds: float) -> Slice:
        peer = stage.peers[name]
        pids = {MEASURED: peer.process.pid, BROKER: stage.broker_pid}
        bodies = (orjson.dumps(viewed(number)) for number in _numbers)
        found = _post(peer.url, stage.stack.key, bodies, pids, seconds=seconds)
        stage.empty_queues()
        return found

    return Case(name=name, unit="events", messages=1, bare=BARE, measure=measure)


def viewed(number: int) -> dict[str, object]:
    """An event that no rule is about, as large as an order."""
    return order(number) | {"type": "order.viewed"}


def fresh_orders(count: int) -> Iterator[bytes]:
    """Bodies with orders that nobody has posted yet."""
    return fresh_bodies(order, count)


def fresh_bodies(make: Make, count: int) -> Iterator[bytes]:
    """Bodies with events that nobody has posted yet."""
    return (orjson.dumps(make(number)) for number in itertools.islice(_numbers, count))


def post_whole(stage: Stage, bodies: Iterable[bytes], *, rate: float | None = None) -> None:
    """All of them, so many a second at most. Raises RuntimeError if not all were taken."""
    url = stage.stack.events
    requests = (post_request(url, stage.stack.key, body) for body in bodies)
    load = asyncio.run(
        post_all(url, requests, connections=CONNECTIONS, seconds=PATIENCE, rate=rate)
    )
    if load.refused:
        raise RuntimeError(f"not all events were taken: {dict(load.statuses)}")


def wait_until(ask: Callable[[], Told], enough: Callable[[Told], bool]) -> Told:
    """The first answer that is enough. Raises RuntimeError with the last one if none comes in
    time."""
    until = time.monotonic() + PATIENCE
    while not enough(told := ask()):
        if time.monotonic() > until:
            raise RuntimeError(f"not all was done in time: {told}")
        time.sleep(_POLL)
    return told


def _events(
    name: str,
    make: Make,
    *,
    messages: int,
    batch: int = 0,
    connections: int = CONNECTIONS,
    bare: str = BARE,
) -> Case:
    def bodies() -> Iterator[bytes]:
        while batch:
            yield orjson.dumps([make(number) for number in itertools.islice(_numbers, batch)])
        yield from (orjson.dumps(make(number)) for number in _numbers)

    def measure(stage: Stage, seconds: float) -> Slice:
        pids = {MEASURED: stage.stack.pid("gateway"), BROKER: stage.broker_pid}
        found = _post(
            stage.stack.events,
            stage.stack.key,
            bodies(),
            pids,
            seconds=seconds,
            events=batch or 1,
            connections=BATCH_CONNECTIONS if batch else connections,
        )
        stage.empty_queues()
        return found

    return Case(name=name, unit="events", messages=messages, bare=bare, measure=measure)


def _bare(name: str, connections: int) -> Case:
    def measure(stage: Stage, seconds: float) -> Slice:
        bodies = (orjson.dumps(viewed(number)) for number in _numbers)
        return _post(
            stage.bare_url,
            stage.stack.key,
            bodies,
            {MEASURED: stage.bare.pid},
            seconds=seconds,
            connections=connections,
        )

    return Case(name=name, unit="requests", measure=measure)


def _post(
    url: str,
    key: str,
    bodies: Iterator[bytes],
    pids: dict[str, int],
    *,
    seconds: float,
    events: int = 1,
    connections: int = CONNECTIONS,
) -> Slice:
    requests = (post_request(url, key, body) for body in bodies)
    with Watch(pids) as watch:
        load = asyncio.run(post_all(url, requests, connections=connections, seconds=seconds))
    ordered = sorted(load.latencies)
    return Slice(
        rate=len(ordered) * events / load.seconds,
        cpu=watch.took[MEASURED] / max(1, load.answered * events),
        late=ordered[len(ordered) * 9 // 10] if ordered else None,
        busy=watch.busy,
        refused=load.refused,
    )


def raw_slice(stage: Stage, record: bytes, seconds: float) -> Slice:
    """Of a publisher that does nothing else."""
    address = [stage.stack.broker.url, RECORDER_QUEUE]
    with Watch({BROKER: stage.broker_pid}) as watch:
        told = run_apart(stage, ["bench.publisher", *address, str(seconds)], seconds, given=record)
    stage.empty_queues()
    # The broker did nothing while the publisher was starting, so its time belongs to these seconds.
    busy = {MEASURED: told["cpu"], BROKER: watch.took[BROKER], LOAD: 0.0}
    return Slice(
        rate=told["confirmed"] / told["seconds"],
        cpu=told["cpu"] / max(1, told["confirmed"]),
        busy={name: taken / told["seconds"] for name, taken in busy.items()},
    )


def run_apart(
    stage: Stage, module: list[str], seconds: float, *, given: bytes = b""
) -> dict[str, float]:
    """A load that is itself what is measured: a process of its own, which tells what came of it."""
    with subprocess.Popen(
        [sys.executable, "-m", *module],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        pin(process.pid, stage.cores.measured)
        written, _ = process.communicate(given, timeout=seconds + _LIMIT)
    told: dict[str, float] = orjson.loads(written)
    return told
