"""The way from a post to `done` in the journal, by one consumer process that does all roles.

What must not go in: the load of the gateway alone.
"""

from __future__ import annotations

import asyncio
import time

from bench.client import post_all, post_request
from bench.slices import BROKER, CONNECTIONS, MEASURED, Case, Slice, fresh_orders
from bench.stage import CONSUMER, Stage
from bench.watch import Watch
from core.journal.states import State

ACTIONS = 2
"""Of an order."""

_LIMIT = 120.0
_POLL = 0.1
_STATES = (
    "SELECT state, count(*), min(updated_at) AS first, max(updated_at) AS last FROM actions"
    " GROUP BY state"
)


def way_to_done(orders: int) -> Case:
    return Case(
        name="post to done, one consumer process",
        unit="actions",
        messages=0,
        measure=lambda stage, _: _carry_out(stage, orders),
    )


def _carry_out(stage: Stage, orders: int) -> Slice:
    """Orders are posted while the consumer is stopped; then the time between the first and the last
    `done` counts, so how long a process takes to start does not."""
    stage.empty_journal()
    url = stage.stack.events
    requests = (post_request(url, stage.stack.key, body) for body in fresh_orders(orders))
    load = asyncio.run(post_all(url, requests, connections=CONNECTIONS, seconds=_LIMIT))
    if load.refused:
        raise RuntimeError(f"not all orders were taken: {dict(load.statuses)}")
    stage.start_consumer()
    try:
        pids = {
            MEASURED: stage.stack.pid(CONSUMER),
            BROKER: stage.broker_pid,
            "journal": stage.postgres_pid,
            "provider": stage.provider.pid,
        }
        before, *_ = await_done(stage, 1)
        with Watch(pids) as watch:
            done, first, last = await_done(stage, orders * ACTIONS)
    finally:
        stage.stop_consumer()
    stage.empty_queues()
    return Slice(
        rate=(done - 1) * 1_000_000 / (last - first),
        cpu=watch.took[MEASURED] / max(1, done - before),
        busy=watch.busy,
    )


def await_done(stage: Stage, least: int) -> tuple[int, int, int]:
    """How many are done, once there are at least so many, and when the first and the last were."""
    until = time.monotonic() + _LIMIT
    while True:
        rows = {row["state"]: row for row in stage.ask_journal(_STATES)}
        done = rows.get(State.DONE)
        if done is not None and done["count"] >= least:
            return done["count"], done["first"], done["last"]
        if time.monotonic() > until:
            counts = {state: row["count"] for state, row in rows.items()}
            raise RuntimeError(f"not all actions were done in time: {counts}")
        time.sleep(_POLL)
