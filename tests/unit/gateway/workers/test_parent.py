"""What the parent of workers does about those that hang, that do not start, or that start late."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from core.process import Stop
from gateway.workers import parent
from gateway.workers.parent import Worker, WorkerMetrics


def a_worker() -> Worker:
    return Worker(1, dict(os.environ), WorkerMetrics(CollectorRegistry()))


async def test_one_that_gives_no_sign_of_life_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process takes longer than this to load what it is made of, and gives none meanwhile."""
    monkeypatch.setattr(parent, "_SILENCE", timedelta(milliseconds=50))
    async with asyncio.timeout(20):
        assert await a_worker().run_once(Stop()) == -signal.SIGKILL


async def test_one_that_is_being_started_when_all_are_told_to_end_ends_too() -> None:
    stop = Stop()
    stop.set()
    async with asyncio.timeout(20):
        assert await a_worker().run_once(stop) in {0, -signal.SIGTERM}


async def test_a_system_that_starts_no_more_processes_does_not_end_those_that_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, tries = Stop(), 0

    async def start(_worker: Worker, _stop: Stop) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        stop.set()
        return 0

    monkeypatch.setattr(Worker, "run_once", start)
    monkeypatch.setattr(parent, "_FIRST_REST", timedelta(0))
    first = a_worker()
    first.served.set()
    async with asyncio.timeout(20):
        await parent._keep(a_worker(), first, stop)
    assert tries == 2
