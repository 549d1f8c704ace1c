"""A model of the broker: queues, who holds which message unacknowledged, and what the world does to
them.

What must not go in: what a message means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.broker.port import Outgoing, Told
from core.broker.topology import DEAD_QUEUE, Topology
from core.errors import BrokerError, BrokerUnavailable, Unroutable
from tests.faults.protocol.gates import How, walking

DELIVERY_LIMIT = 1
"""Lower than the real one, so that dead letters are met often."""


@dataclass(eq=False, slots=True)
class Message:
    queue: str
    body: bytes
    failed: int = 0
    """Deliveries that were not acknowledged."""


@dataclass(eq=False, slots=True)
class Handed:
    """A message in the hands of a process."""

    message: Message
    process: str
    broker: ModelBroker

    @property
    def queue(self) -> str:
        return self.message.queue

    @property
    def body(self) -> bytes:
        return self.message.body

    @property
    def stale(self) -> bool:
        return self not in self.broker.held

    async def ack(self) -> None:
        how = await walking().gate("ack")
        if how is How.FAILS:
            self.broker.drop(self.process)
        elif not self.stale:
            self.broker.held.remove(self)


@dataclass
class ModelBroker:
    """Queues of messages, and who holds which of them unacknowledged."""

    ready: dict[str, list[Message]] = field(default_factory=dict)
    held: list[Handed] = field(default_factory=list)
    lost: list[bytes] = field(default_factory=list)
    """Bodies that went with a deleted queue."""
    dead: list[bytes] = field(default_factory=list)

    @property
    def posts(self) -> bool:
        return False

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        return False

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        failed: BrokerError | None = None
        for outgoing in messages:
            how = await walking().gate("publish")
            if how is How.FAILS:
                failed = BrokerUnavailable("away")
            elif outgoing.queue not in self.ready:
                failed = Unroutable("there is no such queue")
            else:
                self.ready[outgoing.queue].append(Message(outgoing.queue, outgoing.body))
                if how is How.LOST:
                    failed = BrokerUnavailable("no confirm")
        if failed is not None:
            raise failed

    async def depth(self, queue: str) -> int:
        if queue not in self.ready:
            raise Unroutable("there is no such queue")
        return len(self.ready[queue])

    async def declare(self, topology: Topology) -> None:
        for queue in (*topology.queues, DEAD_QUEUE):
            self.ready.setdefault(queue, [])

    def take(self, queue: str, process: str, most: int = 1) -> list[Handed]:
        waiting = self.ready.get(queue, [])
        taken, waiting[:] = waiting[:most], waiting[most:]
        handed = [Handed(message, process, self) for message in taken]
        self.held += handed
        return handed

    def drop(self, process: str) -> None:
        """The connection is gone: what was held comes again, the process may work on."""
        for handed in [each for each in self.held if each.process == process]:
            self.held.remove(handed)
            message = handed.message
            message.failed += 1
            if message.failed > DELIVERY_LIMIT and message.queue != DEAD_QUEUE:
                self.dead.append(message.body)
                message.queue, message.failed = DEAD_QUEUE, 0
            self.ready[message.queue].insert(0, message)

    def delete(self, queue: str) -> None:
        gone = [each for each in self.held if each.queue == queue]
        self.held = [each for each in self.held if each.queue != queue]
        messages = [*self.ready.pop(queue, []), *(each.message for each in gone)]
        self.lost += [message.body for message in messages]
