"""Work that goes on beside something else, for exactly as long as that lasts.

What must not go in: what the work is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(
    *parts: Coroutine[Any, Any, None], stopping: asyncio.Event | None = None
) -> AsyncIterator[None]:
    """Run parts while the context is open. When it is left they are cancelled or, with `stopping`,
    told by that event and waited for.

    A part that fails ends the context. The error, its own or the body's, is raised as it is and not
    wrapped in a group, so that callers can catch it by its kind.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in parts]
            try:
                yield
            finally:
                if stopping is not None:
                    stopping.set()
                else:
                    for task in tasks:
                        task.cancel()
    except BaseExceptionGroup as errors:
        if len(errors.exceptions) == 1:
            raise errors.exceptions[0] from None
        raise
