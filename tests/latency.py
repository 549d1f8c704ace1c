"""How long events take from the sender to the simulator, by the clocks of both, which are one."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp

from tests.load import effects


async def post(http: aiohttp.ClientSession, url: str, key: str, body: Any) -> float:
    """Send an event or a list of them until taken; when it was first sent, in seconds since
    1970."""
    sent = time.time()
    headers = {"Authorization": f"Bearer {key}"}
    while True:
        try:
            async with http.post(f"{url}/v1/events", json=body, headers=headers) as answer:
                if answer.status == 202:
                    return sent
                assert answer.status >= 500, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.2)


async def moments(sandbox: str, call: str) -> list[tuple[float, Mapping[str, Any]]]:
    """When each effect was, and its parameters."""
    return [
        (datetime.fromisoformat(effect["at"]).timestamp(), effect["params"])
        for effect in await effects(sandbox, call)
    ]


def described(seconds: Sequence[float]) -> str:
    """Median, 90th and 99th centile, and the longest, in milliseconds."""
    if not seconds:
        return "none"
    ranked = sorted(seconds)
    centiles = (ranked[min(len(ranked) - 1, math.floor(len(ranked) * p))] for p in (0.5, 0.9, 0.99))
    median, ninety, ninety_nine = (f"{value * 1000:.0f}" for value in centiles)
    return (
        f"median {median}, 90 % within {ninety}, 99 % within {ninety_nine}, "
        f"longest {ranked[-1] * 1000:.0f} ms ({len(ranked)} measured)"
    )


def median(seconds: Sequence[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]
