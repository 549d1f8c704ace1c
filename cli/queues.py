"""How many messages wait in a queue, whichever broker it is.

An embedded broker belongs to the process that runs it, so its file is only read here. What must not
go in: declaring or moving anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from core.broker.connect import open_broker
from core.broker.embedded import embedded_depths
from core.settings import Settings

Depth = Callable[[str], Awaitable[int]]


@asynccontextmanager
async def queue_depths(settings: Settings) -> AsyncIterator[Depth]:
    """Asks for the depth of a queue by name. Raises Unroutable if it is not there, where the broker
    tells; in a file of ours it holds nothing then."""
    if settings.broker.startswith("embedded:"):
        path = Path(settings.broker.removeprefix("embedded:"))

        async def read(queue: str) -> int:
            return (await asyncio.to_thread(embedded_depths, path)).get(queue, 0)

        yield read
        return
    async with open_broker(settings.broker) as broker:
        yield broker.depth
