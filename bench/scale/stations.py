"""What one event takes at each station, by its processes' own accounts and by PostgreSQL's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.client import post_request
from bench.scale.model import Costs, Limits
from bench.slices import (
    BROKER,
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

GATEWAY, CONSUMERS, JOURNAL = "gateway", "consumers", "journal"
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
class Steady:
    """What so many events a second took: shares of a core by station, and of each event bytes and
    syncs of the journal."""

    rate: float
    shares: Mapping[str, float]
    wal_bytes: float
    stored_bytes: float
    syncs: float


def measure_most(stage: Stage, kind: Kind, *, rounds: int, events: int) -> float:
    """Events of this kind that one consumer process carries out in a second, from a backlog: the
    median of rounds with so many each."""
    events *= kind.times
    return median(_carried(stage, kind, events) for _ in range(rounds))


def measure_idle(stage: Stage, *, seconds: float) -> Mapping[str, float]:
    """Shares of a core while nothing is to be done."""
    with _everything_up(stage), Watch(_pids(stage)) as watch:
        time.sleep(seconds)
    return _by_station(watch)


def measure_steady(stage: Stage, kind: Kind, *, rate: float, seconds: float) -> Steady:
    """While so many events a second go the whole way."""
    events = int(rate * seconds)
    with _everything_up(stage):
        # What a first event loads, and the first minutes of a table, are not what is asked for.
        _post(stage, kind, max(1, events // 4), rate=rate)
        before = _await_finished(stage, kind, max(1, events // 4))
        stored, written = _ask(stage, _STORED)["bytes"], _ask(stage, _WRITTEN)
        with Watch(_pids(stage)) as watch:
            _post(stage, kind, events, rate=rate)
            _await_finished(stage, kind, before + events)
        time.sleep(_REPORTED)
        after = _ask(stage, _WRITTEN)
        grown = _ask(stage, _STORED)["bytes"] - stored
    return Steady(
        rate=events / watch.seconds,
        shares=_by_station(watch),
        wal_bytes=(after["bytes"] - written["bytes"]) / events,
        stored_bytes=grown / events,
        syncs=(after["syncs"] - written["syncs"]) / events,
    )


def costs_of(stage: Stage, kind: Kind, steady: Steady, idle: Mapping[str, float]) -> Costs:
    """What an event costs by a steady rate, beyond what is taken without any."""
    sizes = _sizes(stage, kind)

    def each(station: str) -> float:
        return max(0.0, steady.shares[station] - idle[station]) / steady.rate

    return Costs(
        name=kind.name,
        gateway=each(GATEWAY),
        broker=each(BROKER),
        consumer=each(CONSUMERS),
        journal=each(JOURNAL),
        messages=1 + kind.actions,
        calls=kind.actions,
        request_bytes=sizes[0],
        message_bytes=sizes[1],
        wal_bytes=steady.wal_bytes,
        stored_bytes=steady.stored_bytes,
        syncs=steady.syncs,
    )


def measure_limits(stage: Stage, *, rounds: int, seconds: float) -> Limits:
    """By a publisher that does nothing else."""
    stage.empty_queues()
    _post(stage, VIEWED, 1)
    record = stage.oldest_record()
    slices = [raw_slice(stage, record, seconds) for _ in range(rounds)]
    return Limits(queue=median(each.rate for each in slices))


@contextmanager
def _everything_up(stage: Stage) -> Iterator[None]:
    stage.empty_queues()
    stage.empty_journal()
    stage.start_consumer()
    try:
        stage.await_consumer()
        yield
    finally:
        stage.stop_consumer()


def _pids(stage: Stage) -> dict[str, int]:
    return {
        GATEWAY: stage.stack.pid("gateway"),
        BROKER: stage.broker_pid,
        CONSUMERS: stage.stack.pid(CONSUMER),
        JOURNAL: stage.postgres_pid,
    }


def _by_station(watch: Watch) -> Mapping[str, float]:
    return {name: share for name, share in watch.busy.items() if name != LOAD}


def _carried(stage: Stage, kind: Kind, events: int) -> float:
    """A second, of what waits at the broker. What the consumer's start takes is not counted."""
    stage.empty_queues()
    stage.empty_journal()
    _post(stage, kind, events)
    stage.start_consumer()
    try:
        before = _await_finished(stage, kind, 1)
        started = time.perf_counter()
        _await_finished(stage, kind, events)
        return (events - before) / (time.perf_counter() - started)
    finally:
        stage.stop_consumer()


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
