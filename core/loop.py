"""The event loop of the processes that stay: uvloop's, where it is installed.

What must not go in: commands that do one thing and end; the standard library's starts sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Until it returns; as `asyncio.run`."""
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(main)


def _factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows, nor for every interpreter
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
