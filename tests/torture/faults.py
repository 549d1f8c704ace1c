"""What can happen to the stack. Each fault begins, lasts, and is over when its function returns.

What a fault may not do, since the delivery protocol assumes that it does not happen (README,
limits): let a request reach a provider later than its timeout and `reconcile_lag` (so what goes
*to* a provider is held back for three seconds at most), let a provider answer 503 to what it took,
and stop a worker between its last look at the lease and the write for longer than the lease (so
stops end sooner; a test of its own plays the long one). A queue is deleted in long runs only: its
messages come again after five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import aio_pika
import aiohttp

from core.broker.topology import Topology
from tests.servers.process import ServerError
from tests.servers.proxy import Proxy
from tests.torture.rig import Rig

Fault = Callable[[Rig, Random], Awaitable[None]]

_CALLS = ("addsms", "subscriptions/set")


def _consumers(rng: Random) -> str:
    return rng.choice(["consumers-1", "consumers-2"])


def _part(rng: Random) -> str:
    return rng.choice(["gateway", "consumers-1", "consumers-2"])


async def kill_a_part(rig: Rig, rng: Random) -> None:
    """kill -9; it is started again, as a supervisor does."""
    part = _part(rng)
    async with rig.busy[part]:
        await asyncio.to_thread(rig.kill, part)
        await asyncio.sleep(rng.uniform(0, 2))
        await asyncio.to_thread(rig.start, part)


async def end_a_part(rig: Rig, rng: Random) -> None:
    """SIGTERM, as in a rollout."""
    part = _part(rng)
    async with rig.busy[part]:
        await asyncio.to_thread(rig.stop, part)
        await asyncio.to_thread(rig.start, part)


async def freeze_a_part(rig: Rig, rng: Random) -> None:
    """SIGSTOP: a host that swaps, a process without CPU."""
    part = _part(rng)
    async with rig.busy[part]:
        rig.signal(part, signal.SIGSTOP)
        try:
            await asyncio.sleep(rng.uniform(0.5, 7))
        finally:
            rig.signal(part, signal.SIGCONT)


async def restart_the_broker(rig: Rig, rng: Random) -> None:
    async with rig.busy["broker"]:
        await asyncio.to_thread(rig.broker.stop if rng.random() < 0.5 else rig.broker.kill)
        await asyncio.sleep(rng.uniform(0, 3))
        await asyncio.to_thread(rig.broker.start)


async def freeze_the_broker(rig: Rig, rng: Random) -> None:
    async with rig.busy["broker"]:
        rig.broker.pause()
        try:
            await asyncio.sleep(rng.uniform(0.5, 8))
        finally:
            rig.broker.resume()


async def close_the_brokers_connections(rig: Rig, rng: Random) -> None:
    async with rig.busy["broker"]:
        # A channel that does not end in time makes the node complain; it is closed all the same.
        with contextlib.suppress(ServerError):
            await asyncio.to_thread(rig.broker.close_connections)


async def alarm_the_broker(rig: Rig, rng: Random) -> None:
    """Out of memory: it takes no more messages, and says so."""
    watermark = "vm_memory_monitor:set_vm_memory_high_watermark"
    async with rig.busy["broker"]:
        await asyncio.to_thread(rig.broker.evaluate, f"{watermark}(0.000001)")
        try:
            await asyncio.sleep(rng.uniform(1, 6))
        finally:
            await asyncio.to_thread(rig.broker.evaluate, f"{watermark}(0.4)")


async def delete_a_work_queue(rig: Rig, rng: Random) -> None:
    """With all that is in it, by somebody who meant another one."""
    queue = rng.choice(Topology.of(["altcraft", "sms"]).work_queues)
    async with rig.busy["broker"], await aio_pika.connect(rig.broker.url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(queue)


async def restart_the_database(rig: Rig, rng: Random) -> None:
    async with rig.busy["database"]:
        await asyncio.to_thread(rig.postgres.stop if rng.random() < 0.5 else rig.postgres.kill)
        await asyncio.sleep(rng.uniform(0, 4))
        await asyncio.to_thread(rig.postgres.start)


async def disturb_the_brokers_network(rig: Rig, rng: Random) -> None:
    await _disturb(rig.to_broker[_part(rng)], rng, longest=8)


async def disturb_the_databases_network(rig: Rig, rng: Random) -> None:
    await _disturb(rig.to_journal[_consumers(rng)], rng, longest=8)


async def disturb_a_providers_network(rig: Rig, rng: Random) -> None:
    """Answers are lost; requests are late, but not later than is assumed."""
    await _disturb(rng.choice([rig.to_sms, rig.to_altcraft]), rng, longest=3)


async def let_a_provider_fail(rig: Rig, rng: Random) -> None:
    kind = rng.choice(
        ["status", "drop-before", "drop-after-effect", "status-after-effect", "html", "hang"]
    )
    order: dict[str, Any] = {
        "call": rng.choice(_CALLS),
        "fault": kind,
        "probability": rng.choice([0.1, 0.3, 0.9]),
        "status": rng.choice([500, 502] if kind == "status-after-effect" else [500, 502, 503]),
    }
    await _ordered(rig, order, rng.uniform(1, 5))


async def let_a_provider_ask_to_wait(rig: Rig, rng: Random) -> None:
    order = {"call": rng.choice(_CALLS), "fault": "status", "status": 429, "retry_after": 2}
    await _ordered(rig, {**order, "times": 20}, rng.uniform(1, 3))


PROCESSES: tuple[Fault, ...] = (kill_a_part, kill_a_part, end_a_part, freeze_a_part)
SERVERS: tuple[Fault, ...] = (
    restart_the_broker,
    freeze_the_broker,
    close_the_brokers_connections,
    alarm_the_broker,
    restart_the_database,
)
LONG: tuple[Fault, ...] = (delete_a_work_queue,)
NETWORK: tuple[Fault, ...] = (
    disturb_the_brokers_network,
    disturb_the_databases_network,
    disturb_a_providers_network,
    let_a_provider_fail,
    let_a_provider_fail,
    let_a_provider_ask_to_wait,
)


async def _disturb(proxy: Proxy, rng: Random, *, longest: float) -> None:
    """Resets, a black hole, one direction held back, a slow line, or nobody there."""
    seconds = rng.uniform(0.3, longest)
    match rng.randrange(6):
        case 0:
            proxy.reset()
        case 1:
            proxy.hold()
        case 2:
            proxy.hold(forth=False)
        case 3:
            proxy.hold(back=False)
        case 4:
            proxy.slow(rng.uniform(0.05, 0.5))
        case _:
            proxy.refuse()
            proxy.reset()
    try:
        await asyncio.sleep(seconds)
    finally:
        if rng.random() < 0.5:
            # What was held never arrives.
            proxy.reset()
        proxy.slow(0)
        proxy.refuse(refusing=False)
        proxy.let_go()


async def _ordered(rig: Rig, order: dict[str, Any], seconds: float) -> None:
    faults = f"{rig.sandbox}/_sandbox/faults"
    async with rig.busy["sandbox"], aiohttp.ClientSession() as http:
        async with http.post(faults, json=order) as answer:
            assert answer.status == 201, await answer.text()
        await asyncio.sleep(seconds)
        async with http.delete(faults) as answer:
            assert answer.status == 204
