"""The way from a post to `done` in the journal, by one consumer process that does all roles, and a
bare client that makes the same calls.

What must not go in: the load of the gateway alone.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.slices import (
    BROKER,
    MEASURED,
    Case,
    Slice,
    fresh_orders,
    post_whole,
    run_apart,
    wait_until,
)
from bench.stage import CONSUMER, Stage
from bench.watch import LOAD, Watch
from core.journal.states import State

ACTIONS = 2
"""Of an order."""

_CLIENT = "bare aiohttp client"
_DONE = (
    "SELECT count(*) AS count, min(updated_at) AS first, max(updated_at) AS last"
    f" FROM actions WHERE state = '{State.DONE.value}'"
)


class Done(NamedTuple):
    """How many are done, and when the first and the last were (microseconds since 1970)."""

    actions: int
    first: int
    last: int


Ask = Callable[[], Done]


def way_cases(orders: int) -> tuple[Case, ...]:
    return (
        Case(name=_CLIENT, unit="calls", measure=_call),
        way_to_done(orders),
        Case(
            name="post to done, its journal in SQLite",
            unit="actions",
            bare=_CLIENT,
            measure=lambda stage, _: _carry_out_embedded(stage, orders),
        ),
    )


def way_to_done(orders: int) -> Case:
    return Case(
        name="post to done, one consumer process",
        unit="actions",
        bare=_CLIENT,
        measure=lambda stage, _: _carry_out(stage, orders),
    )


def _call(stage: Stage, seconds: float) -> Slice:
    with Watch({"provider": stage.provider.pid}) as watch:
        told = run_apart(stage, ["bench.caller", stage.provider_url, str(seconds)], seconds)
    return Slice(
        rate=told["made"] / told["seconds"],
        cpu=told["cpu"] / max(1, told["made"]),
        busy={
            MEASURED: told["cpu"] / told["seconds"],
            "provider": watch.took["provider"] / told["seconds"],
            LOAD: 0.0,
        },
    )


def _carry_out(stage: Stage, orders: int) -> Slice:
    stage.empty_journal()
    pids = {"journal": stage.postgres_pid}
    return _measure(stage, orders, lambda: done_in(stage), pids)


def _carry_out_embedded(stage: Stage, orders: int) -> Slice:
    """The consumer makes the file, so that it is not there before."""
    file = stage.stack.folder / "bench-journal.db"
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    return _measure(stage, orders, lambda: _done_in_file(file), {}, journal=f"sqlite:{file}")


def _measure(
    stage: Stage, orders: int, ask: Ask, pids: dict[str, int], *, journal: str | None = None
) -> Slice:
    """Orders are posted while the consumer is stopped; then the time between the first and the last
    `done` counts, so how long a process takes to start does not."""
    post_whole(stage, fresh_orders(orders))
    stage.start_consumer(journal=journal)
    try:
        pids = {
            MEASURED: stage.stack.pid(CONSUMER),
            BROKER: stage.broker_pid,
            "provider": stage.provider.pid,
            **pids,
        }
        before = await_done(ask, 1).actions
        with Watch(pids) as watch:
            done = await_done(ask, orders * ACTIONS)
    finally:
        stage.stop_consumer()
    stage.empty_queues()
    return Slice(
        rate=(done.actions - 1) * 1_000_000 / (done.last - done.first),
        cpu=watch.took[MEASURED] / max(1, done.actions - before),
        busy=watch.busy,
    )


def done_in(stage: Stage) -> Done:
    """By the stack's journal."""
    row = stage.ask_journal(_DONE)[0]
    return Done(row["count"], row["first"] or 0, row["last"] or 0)


def _done_in_file(file: Path) -> Done:
    if not file.exists():
        return Done(0, 0, 0)
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        try:
            count, first, last = connection.execute(_DONE).fetchone()
        except sqlite3.OperationalError:
            return Done(0, 0, 0)  # it is being made
    return Done(count, first or 0, last or 0)


def await_done(ask: Ask, least: int) -> Done:
    """Once there are at least so many."""
    return wait_until(ask, lambda done: done.actions >= least)
