"""Waiting for the first of several things. What is not waited for any more is cancelled and
awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from core.broker.port import Subscription


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when one of them does; its exception, if any, is raised here."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def pause(length: timedelta, stopping: asyncio.Event) -> None:
    """Sleep, but not longer than until the process stops."""
    try:
        async with asyncio.timeout(length.total_seconds()):
            await stopping.wait()
    except TimeoutError:
        return


@asynccontextmanager
async def stopped_by(
    wait: Coroutine[Any, Any, None], subscription: Subscription
) -> AsyncIterator[None]:
    """Stop a subscription when `wait` is over. A stop that has begun is never cut off: that would
    close the channel, and what is in hand could not be acknowledged any more."""
    waiting = asyncio.ensure_future(wait)

    async def watch() -> None:
        await asyncio.wait([waiting])
        if not waiting.cancelled():
            waiting.result()
            await subscription.stop()

    watcher = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        waiting.cancel()
        await watcher
