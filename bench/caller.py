"""A bare aiohttp client: the calls that a consumer makes of orders, one after the other on each of
its connections, and nothing else. What any consumer on aiohttp stays below.

A process of its own: `python -m bench.caller URL SECONDS`; prints what came of it as JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator

import aiohttp
import orjson

CONNECTIONS = 100
"""As many calls as a consumer may have under way: fifty for each provider."""

_numbers = itertools.count(1)


def calls(number: int) -> Iterator[tuple[str, bytes, str]]:
    """Path, body and content type of the two calls of an order."""
    subscription = {
        "token": "t" * 32,
        "db_id": 1,
        "matching": "email",
        "email": f"customer-{number}@example.com",
        "resource_id": 1,
        "status": "subscribed",
        "custom_fields": {"last_order": f"load-{number}"},
    }
    yield "/altcraft/api/v1.1/subscriptions/set", orjson.dumps(subscription), "application/json"
    text = f"token={'t' * 32}&sendto=%2B49151{10_000_000 + number}&body=Thank+you+{number}"
    form = "application/x-www-form-urlencoded"
    yield "/smsgateway24/getdata/addsms", text.encode("ascii"), form


async def _call(session: aiohttp.ClientSession, url: str, until: float) -> int:
    made = 0
    while time.perf_counter() < until:
        for path, body, kind in calls(next(_numbers)):
            async with session.post(
                url + path, data=body, headers={"Content-Type": kind}
            ) as answer:
                orjson.loads(await answer.read())
            made += 1
    return made


async def _call_all(url: str, seconds: float) -> int:
    until = time.perf_counter() + seconds
    async with aiohttp.ClientSession() as session:
        made = await asyncio.gather(*(_call(session, url, until) for _ in range(CONNECTIONS)))
    return sum(made)


def main() -> None:
    url, seconds = sys.argv[1], float(sys.argv[2])
    cpu, started = time.process_time(), time.perf_counter()
    made = asyncio.run(_call_all(url, seconds))
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    sys.stdout.buffer.write(orjson.dumps({"made": made, **took}))


if __name__ == "__main__":
    main()
