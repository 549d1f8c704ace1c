"""Urgent texts among a backlog of bulk ones of the same provider: how long they take, beside the
same texts on an idle system.

Run by a test in a short form and by `make proof` in the long one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from core.broker.connect import open_broker
from core.broker.topology import work_queue
from core.messages import Lane
from tests.latency import described, median, moments, post
from tests.stack import Stack, fast

_RULE = """
  - id: campaign
    on: order.campaign
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Sale! {{ event.id }}"}
        lane: bulk
"""
_BATCH = 100
_PAUSE = 0.1
"""Seconds between two urgent ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    bulk: int
    left: int
    """Bulk actions whose message was still in the queue after the last urgent one."""
    idle: tuple[float, ...]
    loaded: tuple[float, ...]

    def summary(self) -> str:
        return (
            f"bulk actions in the backlog  {self.bulk}\n"
            f"left after the last urgent   {self.left}\n"
            f"urgent, idle system          {described(self.idle)}\n"
            f"urgent, among the backlog    {described(self.loaded)}\n"
            f"longer than the idle median  {self.longer(median(self.loaded))} s (median), "
            f"{self.longer(max(self.loaded))} s (the longest)"
        )

    def longer(self, seconds: float) -> str:
        return f"{seconds - median(self.idle):.3f}"


def campaign(text: str) -> str:
    """The example, and a rule for a campaign in the lane bulk."""
    return fast(text) + _RULE


async def run(stack: Stack, *, bulk: int, urgent: int) -> Result:
    async with aiohttp.ClientSession() as http:
        idle = await _urgent(stack, http, "idle", urgent)
        for part in ("consumers-1", "consumers-2"):
            await asyncio.to_thread(stack.stop, part)
        await _fill(stack, http, bulk)
        for part in ("consumers-1", "consumers-2"):
            await asyncio.to_thread(stack.start, part)
        await _begun(stack)
        loaded = await _urgent(stack, http, "loaded", urgent)
        async with open_broker(stack.broker.url) as broker:
            left = await broker.depth(work_queue("sms", Lane.BULK))
    return Result(bulk=bulk, left=left, idle=idle, loaded=loaded)


async def _urgent(
    stack: Stack, http: aiohttp.ClientSession, name: str, count: int
) -> tuple[float, ...]:
    """One after the other; returns how long each took once all have arrived."""
    sent = {}
    for number in range(count):
        code = f"urgent-{name}-{number}-"
        phone = f"+49151{20_000_000 + number}"
        data = {"phone": phone, "code": code, "consent": {"marketing": False}}
        event = {"id": code, "type": "user.signed_up", "data": data}
        sent[code] = await post(http, stack.events, stack.key, event)
        await asyncio.sleep(_PAUSE)
    async with asyncio.timeout(300):
        while True:
            took = {
                code: at - sent[code]
                for at, params in await moments(stack.sandbox, "addsms")
                for code in sent
                if code in params["body"]
            }
            if len(took) == count:
                return tuple(took.values())
            await asyncio.sleep(1)


async def _fill(stack: Stack, http: aiohttp.ClientSession, bulk: int) -> None:
    batches = iter(range(0, bulk, _BATCH))

    async def client() -> None:
        for first in batches:
            events = [
                {
                    "id": f"bulk-{number}",
                    "type": "order.campaign",
                    "data": {"phone": f"+49151{30_000_000 + number}"},
                }
                for number in range(first, min(first + _BATCH, bulk))
            ]
            await post(http, stack.events, stack.key, events)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(client())


async def _begun(stack: Stack) -> None:
    async with asyncio.timeout(120):
        while True:
            # Bulk texts share calls.
            if await moments(stack.sandbox, "addalotofsms"):
                return
            await asyncio.sleep(0.2)


def main(arguments: Sequence[str] | None = None) -> int:
    """The long form. Exit 0 only if every urgent text was sent within a second of an idle system's
    time while the backlog still stood."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--bulk", type=int, default=100_000)
    parser.add_argument("--urgent", type=int, default=100)
    options = parser.parse_args(arguments)
    with Stack(configuration=campaign) as stack:
        result = asyncio.run(run(stack, bulk=options.bulk, urgent=options.urgent))
    sys.stdout.write(result.summary() + "\n")
    within = max(result.loaded) - median(result.idle) < 1
    return 0 if within and result.left > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
