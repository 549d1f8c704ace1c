"""A cluster of three RabbitMQ nodes loses its leaders, or its majority, under a gateway that
publishes to it as in Kubernetes: through one address that leads to whichever node is up.

What must not go in: what one node alone can show (see `test_spool.py` and the conformance suite).
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from core.broker.connect import open_broker
from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE, Topology
from core.messages import decode_action, decode_record
from tests.load import Milestones, Told, order, post_orders
from tests.servers.cluster import RabbitMQCluster
from tests.servers.process import GuardedProcess, free_ports
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQNode
from tests.stack import answers

CONFIG = """
sources:
  again: {verify: {scheme: bearer, secrets: [{env: AGAIN_KEY}]}, events: ["order.*"]}
  once:
    verify: {scheme: bearer, secrets: [{env: ONCE_KEY}]}
    events: ["order.*"]
    durability: spool
providers:
  sms: {kind: smsgateway24, token: {env: TOKEN}, device_id: 260, region: DE}
rules:
  - id: thanks
    on: order.placed
    do: [{call: sms.send, with: {to: "${data.customer.phone}", text: "Thanks"}}]
"""
KEYS = {"AGAIN_KEY": "again-key-0123456789-012345678", "ONCE_KEY": "once-key-0123456789-0123456789"}
ROOT = Path(__file__).resolve().parents[2]
VHOST = "shop"
WORK_QUEUE = "postern.sms.normal"
TOPOLOGY = Topology.of(["sms"])
DEADLINE = 3.0
ORDERS = 600


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    retry_after: str | None
    actions: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Site:
    """The cluster, the address in front of it, and a gateway that knows only that address."""

    cluster: RabbitMQCluster
    proxy: Proxy
    broker: str
    url: str
    admin: str

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.admin}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))

    def leader(self, queue: str = WORK_QUEUE) -> RabbitMQNode:
        return self.cluster.leader(VHOST, queue)

    def lead(self, node: RabbitMQNode) -> None:
        """Both queues that an order needs are led by this node from now on."""
        for queue in (WORK_QUEUE, RECORDER_QUEUE):
            self.cluster.make_leader(VHOST, queue, node)

    async def connect_to(self, node: RabbitMQNode) -> None:
        """The gateway's connection goes to this node; what comes after that, to any."""
        self.proxy.lead_to(node.port)
        self.proxy.reset()
        async with asyncio.timeout(20), aiohttp.ClientSession() as http:
            while (await self.post(http, 0, "AGAIN_KEY")).status != 202:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.1)
        self.proxy.lead_to(*self.cluster.ports)

    async def post(self, http: aiohttp.ClientSession, number: int, key: str) -> Answer:
        started = time.monotonic()
        headers = {"Authorization": f"Bearer {KEYS[key]}"}
        url = f"{self.url}/v1/events"
        async with http.post(url, json=order(number), headers=headers) as answer:
            body = await answer.json(content_type=None)
            return Answer(
                status=answer.status,
                retry_after=answer.headers.get("Retry-After"),
                actions=tuple(action["id"] for action in body.get("actions", ())),
                seconds=time.monotonic() - started,
            )

    async def taken(
        self, queue: str, name_of: Callable[[bytes], str], wanted: Iterable[str]
    ) -> list[str]:
        """The names of all that is in a queue, in order, and takes it out. Ends when nothing more
        comes; what is wanted is waited for longer."""
        names: list[str] = []
        missing = set(wanted)
        async with (
            open_broker(self.broker) as broker,
            broker.subscribe(queue, prefetch=500) as deliveries,
        ):
            while True:
                try:
                    async with asyncio.timeout(10 if missing else 0.5):
                        delivery = await anext(aiter(deliveries))
                except TimeoutError:
                    return names
                name = name_of(delivery.body)
                names.append(name)
                missing.discard(name)
                await delivery.ack()


@pytest.fixture(scope="module")
def cluster() -> Iterator[RabbitMQCluster]:
    with RabbitMQCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def running(cluster: RabbitMQCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("gateway")
    config = folder / "postern.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    cluster.add_vhost(VHOST)
    listen, admin = free_ports(2)
    with Proxy(*cluster.ports) as proxy:
        site = Site(
            cluster=cluster,
            proxy=proxy,
            broker=proxy.url(cluster.nodes[0].vhost_url(VHOST)),
            url=f"http://127.0.0.1:{listen}",
            admin=f"http://127.0.0.1:{admin}",
        )
        gateway = GuardedProcess(
            [sys.executable, "-m", "gateway"],
            log=folder / "gateway.log",
            environment={
                "PYTHONPATH": str(ROOT),
                "POSTERN_CONFIG": str(config),
                "POSTERN_BROKER": site.broker,
                "POSTERN_LISTEN": f"127.0.0.1:{listen}",
                "POSTERN_ADMIN": f"127.0.0.1:{admin}",
                "POSTERN_DATA": str(folder),
                "POSTERN_SPOOL": str(folder / "spool"),
                "TOKEN": "a-token-for-tests",
                **KEYS,
            },
        )
        try:
            gateway.wait_until(
                lambda: answers(f"{site.admin}/readyz"),
                within=timedelta(seconds=60),
                what="the gateway",
            )
            yield site
        finally:
            gateway.end(signal.SIGTERM)


@pytest.fixture
def site(running: Site) -> Site:
    """With all three nodes, whatever the test before has done to them."""
    running.cluster.start()
    return running


@pytest.fixture
def majority(running: Site) -> Site:
    """With two nodes at least: a node takes seconds to start."""
    down = [node for node in running.cluster.nodes if node not in running.cluster.up]
    if len(down) > 1:
        running.cluster.start(*down[1:])
    return running


def test_every_queue_has_a_member_on_each_of_the_three_nodes(site: Site) -> None:
    for queue in (*TOPOLOGY.queues, DEAD_QUEUE):
        assert site.cluster.members(VHOST, queue) == site.cluster.nodes


@pytest.mark.fault(29)
@pytest.mark.parametrize("connected", ["to another node", "to the leader"])
async def test_no_acknowledged_order_is_lost_when_the_leader_is_killed(
    site: Site, connected: str
) -> None:
    """The gateway's connection either breaks with the leader, or stands and has to find out who
    leads now."""
    leader, other = (
        site.cluster.nodes[:2] if connected == "to the leader" else site.cluster.nodes[1:]
    )
    await site.connect_to(leader if connected == "to the leader" else other)
    site.lead(leader)
    milestones = Milestones(ORDERS, 0.25, 0.5)
    moments: list[float] = []

    def progress(count: int) -> None:
        moments.append(time.monotonic())
        milestones.progress(count)

    async def fault() -> tuple[float, RabbitMQNode]:
        await milestones.reached(0.25)
        killed = time.monotonic()
        await asyncio.to_thread(leader.kill)
        await milestones.reached(0.5)
        successor = site.leader()
        await asyncio.to_thread(site.cluster.start)
        return killed, successor

    load = post_orders(site.url, KEYS["AGAIN_KEY"], range(1, ORDERS + 1), progress=progress)
    told, (killed, successor) = await asyncio.gather(load, fault())
    assert successor is not leader
    refused = max(b - a for a, b in pairwise(moments) if b >= killed)
    planned = _actions_of(told)
    events = Counter(await site.taken(RECORDER_QUEUE, _event, told.acknowledged))
    actions = Counter(await site.taken(WORK_QUEUE, _action, planned))
    lost = (set(told.acknowledged) - set(events)) | (planned - set(actions))
    twice = sum(events[each] - 1 for each in told.acknowledged if each in events) + sum(
        actions[each] - 1 for each in planned if each in actions
    )
    sys.stdout.write(
        f"\nleader killed, gateway connected {connected}: acknowledged {len(told.acknowledged)},"
        f" lost {len(lost)}, twice {twice}, refused for {refused:.1f} s,"
        f" sender's retries {dict(told.retries)}\n"
    )
    assert lost == set()
    assert refused < 10


@pytest.mark.fault(29)
async def test_consumers_go_on_by_themselves_when_the_leader_is_killed(site: Site) -> None:
    """One consumer loses its connection with the leader, the other keeps it."""
    leader, *others = site.cluster.nodes
    site.lead(leader)
    await site.connect_to(others[0])
    seen: Counter[str] = Counter()
    wanted = 200

    async def consume(port: int) -> None:
        site.proxy.lead_to(port)
        async with (
            open_broker(site.broker) as broker,
            broker.subscribe(WORK_QUEUE, prefetch=10) as deliveries,
        ):
            async for delivery in deliveries:
                seen[decode_action(delivery.body).action.id] += 1
                await delivery.ack()

    async with asyncio.TaskGroup() as group:
        consumers = []
        for node in (leader, others[1]):
            consumers.append(group.create_task(consume(node.port)))
            await asyncio.sleep(1)
        site.proxy.lead_to(*site.cluster.ports)
        told = await post_orders(site.url, KEYS["AGAIN_KEY"], range(wanted // 2))
        leader.kill()
        killed = time.monotonic()
        more = await post_orders(site.url, KEYS["AGAIN_KEY"], range(wanted // 2, wanted))
        ids = _actions_of(told) | _actions_of(more)
        async with asyncio.timeout(20):
            while not ids <= set(seen):  # noqa: ASYNC110 - two consumers share it
                await asyncio.sleep(0.05)
        sys.stdout.write(
            f"\nconsumers after the leader was killed: {len(ids)} of {wanted} came,"
            f" {time.monotonic() - killed:.1f} s after it\n"
        )
        for task in consumers:
            task.cancel()
    await site.taken(RECORDER_QUEUE, _event, told.acknowledged | more.acknowledged)


@pytest.mark.fault(29)
@pytest.mark.parametrize("minority", ["ignore", "pause_minority"])
async def test_without_a_majority_senders_are_refused_in_time_or_served_from_the_spool(
    majority: Site, minority: str
) -> None:
    """A lone node either stays and confirms nothing, or closes its door, as the setting is."""
    site, cluster = majority, majority.cluster
    last, second, *_ = cluster.up
    site.lead(last)
    await site.connect_to(last)
    last.evaluate(f"application:set_env(rabbit, cluster_partition_handling, {minority})")
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        before = await site.post(http, 1, "ONCE_KEY")
        for node in cluster.nodes:
            if node is not last:
                node.kill()
        answers = await asyncio.gather(*(site.post(http, n, "AGAIN_KEY") for n in range(90, 94)))
        answers += [await site.post(http, 94, "AGAIN_KEY")]
        spooled = [await site.post(http, n, "ONCE_KEY") for n in range(2, 22)]
        held = site.metric("postern_spool_messages")
        healed = time.monotonic()
        await asyncio.to_thread(cluster.start, second)
        up = time.monotonic()
        async with asyncio.timeout(40):
            while site.metric("postern_spool_messages"):  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.1)
        drained = time.monotonic()
        after = await site.post(http, 22, "AGAIN_KEY")
    sys.stdout.write(
        f"\n2 of 3 nodes down ({minority}): refused within {_slowest(answers):.1f} s,"
        f" spooled within {_slowest(spooled):.1f} s; a node up after"
        f" {up - healed:.1f} s, drained {drained - up:.1f} s later\n"
    )
    assert {answer.status for answer in answers} == {503}
    assert all(answer.retry_after for answer in answers)
    assert {answer.status for answer in (before, *spooled, after)} == {202}
    assert _slowest((*answers, *spooled)) < DEADLINE
    assert held == 2 * len(spooled)
    wanted = [f"load-{n}" for n in range(1, 23)]
    events = await site.taken(RECORDER_QUEUE, _event, wanted)
    assert [name for name in dict.fromkeys(events) if name in wanted] == wanted
    planned = {each for answer in (before, *spooled, after) for each in answer.actions}
    assert planned <= set(await site.taken(WORK_QUEUE, _action, planned))


def _slowest(answers: Sequence[Answer]) -> float:
    return max(answer.seconds for answer in answers)


def _action(body: bytes) -> str:
    return decode_action(body).action.id


def _event(body: bytes) -> str:
    return decode_record(body).event.id


def _actions_of(told: Told) -> set[str]:
    return {each for ids in told.acknowledged.values() for each in ids}
