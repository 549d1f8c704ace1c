"""What a slice of a case shows, and the cases of ingress: a second or two of load each.

What must not go in: how slices are put together to a table.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson

from bench.client import post_all, post_request
from bench.machine import pin
from bench.stage import Stage
from bench.watch import LOAD, Watch
from core.broker.topology import RECORDER_QUEUE
from tests.load import order
from tests.stack import ROOT

CONNECTIONS = 64
BATCH = 100
BATCH_CONNECTIONS = 4
"""Few, so that what is on its way is confirmed within the time a request may take."""

MEASURED = "measured"
BROKER = "broker"

_LIMIT = 60.0
_numbers = itertools.count(1)

Make = Callable[[int], dict[str, object]]


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
    """`unit` is what is counted; `messages` are what each makes at the broker."""

    name: str
    unit: str
    messages: int
    measure: Callable[[Stage, float], Slice]


def ingress_cases(record: bytes) -> tuple[Case, ...]:
    """`record` is what the raw publisher publishes: the record of an event without actions."""
    return (
        Case(name="bare aiohttp handler", unit="requests", messages=0, measure=_bare),
        _events("one event, no rule matches", viewed, messages=1),
        _events("one event, two actions", order, messages=3),
        _events(f"batch of {BATCH}, no rule matches", viewed, messages=1, batch=BATCH),
        _events(f"batch of {BATCH}, two actions each", order, messages=3, batch=BATCH),
        Case(
            name="raw publisher",
            unit="messages",
            messages=1,
            measure=lambda stage, seconds: _publish(stage, record, seconds),
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
        found = _post(peer.url, stage.stack.key, bodies, pids, seconds=seconds, events=1)
        stage.empty_queues()
        return found

    return Case(name=name, unit="events", messages=1, measure=measure)


def viewed(number: int) -> dict[str, object]:
    """An event that no rule is about, as large as an order."""
    return order(number) | {"type": "order.viewed"}


def fresh_orders(count: int) -> Iterator[bytes]:
    """Bodies with orders that nobody has posted yet."""
    return (orjson.dumps(order(number)) for number in itertools.islice(_numbers, count))


def _events(name: str, make: Make, *, messages: int, batch: int = 0) -> Case:
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
        )
        stage.empty_queues()
        return found

    return Case(name=name, unit="events", messages=messages, measure=measure)


def _bare(stage: Stage, seconds: float) -> Slice:
    bodies = (orjson.dumps(viewed(number)) for number in _numbers)
    pids = {MEASURED: stage.bare.pid}
    return _post(stage.bare_url, stage.stack.key, bodies, pids, seconds=seconds, events=1)


def _post(
    url: str,
    key: str,
    bodies: Iterator[bytes],
    pids: dict[str, int],
    *,
    seconds: float,
    events: int,
) -> Slice:
    requests = (post_request(url, key, body) for body in bodies)
    connections = CONNECTIONS if events == 1 else BATCH_CONNECTIONS
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


def _publish(stage: Stage, record: bytes, seconds: float) -> Slice:
    command = [sys.executable, "-m", "bench.publisher", stage.stack.broker.url, RECORDER_QUEUE]
    with (
        Watch({BROKER: stage.broker_pid}) as watch,
        subprocess.Popen(
            [*command, str(seconds)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as publisher,
    ):
        pin(publisher.pid, stage.cores.measured)
        written, _ = publisher.communicate(record, timeout=seconds + _LIMIT)
    stage.empty_queues()
    told = orjson.loads(written)
    # The broker did nothing while the publisher was starting, so its time belongs to these seconds.
    busy = {MEASURED: told["cpu"], BROKER: watch.took[BROKER], LOAD: 0.0}
    return Slice(
        rate=told["confirmed"] / told["seconds"],
        cpu=told["cpu"] / max(1, told["confirmed"]),
        busy={name: taken / told["seconds"] for name, taken in busy.items()},
    )
