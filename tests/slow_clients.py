"""A thousand slow and idle connections beside a good client: is it served as before?

    python -m tests.slow_clients --connections 1000

A third are idle, a third send the head of a request byte by byte, a third send a body byte by byte;
what the gateway closes is opened again. Its own client measures, before, during and after.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from tests.conforming import KEYS, serving

HEAD = (
    b"POST /v1/hooks/storefront HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"webhook-id: 1\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AAAA\r\n"
    b"Content-Length: 5000\r\n\r\n"
)
"""Looks signed, so that its body is read before it is refused."""
WARM_UP = 3.0
"""Seconds until all of them are there."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Milliseconds of a good client's requests, and how many were not answered 202."""

    median: float
    p99: float
    longest: float
    refused: int

    def __str__(self) -> str:
        return (
            f"median {self.median:.1f}, 99 % within {self.p99:.1f}, longest {self.longest:.1f} ms"
            f" ({self.refused} not accepted)"
        )


async def measure(url: str, requests: int, name: str) -> Measured:
    """One request after the other, on one connection, as a shop's backend does."""
    took: list[float] = []
    refused = 0
    headers = {"Authorization": f"Bearer {KEYS['SHOP_KEY']}"}
    async with aiohttp.ClientSession() as session:
        for number in range(requests):
            event = {"id": f"{name}-{number}", "type": "order.placed", "data": {"total": 1}}
            started = time.perf_counter()
            async with session.post(f"{url}/v1/events", json=event, headers=headers) as answer:
                await answer.read()
                refused += answer.status != 202
            took.append(1000 * (time.perf_counter() - started))
    took.sort()
    return Measured(
        median=statistics.median(took),
        p99=took[int(0.99 * (len(took) - 1))],
        longest=took[-1],
        refused=refused,
    )


async def _dawdle(host: str, port: int, kind: int, number: int) -> None:
    text = (b"", HEAD, HEAD)[kind]
    await asyncio.sleep(number % 100 / 50)
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            try:
                if kind == 2:
                    writer.write(text)
                # A byte a second: of the head, of the body, or nothing.
                for at in range(len(HEAD) - 1 if kind else 3600):
                    if kind:
                        writer.write(text[at : at + 1] if kind == 1 else b"x")
                        await writer.drain()
                    await asyncio.sleep(1)
            finally:
                writer.close()
        await asyncio.sleep(0.5)


def dawdle(url: str, connections: int) -> None:
    """Until it is ended; in a process of its own, so that it does not slow the measuring down."""
    parts = urlsplit(url)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(connections):
                group.create_task(
                    _dawdle(parts.hostname or "", parts.port or 0, number % 3, number)
                )

    asyncio.run(all_of_them())


@dataclass(frozen=True, kw_only=True)
class Result:
    before: Measured
    during: Measured
    after: Measured

    @property
    def ratio(self) -> float:
        """Of the 99 % within, to the worse of before and after: the machine is noisy."""
        return self.during.p99 / max(self.before.p99, self.after.p99)


def run(connections: int, requests: int) -> Result:
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as url:
        asyncio.run(measure(url, requests // 2, "warm"))
        before = asyncio.run(measure(url, requests, "before"))
        slow = multiprocessing.get_context("spawn").Process(target=dawdle, args=(url, connections))
        slow.start()
        try:
            time.sleep(WARM_UP)
            during = asyncio.run(measure(url, requests, "during"))
        finally:
            slow.kill()
            slow.join()
        after = asyncio.run(measure(url, requests, "after"))
    return Result(before=before, during=during, after=after)


def main() -> int:
    parser = argparse.ArgumentParser(description="A good client beside slow and idle ones.")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=3000)
    given = parser.parse_args()
    result = run(given.connections, given.requests)
    sys.stdout.write(f"before     {result.before}\n")
    sys.stdout.write(f"during     {result.during}\n")
    sys.stdout.write(f"after      {result.after}\n")
    sys.stdout.write(f"99 % within, during to without: {result.ratio:.2f}\n")
    return int(result.ratio >= 2 or result.during.refused > 0)


if __name__ == "__main__":
    raise SystemExit(main())
