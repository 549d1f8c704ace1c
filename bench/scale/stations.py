"""What one event takes at each station, by its processes' own accounts and by PostgreSQL's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.client import post_request
from bench.scale.model import Costs, Limits
from bench.slices import (
    BROKER,
    MEASURED,
    Make,
    fresh_bodies,
    post_whole,
    raw_slice,
    viewed,
    wait_until,
)
from bench.stage import CONSUMER, Stage
from bench.watch import LOAD, Watch
from tests.load import order

_JOURNAL = "journal"
_REPORTED = 1.5
"""Seconds after which a session of PostgreSQL has reported what it wrote."""

_WRITTEN = "SELECT wal_bytes::bigint AS bytes, wal_sync AS syncs FROM pg_stat_wal"
_STORED = (
    "SELECT sum(pg_total_relation_size(oid))::bigint AS bytes FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of event: how one is made, and how many of them the journal is done with. `times`: as
    many more are measured, since one is done with so much sooner."""

    name: str
    make: Make
    actions: int
    finished: str
    times: int = 1


VIEWED = Kind(
    name="no rule matches",
    make=viewed,
    actions=0,
    finished="SELECT count(*) AS count FROM events",
    times=10,
)
ORDER = Kind(
    name="two actions",
    make=order,
    actions=2,
    finished="SELECT count(*) / 2 AS count FROM actions WHERE state = 'done'",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """Seconds of a core an event took where it was accepted."""

    gateway: float
    broker: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    """What an event took behind the broker. Seconds of a core, bytes, counts."""

    rate: float
    broker: float
    consumer: float
    journal: float
    wal_bytes: float
    stored_bytes: float
    syncs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`most`: events of this kind that one consumer process carried out in a second."""

    costs: Costs
    most: float


def measure_kind(stage: Stage, kind: Kind, *, rounds: int, events: int) -> Measured:
    """Medians of rounds, in each of which so many events are taken and then carried out."""
    sizes = _sizes(stage, kind)
    events *= kind.times
    taken, carried = [], []
    for _ in range(rounds):
        stage.empty_queues()
        stage.empty_journal()
        taken.append(_take(stage, kind, events))
        carried.append(_carry(stage, kind, events))

    def middle(read: Callable[[_Carried], float]) -> float:
        return median(map(read, carried))

    return Measured(
        most=middle(lambda it: it.rate),
        costs=Costs(
            name=kind.name,
            gateway=median(each.gateway for each in taken),
            broker=median(each.broker for each in taken) + middle(lambda it: it.broker),
            consumer=middle(lambda it: it.consumer),
            journal=middle(lambda it: it.journal),
            messages=1 + kind.actions,
            calls=kind.actions,
            request_bytes=sizes[0],
            message_bytes=sizes[1],
            wal_bytes=middle(lambda it: it.wal_bytes),
            stored_bytes=middle(lambda it: it.stored_bytes),
            syncs=middle(lambda it: it.syncs),
        ),
    )


def measure_limits(stage: Stage, *, rounds: int, seconds: float) -> Limits:
    """By a publisher that does nothing else."""
    stage.empty_queues()
    _post(stage, VIEWED, 1)
    record = stage.oldest_record()
    slices = [raw_slice(stage, record, seconds) for _ in range(rounds)]
    return Limits(queue=median(each.rate for each in slices))


def measure_steady(stage: Stage, kind: Kind, *, rate: float, seconds: float) -> dict[str, float]:
    """Shares of a core of everything while so many events a second go the whole way."""
    stage.empty_queues()
    stage.empty_journal()
    stage.start_consumer()
    try:
        stage.await_consumer()
        pids = _pids(stage)
        with Watch(pids) as watch:
            _post(stage, kind, int(rate * seconds), rate=rate)
            _await_finished(stage, kind, int(rate * seconds))
    finally:
        stage.stop_consumer()
    names = {MEASURED: "consumers"}
    return {names.get(name, name): share for name, share in watch.busy.items() if name != LOAD}


def _pids(stage: Stage) -> dict[str, int]:
    return {
        "gateway": stage.stack.pid("gateway"),
        BROKER: stage.broker_pid,
        MEASURED: stage.stack.pid(CONSUMER),
        _JOURNAL: stage.postgres_pid,
    }


def _take(stage: Stage, kind: Kind, events: int) -> _Taken:
    pids = {MEASURED: stage.stack.pid("gateway"), BROKER: stage.broker_pid}
    with Watch(pids) as watch:
        _post(stage, kind, events)
    return _Taken(gateway=watch.took[MEASURED] / events, broker=watch.took[BROKER] / events)


def _carry(stage: Stage, kind: Kind, events: int) -> _Carried:
    """Of what waits at the broker. What the consumer's start takes is not counted."""
    stored = _ask(stage, _STORED)["bytes"]
    stage.start_consumer()
    try:
        pids = _pids(stage)
        before = _await_finished(stage, kind, 1)
        written = _ask(stage, _WRITTEN)
        with Watch(pids) as watch:
            _await_finished(stage, kind, events)
        time.sleep(_REPORTED)
        after = _ask(stage, _WRITTEN)
    finally:
        stage.stop_consumer()
    done = events - before
    return _Carried(
        rate=done / watch.seconds,
        broker=watch.took[BROKER] / done,
        consumer=watch.took[MEASURED] / done,
        journal=watch.took[_JOURNAL] / done,
        wal_bytes=(after["bytes"] - written["bytes"]) / done,
        syncs=(after["syncs"] - written["syncs"]) / done,
        stored_bytes=(_ask(stage, _STORED)["bytes"] - stored) / events,
    )


def _post(stage: Stage, kind: Kind, events: int, *, rate: float | None = None) -> None:
    post_whole(stage, fresh_bodies(kind.make, events), rate=rate)


def _await_finished(stage: Stage, kind: Kind, least: int) -> int:
    """How many events are finished, once so many are."""
    return wait_until(lambda: int(_ask(stage, kind.finished)["count"]), lambda it: it >= least)


def _sizes(stage: Stage, kind: Kind) -> tuple[int, int]:
    """Bytes of a request, and of the messages that it becomes."""
    stage.empty_queues()
    (body,) = fresh_bodies(kind.make, 1)
    post_whole(stage, [body])
    request = post_request(stage.stack.events, stage.stack.key, body)
    return len(request), sum(map(len, stage.take_all()))


def _ask(stage: Stage, query: str) -> Any:
    return stage.ask_journal(query)[0]
