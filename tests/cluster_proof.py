"""A load while the leaders of its queues are killed, on the whole stack and a cluster of three
nodes: must lose nothing and send nothing twice.

`make proof` runs it; the numbers it prints are its proof. What must not go in: faults of other
parts (see `chaos.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from itertools import pairwise

from core.broker.topology import RECORDER_QUEUE, work_queue
from core.messages import Lane
from tests.chaos import Result, ended_books
from tests.load import Milestones, Told, post_orders, prove, prove_within
from tests.servers.cluster import RabbitMQCluster
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQNode
from tests.stack import Stack, fast

_SETTLE = 300
_FROZEN = 20
_VHOST = "postern"
_QUEUES = (work_queue("sms", Lane.NORMAL), work_queue("altcraft", Lane.NORMAL), RECORDER_QUEUE)
_BROKEN, _MENDED = 0.3, 0.6
"""Shares of a load after which the fault comes and goes."""


class ClusteredStack(Stack):
    """The stack on a cluster, by way of one address that leads to whichever node is up."""

    def __init__(self, cluster: RabbitMQCluster, address: str) -> None:
        super().__init__(configuration=fast, broker=cluster.nodes[0])
        self._address = address

    def environment_of(self, part: str) -> dict[str, str]:
        return super().environment_of(part) | {"POSTERN_BROKER": self._address}


async def run(stack: Stack, cluster: RabbitMQCluster, events: int) -> tuple[Result, list[float]]:
    """Three loads: in the first two the node that leads all queues is killed and started again, in
    the last one it is frozen. And the longest time in each in which no order was taken."""
    started = time.monotonic()
    told = Told()
    gaps: list[float] = []
    borders = [events * number // len(_FAULTS) for number in range(len(_FAULTS) + 1)]
    for fault, (first, end) in zip(_FAULTS, pairwise(borders), strict=True):
        milestones = Milestones(end - first, _BROKEN, _MENDED)
        moments: list[float] = []
        load = post_orders(
            stack.events,
            stack.key,
            range(first, end),
            progress=partial(_note, moments, milestones),
        )
        part, _ = await asyncio.gather(load, fault(cluster, milestones))
        told.acknowledged |= part.acknowledged
        told.retries += part.retries
        gaps.append(max(after - before for before, after in pairwise(moments)))
    await prove_within(stack.sandbox, told, _SETTLE)
    code, found = await asyncio.to_thread(ended_books, stack, time.monotonic() + _SETTLE)
    result = Result(
        told=told,
        proof=await prove(stack.sandbox, told),
        books=found,
        books_exit=code,
        seconds=time.monotonic() - started,
    )
    return result, gaps


def _note(moments: list[float], milestones: Milestones, count: int) -> None:
    moments.append(time.monotonic())
    milestones.progress(count)


async def _kill(cluster: RabbitMQCluster, milestones: Milestones) -> None:
    await milestones.reached(_BROKEN)
    leader = _leader_of_all(cluster)
    await asyncio.to_thread(leader.kill)
    await milestones.reached(_MENDED)
    await asyncio.to_thread(cluster.start, leader)


async def _freeze(cluster: RabbitMQCluster, milestones: Milestones) -> None:
    await milestones.reached(_BROKEN)
    leader = _leader_of_all(cluster)
    leader.pause()
    await asyncio.sleep(_FROZEN)
    leader.resume()


def _leader_of_all(cluster: RabbitMQCluster) -> RabbitMQNode:
    leader = cluster.leader(_VHOST, _QUEUES[0])
    for queue in _QUEUES:
        cluster.make_leader(_VHOST, queue, leader)
    return leader


_FAULTS = (_kill, _kill, _freeze)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 only if nothing was lost, no text was sent twice and the books balance."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--events", type=int, default=5_000)
    options = parser.parse_args(arguments)
    with ExitStack() as opened:
        cluster = opened.enter_context(RabbitMQCluster())
        proxy = opened.enter_context(Proxy(*cluster.ports))
        address = proxy.url(cluster.add_vhost(_VHOST))
        stack = opened.enter_context(ClusteredStack(cluster, address))
        result, gaps = asyncio.run(run(stack, cluster, options.events))
    sys.stdout.write(
        f"{result.summary()}\n"
        f"no order taken for           {', '.join(f'{gap:.1f} s' for gap in gaps)}"
        " at most (leader killed, killed, frozen)\n"
    )
    return 0 if result.proof.holds and result.books_exit == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
