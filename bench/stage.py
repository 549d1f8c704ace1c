"""Everything a run needs, up at once: the stack with one consumer process, the bare handler, a
provider that answers at once; each where it belongs on the cores.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import aiormq
import asyncpg

from bench.machine import Cores, describe_machine, pin
from bench.peers.start import Peer, peers
from core.broker.topology import RECORDER_QUEUE, Topology
from core.journal.tables import metadata
from tests.servers.process import GuardedProcess, free_ports
from tests.stack import ROOT, Stack

CONSUMER = "consumers-1"
_PROVIDERS = ("altcraft", "sms")
_START = timedelta(seconds=30)
_KEPT = frozenset({"leaders"})


class BenchStack(Stack):
    """A part may have a journal of its own."""

    def __init__(self, *, consumers: int, configuration: Callable[[str], str]) -> None:
        super().__init__(consumers=consumers, configuration=configuration)
        self.journals: dict[str, str | None] = {}

    def environment_of(self, part: str) -> dict[str, str]:
        journal = self.journals.get(part)
        return super().environment_of(part) | ({"POSTERN_JOURNAL": journal} if journal else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that is up, and where it takes events."""

    process: GuardedProcess
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the cases work with. The consumer is stopped except while it is measured."""

    stack: BenchStack
    cores: Cores
    bare: GuardedProcess
    bare_url: str
    provider: GuardedProcess
    provider_url: str
    peers: Mapping[str, Served]

    @property
    def postgres_pid(self) -> int:
        written = self.stack.postgres.directory / "data" / "postmaster.pid"
        return int(written.read_text(encoding="utf-8").split("\n", 1)[0])

    @property
    def broker_pid(self) -> int:
        pid = self.stack.broker.pid
        assert pid is not None
        return pid

    def start_consumer(self, *, journal: str | None = None) -> None:
        """`journal`: another one than the stack's."""
        self.stack.journals[CONSUMER] = journal
        self.stack.start(CONSUMER, wait=False)
        pin(self.stack.pid(CONSUMER), self.cores.measured)

    def stop_consumer(self) -> None:
        self.stack.stop(CONSUMER)

    def empty_queues(self) -> None:
        """So that one case does not burden the next."""
        asyncio.run(_purge(self.stack.broker.url))

    def empty_journal(self) -> None:
        names = ", ".join(sorted(set(metadata.tables) - _KEPT))
        self.ask_journal(f"TRUNCATE {names}")

    def ask_journal(self, query: str) -> list[asyncpg.Record]:
        return asyncio.run(_ask(self.stack.postgres.database_url("postern"), query))

    def await_consumer(self) -> None:
        """Until it takes what there is."""
        self.stack.await_ready(CONSUMER)

    def take_all(self) -> list[bytes]:
        """What waits in all queues."""
        return asyncio.run(_take_all(self.stack.broker.url))

    def oldest_record(self) -> bytes:
        """Taken from the recorder's queue: the record of an event as the gateway publishes it."""
        return asyncio.run(_take(self.stack.broker.url, RECORDER_QUEUE))

    def describe(self) -> str:
        """The machine and the servers, in one line."""
        rabbitmq = self.stack.broker.evaluate("rabbit_misc:version()").strip('"')
        postgres = self.ask_journal("SHOW server_version")[0][0].split()[0]
        return f"{describe_machine(self.cores.count)}, RabbitMQ {rabbitmq}, PostgreSQL {postgres}"


@contextmanager
def open_stage(cores: Cores, *, with_peers: bool) -> Iterator[Stage]:
    bare_port, provider_port = free_ports(2)

    def with_our_provider(text: str) -> str:
        return re.sub(
            r"url: http://127\.0\.0\.1:\d+/", f"url: http://127.0.0.1:{provider_port}/", text
        )

    with ExitStack() as opened:
        stack = opened.enter_context(BenchStack(consumers=1, configuration=with_our_provider))
        stack.stop("sandbox")
        stack.stop(CONSUMER)
        bare = _start(stack, "bench.bare", bare_port)
        opened.callback(bare.end, signal.SIGTERM)
        provider = _start(stack, "bench.provider", provider_port)
        opened.callback(provider.end, signal.SIGTERM)
        stage = Stage(
            peers={
                peer.name: opened.enter_context(_peer(stack, peer, cores))
                for peer in (_peers(stack) if with_peers else ())
            },
            stack=stack,
            cores=cores,
            bare=bare,
            bare_url=f"http://127.0.0.1:{bare_port}",
            provider=provider,
            provider_url=f"http://127.0.0.1:{provider_port}",
        )
        # Everything was started by this process; what is measured is then moved apart.
        pin(os.getpid(), cores.rest)
        pin(stack.pid("gateway"), cores.measured)
        pin(bare.pid, cores.measured)
        yield stage


def _peers(stack: Stack) -> list[Peer]:
    return peers(stack.broker.url, stack.key, free_ports(3))


@contextmanager
def _peer(stack: Stack, peer: Peer, cores: Cores) -> Iterator[Served]:
    port = int(peer.environment["PORT"])
    process = GuardedProcess(
        peer.command,
        log=stack.folder / f"{peer.name}.log",
        environment={"PATH": os.environ["PATH"], "HOME": str(stack.folder), **peer.environment},
        last_signal=signal.SIGTERM,
    )
    try:
        process.wait_until(lambda: _listens(port), within=_START, what=peer.name)
        pin(process.pid, cores.measured)
        yield Served(process=process, url=f"http://127.0.0.1:{port}")
    finally:
        process.end(signal.SIGTERM)


def _start(stack: Stack, module: str, port: int) -> GuardedProcess:
    process = GuardedProcess(
        [sys.executable, "-m", module, str(port)],
        log=stack.folder / f"{module}.log",
        environment={**os.environ, "PYTHONPATH": str(ROOT)},
        last_signal=signal.SIGTERM,
    )
    process.wait_until(lambda: _listens(port), within=_START, what=module)
    return process


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


async def _purge(url: str) -> None:
    connection = await aiormq.connect(url)
    try:
        channel = await connection.channel()
        for queue in Topology.of(_PROVIDERS).queues:
            await channel.queue_purge(queue)
    finally:
        await connection.close()


async def _take_all(url: str) -> list[bytes]:
    connection = await aiormq.connect(url)
    found = []
    try:
        channel = await connection.channel()
        for queue in Topology.of(_PROVIDERS).queues:
            while body := (await channel.basic_get(queue, no_ack=True)).body:
                found.append(body)
    finally:
        await connection.close()
    return found


async def _take(url: str, queue: str) -> bytes:
    connection = await aiormq.connect(url)
    try:
        channel = await connection.channel()
        return (await channel.basic_get(queue, no_ack=True)).body
    finally:
        await connection.close()


async def _ask(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()
