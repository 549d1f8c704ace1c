"""The event loop of the processes that stay: uvloop's, where it is installed.

What must not go in: commands that do one thing and end; the standard library's starts sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

try:
    from uvloop import new_event_loop
except ImportError:  # there is none for Windows, nor for every interpreter
    new_event_loop = None  # type: ignore[assignment]

T = TypeVar("T")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Until it returns; as `asyncio.run`."""
    with asyncio.Runner(loop_factory=new_event_loop or asyncio.new_event_loop) as runner:
        return runner.run(main)
