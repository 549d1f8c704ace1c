"""What Postern needs of a broker: durable queues, publishing with confirms, manual acknowledgement.

Two adapters keep this contract, `rabbitmq` and `embedded`, and one conformance suite holds both to
it. What must not go in: what a message means. A broker moves bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.broker.topology import Topology
from core.errors import BrokerError
from core.record import record


@record
class Outgoing:
    """One message to publish: the queue it is for and its bytes. Always persistent, always
    mandatory."""

    queue: str
    body: bytes


class Delivery(Protocol):
    """One message handed to us. It stays ours until it is acknowledged or its subscription ends."""

    @property
    def queue(self) -> str: ...

    @property
    def body(self) -> bytes: ...

    @property
    def stale(self) -> bool:
        """True once the channel it came on is gone: the broker hands it out again, acking is
        pointless."""
        ...

    async def ack(self) -> None:
        """Take the message off its queue. On a stale delivery this does nothing and raises
        nothing."""
        ...


class Subscription(Protocol):
    """A running consumer of one queue: an asynchronous iterator of deliveries.

    It survives a lost connection by itself (after a reconnect it goes on; what was buffered and
    became stale is never handed out). Iteration ends only when the subscription is closed.
    """

    @property
    def consuming(self) -> bool:
        """Whether the broker hands messages to it, as far as we know, or did until it was
        stopped."""
        ...

    def __aiter__(self) -> AsyncIterator[Delivery]: ...

    async def stop(self) -> None:
        """Take no further deliveries; those already handed out can still be acknowledged. Iteration
        ends."""
        ...


Told = Callable[[BrokerError | None], None]
"""Hears the verdict on some messages, once and never before `post` returns: the error that
`publish` would raise, or None. Must not raise; may post again."""


class Publisher(Protocol):
    """The narrow part that the gateway and the scheduler need."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Return only when every message is confirmed *and* routed (embedded: fsynced).

        Raises BrokerUnavailable (away, blocked, timed out: outcome unknown), PublishRefused (nack)
        or Unroutable. Some of the messages may stand after an error. Never raises CancelledError
        unless the calling task was really cancelled.
        """
        ...

    @property
    def posts(self) -> bool:
        """Whether `post` is likely to take something now: asked before there is anything to
        send."""
        ...

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        """The same without anybody waiting. False: it cannot be written at once; then nothing was
        done, and `publish` may be able to."""
        ...


class Broker(Publisher, Protocol):
    """A broker connection. Opened by `core.broker.connect.open_broker`, closed with its context."""

    @property
    def connected(self) -> bool:
        """Whether publishing is possible right now, as far as we know."""
        ...

    @property
    def blocked(self) -> bool:
        """Whether the broker has said that it takes nothing for now, as in an alarm."""
        ...

    async def declare(self, topology: Topology) -> None:
        """Make the queues stand; idempotent. Raises TopologyMismatch naming the queue and the
        argument that differs, BrokerUnavailable if the broker does not answer, Unroutable if
        somebody deletes meanwhile what is declared."""
        ...

    def subscribe(self, queue: str, *, prefetch: int) -> AbstractAsyncContextManager[Subscription]:
        """Consume a queue with at most `prefetch` unacknowledged messages. Leaving the context
        closes the channel: what is unacknowledged goes back to the queue (never rejected)."""
        ...

    async def depth(self, queue: str) -> int:
        """How many messages are ready in the queue. Raises Unroutable if there is no such queue,
        BrokerUnavailable if the broker does not answer."""
        ...
