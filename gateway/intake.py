"""The heart of ingress: plan events, have everything confirmed, give receipts.

A request is all or nothing for its sender: either every message of every event is confirmed and
routed, or the sender gets an error and sends again. What stands after an error does no harm: ids
are the same each time. What must not go in: HTTP, and anything that happens after the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from core.broker.port import Outgoing, Publisher
from core.broker.topology import RECORDER_QUEUE, work_queue
from core.clock import Clock
from core.errors import BodyTooLarge, BrokerError, BrokerUnavailable
from core.messages import (
    Event,
    EventRecord,
    encode_event,
    encode_receipt,
)
from core.messages import Receipt as TextReceipt
from core.record import record
from gateway.metrics import Metrics
from gateway.rules.port import Plan, Planner
from gateway.spans import UNTRACED, GatewaySpans


class Spools(Protocol):
    """A publisher that falls back on the spool; False: the messages are in there."""

    async def publish(self, messages: Sequence[Outgoing]) -> bool: ...


LARGEST = 15 * 1024 * 1024
"""Bytes of a message. On one of more than 16 MiB RabbitMQ 4 closes the channel (max_message_size,
https://www.rabbitmq.com/docs/configure), and with it goes what others wait for; from the spool it
would come again and again."""

TURN = 10
"""Events planned before others get a turn on the loop."""


@record
class Receipt:
    """What the sender of one event is told: what will be done about it."""

    event: Event
    plan: Plan


class Intake:
    """Takes events.

    `planner` is asked for anew with each request, so that rules can be swapped; `label` brings a
    type to one that the configuration names.
    """

    def __init__(
        self,
        *,
        planner: Callable[[], Planner],
        publisher: Publisher,
        clock: Clock,
        metrics: Metrics,
        label: Callable[[str], str],
        deadline: timedelta,
        spooling: Spools | None = None,
        spans: GatewaySpans = UNTRACED,
    ) -> None:
        self._planner = planner
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics
        self._label = label
        self._deadline = deadline
        self._spooling = spooling
        self._spans = spans

    async def accept(
        self, events: Sequence[Event], *, may_spool: bool = False, notes: Sequence[str] = ()
    ) -> list[Receipt]:
        """Receipts in the order of the events, given only when all their messages are durable: at
        the broker, or with `may_spool` in the spool if there is one. `notes` go into each of them.

        Raises BrokerUnavailable, PublishRefused, Unroutable or SpoolFull; then some messages may
        stand already, and the sender's next try makes the rest whole. Raises BodyTooLarge if the
        broker would not take what the rules make of an event.
        """
        async with self._in_time():
            receipts = await self._plan(events, notes)
            with self._spans.send(len(events)) as span:
                messages = messages_of(receipts, trace=span.context)
                spooled = await self._publish(messages, may_spool=may_spool)
                span.note({"messaging.batch.message_count": len(messages)})
                if spooled:
                    span.note({"postern.spooled": True})
        self._count(receipts)
        return receipts

    @property
    def posts(self) -> bool:
        """Whether `post` is likely to take something now."""
        return self._publisher.posts

    def post(
        self,
        event: Event,
        notes: Sequence[str],
        told: Callable[[Receipt, BrokerError | None], None],
    ) -> bool:
        """As `accept`, of one event and without anybody waiting. False: its messages cannot be
        written at once; nothing was done then. Not traced. Raises BodyTooLarge."""
        started = self._clock.monotonic()
        receipt = self._planned(self._planner(), event, notes)
        planned = self._clock.monotonic()

        def heard(error: BrokerError | None) -> None:
            if error is None:
                self._metrics.publish_seconds.observe(self._clock.monotonic() - planned)
                self._count([receipt])
            told(receipt, error)

        taken = self._publisher.post(messages_of([receipt]), heard)
        if taken:
            self._metrics.plan_seconds.observe(planned - started)
        return taken

    async def accept_receipts(self, receipts: Sequence[TextReceipt]) -> None:
        """What was reported of texts, made durable. Raises as `accept`."""
        if receipts:
            async with self._in_time():
                await self._publish(
                    [
                        Outgoing(queue=RECORDER_QUEUE, body=encode_receipt(each))
                        for each in receipts
                    ],
                    may_spool=True,
                )

    async def keep_unread(self, body: bytes, *, may_spool: bool = True) -> None:
        """Something that cannot be read and must not be lost: the recorder parks it."""
        async with self._in_time():
            await self._publish([Outgoing(queue=RECORDER_QUEUE, body=body)], may_spool=may_spool)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                yield
        except TimeoutError:
            raise BrokerUnavailable("no confirm within the time a request may take") from None

    async def _publish(self, messages: Sequence[Outgoing], *, may_spool: bool) -> bool:
        """Whether they went into the spool."""
        started = self._clock.monotonic()
        spooled = False
        if may_spool and self._spooling is not None:
            spooled = not await self._spooling.publish(messages)
        else:
            await self._publisher.publish(messages)
        self._metrics.publish_seconds.observe(self._clock.monotonic() - started)
        return spooled

    async def _plan(self, events: Sequence[Event], notes: Sequence[str]) -> list[Receipt]:
        planner = self._planner()
        took = 0.0
        receipts = []
        for number, event in enumerate(events, start=1):
            started = self._clock.monotonic()
            receipts.append(self._planned(planner, event, notes))
            took += self._clock.monotonic() - started
            if number % TURN == 0:
                await asyncio.sleep(0)
        self._metrics.plan_seconds.observe(took)
        return receipts

    def _planned(self, planner: Planner, event: Event, notes: Sequence[str]) -> Receipt:
        plan = planner.plan(event)
        if notes:
            plan = replace(plan, notes=(*plan.notes, *notes))
        return Receipt(event=event, plan=plan)

    def _count(self, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            kind = self._label(receipt.event.type)
            self._metrics.accepted.labels(receipt.event.source, kind).inc()
            for action in receipt.plan.actions:
                state = "parked" if action.parked else "queued"
                self._metrics.planned.labels(action.provider, action.lane.value, state).inc()
            for part in receipt.plan.decision:
                if part.error is not None:
                    self._metrics.rules_failed.labels(part.rule).inc()
                elif part.matched:
                    self._metrics.rules_matched.labels(part.rule).inc()


def messages_of(receipts: Sequence[Receipt], *, trace: str | None = None) -> list[Outgoing]:
    """Every event's record, then every action that is not parked. All go on with `trace`.

    Records go first: if the process dies between two publishes, the recorder knows what is missing.
    """
    if trace is not None:
        receipts = [_traced(receipt, trace) for receipt in receipts]
    records: list[Outgoing] = []
    actions: list[Outgoing] = []
    for receipt in receipts:
        record, written = encode_event(record_of(receipt))
        records.append(Outgoing(queue=RECORDER_QUEUE, body=record))
        actions += [
            Outgoing(queue=work_queue(action.provider, action.lane), body=body)
            for action, body in zip(receipt.plan.actions, written, strict=True)
            if action.parked is None
        ]
    messages = records + actions
    if any(len(message.body) > LARGEST for message in messages):
        raise BodyTooLarge(f"What the rules make of it is larger than {LARGEST} bytes.")
    return messages


def _traced(receipt: Receipt, trace: str) -> Receipt:
    actions = tuple(replace(action, trace=trace) for action in receipt.plan.actions)
    return replace(receipt, plan=replace(receipt.plan, actions=actions))


def record_of(receipt: Receipt) -> EventRecord:
    plan = receipt.plan
    return EventRecord(
        event=receipt.event,
        rules_version=plan.rules_version,
        decision=plan.decision,
        actions=plan.actions,
        notes=plan.notes,
    )
