"""The private servers themselves: nothing of them outlives the Python process that started them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.broker.connect import open_broker
from core.broker.topology import Topology
from tests.servers.cluster import RabbitMQCluster
from tests.servers.process import GuardedProcess, ServerError, free_ports, state_of

_STARTS = """
import sys, time
from tests.servers.postgres import PostgresServer
from tests.servers.process import GuardedProcess
from pathlib import Path

server = PostgresServer()
server.start()
stubborn = GuardedProcess(["/bin/sleep", "600"], log=Path("/dev/null"))
print(server.directory, server._server.pid, stubborn.pid, flush=True)
time.sleep(600)
"""

_TAKES_PORTS = "from tests.servers.process import free_ports; print(*free_ports(150))"

_TURNS = """
import hashlib, threading
for _ in range(20):
    threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"", b"", 10**9)).start()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "SIGTERM"])
def test_a_killed_process_leaves_no_server_and_no_data_behind(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", _STARTS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    directory, *pids = process.stdout.readline().split()
    assert Path(directory).is_dir()
    process.send_signal(number)
    process.communicate()
    limit = time.monotonic() + 20
    while Path(directory).exists() or any(_runs(pid) for pid in pids):
        assert time.monotonic() < limit, "a server or its data outlived its process"
        time.sleep(0.05)


@pytest.mark.timeout(180)
def test_a_cluster_is_one_broker_whose_queues_outlive_a_node() -> None:
    topology = Topology.of(["sms"])
    queue = topology.queues[0]
    with RabbitMQCluster() as cluster:
        asyncio.run(_declare(cluster.add_vhost("shop"), topology))
        assert cluster.members("shop", queue) == cluster.nodes
        first, second, third = cluster.nodes
        cluster.make_leader("shop", queue, first)
        assert cluster.leader("shop", queue) is first
        first.kill()
        assert cluster.up == (second, third)
        limit = time.monotonic() + 20
        while not _has_leader(cluster, queue):
            assert time.monotonic() < limit, "nobody leads the queue"
            time.sleep(0.05)
        assert cluster.leader("shop", queue) in {second, third}


async def _declare(url: str, topology: Topology) -> None:
    async with open_broker(url) as broker:
        await broker.declare(topology)


def _has_leader(cluster: RabbitMQCluster, queue: str) -> bool:
    try:
        cluster.leader("shop", queue)
    except ServerError:
        return False
    return True


def test_no_port_is_given_to_two_processes_before_either_listens() -> None:
    asked = [sys.executable, "-c", f"{_TAKES_PORTS}; input()"]
    others = [
        subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    given = [int(port) for port in free_ports(150)]
    for other in others:
        assert other.stdout is not None
        given += [int(port) for port in other.stdout.readline().split()]
    for other in others:
        other.communicate("\n")
    assert len(given) == 5 * 150
    assert len(set(given)) == len(given)


def test_a_stopped_process_stands_still_once_the_signal_is_sent(tmp_path: Path) -> None:
    for _ in range(20):
        child = GuardedProcess([sys.executable, "-c", _TURNS], log=tmp_path / "log")
        try:
            threads = Path("/proc", str(child.pid), "task")
            limit = time.monotonic() + 20
            while len(list(threads.iterdir())) < 21:
                assert time.monotonic() < limit, "the threads do not start"
                time.sleep(0.01)
            child.send(signal.SIGSTOP)
            assert {state_of(thread) for thread in threads.iterdir()} == {"T"}
        finally:
            child.end(signal.SIGKILL)


def _runs(pid: str) -> bool:
    return state_of(Path("/proc", pid)) not in {None, "Z"}
