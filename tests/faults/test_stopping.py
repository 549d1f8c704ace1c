"""Every process is told to end, one after the other, under the load of clients that do not send
again: none of them sees an error, and nothing is lost.

The clients reach two gateways through what a Kubernetes Service does: it leads new connections to
those that say they are ready, and hears of a change a moment late.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from core.broker.connect import open_broker
from core.broker.topology import DEAD_QUEUE
from core.journal.connect import open_journal
from core.journal.port import ReadJournal
from core.journal.states import State
from tests.chaos import ended_books
from tests.load import Told, order, prove_within
from tests.servers.proxy import Proxy
from tests.stack import Stack, fast

GATEWAYS = ("gateway", "gateway-2")
CLIENTS = 18
LATE = 1.5
"""Seconds that the Service takes to hear that a gateway is no longer ready. Less than its grace."""


class Rollout(Stack):
    def __init__(self) -> None:
        super().__init__(
            gateways=2,
            configuration=lambda text: fast(text).replace(
                "    device_id:", "    concurrency: 200\n    device_id:"
            ),
        )

    def environment_of(self, part: str) -> dict[str, str]:
        return self.environment | {"POSTERN_GRACE": "5s"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Rollout]:
    with Rollout() as started:
        yield started


@dataclass
class Clients:
    """What they saw. None of them sends anything twice."""

    told: Told = field(default_factory=Told)
    errors: list[str] = field(default_factory=list)
    sent: int = 0


@asynccontextmanager
async def service(stack: Stack) -> AsyncIterator[Proxy]:
    """Leads to the gateways that are ready, as it heard a moment ago."""

    async def follow(proxy: Proxy) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as http:
            while True:
                ready = [gateway for gateway in GATEWAYS if await _is_ready(http, stack, gateway)]
                await asyncio.sleep(LATE)
                if ready:
                    proxy.lead_to(*(stack.listens(gateway) for gateway in ready))

    with Proxy(*(stack.listens(gateway) for gateway in GATEWAYS), strict=True) as proxy:
        following = asyncio.create_task(follow(proxy))
        try:
            yield proxy
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _is_ready(http: aiohttp.ClientSession, stack: Stack, gateway: str) -> bool:
    try:
        async with http.get(f"{stack.admin(gateway)}/readyz") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


@asynccontextmanager
async def load(stack: Stack, first: int) -> AsyncIterator[Clients]:
    """Each client keeps its connection for as long as it is let."""
    clients, stop = Clients(), asyncio.Event()
    headers = {"Authorization": f"Bearer {stack.key}"}

    async def client(url: str, pause: float) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http:
            while not stop.is_set():
                event = order(first + clients.sent)
                clients.sent += 1
                try:
                    async with http.post(url, json=event, headers=headers) as answer:
                        body = await answer.json()
                        if answer.status == 202:
                            ids = [action["id"] for action in body["actions"]]
                            clients.told.acknowledged[event["id"]] = ids
                        else:
                            clients.errors.append(f"HTTP {answer.status}")
                except (aiohttp.ClientError, TimeoutError) as error:
                    clients.errors.append(repr(error))
                await asyncio.sleep(pause)

    async with service(stack) as proxy, asyncio.TaskGroup() as group:
        url = f"http://127.0.0.1:{proxy.port}/v1/events"
        for _ in range(CLIENTS):
            group.create_task(client(url, 0.1))
        # And some that say something now and then.
        for _ in range(3):
            group.create_task(client(url, 2))
        try:
            yield clients
        finally:
            stop.set()


@pytest.mark.fault(17)
@pytest.mark.timeout(300)
async def test_gateways_end_one_after_the_other_and_no_client_sees_an_error(
    stack: Rollout,
) -> None:
    async with load(stack, first=0) as clients:
        for gateway in GATEWAYS:
            await asyncio.sleep(2)
            before = clients.sent
            assert await asyncio.to_thread(stack.stop, gateway) == 0
            assert clients.sent - before > 50, "the load went on meanwhile"
            await asyncio.to_thread(stack.start, gateway)
            await asyncio.sleep(2 * LATE)
    tell(f"gateways ended: {clients.sent} requests, errors: {clients.errors}")
    assert clients.errors == []
    assert len(clients.told.acknowledged) == clients.sent
    await expect_all_carried_out(stack, clients)


@pytest.mark.fault(16)
@pytest.mark.timeout(300)
async def test_consumers_end_with_fifty_calls_under_way_and_none_is_lost_or_made_twice(
    stack: Rollout,
) -> None:
    slow = {"call": "addsms", "fault": "slow", "delay": 1.5, "times": 100_000}
    async with (
        aiohttp.ClientSession() as http,
        open_journal(stack.environment["POSTERN_JOURNAL"]) as journal,
    ):
        async with http.post(f"{stack.sandbox}/_sandbox/faults", json=slow) as answer:
            assert answer.status == 201
        async with load(stack, first=100_000) as clients:
            for part in ("consumers-1", "consumers-2"):
                under_way = await until_under_way(journal, 50)
                started = time.monotonic()
                assert await asyncio.to_thread(stack.stop, part) == 0
                took = time.monotonic() - started
                tell(f"{part} ended in {took:.1f} s, with {under_way} calls under way in all")
                assert took < 10, "the longest timeout and its margin"
                await asyncio.to_thread(stack.start, part)
        async with http.delete(f"{stack.sandbox}/_sandbox/faults") as answer:
            assert answer.status == 204
    tell(f"consumers ended: {clients.sent} requests, errors: {clients.errors}")
    assert clients.errors == []
    await expect_all_carried_out(stack, clients)
    for part in ("consumers-1", "consumers-2"):
        told = (stack.folder / f"{part}.log").read_text(encoding="utf-8")
        assert "scheduler_took_over" not in told, "calls were finished, not cut off"


async def until_under_way(journal: ReadJournal, least: int) -> int:
    """How many calls there are, once there are so many: on a busy machine that takes a while."""
    async with asyncio.timeout(90):
        while True:
            found = (await journal.books()).states.get(State.RUNNING, 0)
            if found >= least:
                return found
            await asyncio.sleep(0.2)


def tell(line: str) -> None:
    sys.stdout.write(f"\n{line}\n")


async def expect_all_carried_out(stack: Rollout, clients: Clients) -> None:
    proof = await prove_within(stack.sandbox, clients.told, 60)
    assert (proof.lost_texts, proof.texts_twice, proof.lost_updates) == ((), (), ())
    code, books = await asyncio.to_thread(ended_books, stack, time.monotonic() + 60)
    assert (code, set(books["states"])) == (0, {"done"})
    async with open_broker(stack.broker.url) as broker:
        assert await broker.depth(DEAD_QUEUE) == 0
