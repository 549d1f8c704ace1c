"""A broker whose messages are counted: what was published and what became of it, what came in.

Composition roots wrap the adapter in it. What must not go in: anything that changes what a broker
does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge

from core.broker.port import Broker, Delivery, Outgoing, Subscription, Told
from core.broker.topology import Topology
from core.errors import BrokerError, PublishRefused, Unroutable
from core.hot import HotCounter

RESULTS = ("confirmed", "returned", "refused", "unconfirmed")


class BrokerMetrics:
    """Of both sides: gateway and consumers publish, consumers receive. Queues come from the
    configuration."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connected = Gauge(
            "postern_broker_connected",
            "1 while the broker can be published to.",
            registry=registry,
        )
        self.blocked = Gauge(
            "postern_broker_blocked",
            "1 while the broker has said that it takes nothing: an alarm of its memory or disk.",
            registry=registry,
        )
        self.published = HotCounter(
            "postern_messages_published_total",
            "Messages handed to the broker: confirmed, returned (no queue took one of them), "
            "refused, or unconfirmed (away, or not in time).",
            ("result",),
            registry=registry,
        )
        self.received = Counter(
            "postern_messages_received_total",
            "Messages that the broker handed to this process.",
            ("queue",),
            registry=registry,
        )
        self.in_hand = Gauge(
            "postern_messages_in_hand",
            "Messages that this process holds and has not acknowledged.",
            ("queue",),
            registry=registry,
        )
        self.consuming = Gauge(
            "postern_consuming",
            "1 while the broker hands messages of the queue to this process, or it finishes what "
            "it took; 0 while it only tries to be handed some.",
            ("queue",),
            registry=registry,
        )
        for result in RESULTS:
            self.published.labels(result)
        self._open: defaultdict[str, list[Subscription]] = defaultdict(list)

    @contextmanager
    def while_open(self, queue: str, subscription: Subscription) -> Iterator[None]:
        """One that is open and that the broker gives nothing to does not count as consuming."""
        mine = self._open[queue]
        mine.append(subscription)
        self.consuming.labels(queue).set_function(lambda: sum(each.consuming for each in mine))
        try:
            yield
        finally:
            mine.remove(subscription)


def _result(error: BaseException | None) -> str:
    match error:
        case None:
            return "confirmed"
        case Unroutable():
            return "returned"
        case PublishRefused():
            return "refused"
    return "unconfirmed"


class CountedBroker:
    """The broker it is given, counted."""

    def __init__(self, broker: Broker, metrics: BrokerMetrics) -> None:
        self._broker = broker
        self._metrics = metrics
        metrics.connected.set_function(lambda: float(broker.connected))
        metrics.blocked.set_function(lambda: float(broker.blocked))

    @property
    def connected(self) -> bool:
        return self._broker.connected

    @property
    def blocked(self) -> bool:
        return self._broker.blocked

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        # Of an attempt that failed some may stand: it is counted as a whole all the same.
        try:
            await self._broker.publish(messages)
        except BaseException as error:
            self._metrics.published.labels(_result(error)).inc(len(messages))
            raise
        self._metrics.published.labels("confirmed").inc(len(messages))

    @property
    def posts(self) -> bool:
        return self._broker.posts

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        def counted(error: BrokerError | None) -> None:
            self._metrics.published.labels(_result(error)).inc(len(messages))
            told(error)

        return self._broker.post(messages, counted)

    async def declare(self, topology: Topology) -> None:
        await self._broker.declare(topology)

    async def depth(self, queue: str) -> int:
        return await self._broker.depth(queue)

    def subscribe(self, queue: str, *, prefetch: int) -> AbstractAsyncContextManager[Subscription]:
        return self._subscribed(queue, prefetch)

    @asynccontextmanager
    async def _subscribed(self, queue: str, prefetch: int) -> AsyncIterator[Subscription]:
        async with self._broker.subscribe(queue, prefetch=prefetch) as subscription:
            counted = _CountedSubscription(subscription, self._metrics, queue)
            with self._metrics.while_open(queue, subscription):
                try:
                    yield counted
                finally:
                    counted.let_go()


class _CountedSubscription:
    def __init__(self, subscription: Subscription, metrics: BrokerMetrics, queue: str) -> None:
        self._subscription = subscription
        self._incoming = aiter(subscription)
        self._received = metrics.received.labels(queue)
        self._in_hand = metrics.in_hand.labels(queue)
        self._held = 0

    @property
    def consuming(self) -> bool:
        return self._subscription.consuming

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self

    async def __anext__(self) -> Delivery:
        delivery = await anext(self._incoming)
        self._received.inc()
        self._held += 1
        self._in_hand.inc()
        return _CountedDelivery(delivery, self._acknowledged)

    async def stop(self) -> None:
        await self._subscription.stop()

    def _acknowledged(self) -> None:
        if self._held:
            self._held -= 1
            self._in_hand.dec()

    def let_go(self) -> None:
        """What is unacknowledged went back to the queue."""
        self._in_hand.dec(self._held)
        self._held = 0


class _CountedDelivery:
    __slots__ = ("_acknowledged", "_delivery")

    def __init__(self, delivery: Delivery, acknowledged: Callable[[], None]) -> None:
        self._delivery = delivery
        self._acknowledged = acknowledged

    @property
    def queue(self) -> str:
        return self._delivery.queue

    @property
    def body(self) -> bytes:
        return self._delivery.body

    @property
    def stale(self) -> bool:
        return self._delivery.stale

    async def ack(self) -> None:
        await self._delivery.ack()
        self._acknowledged()
