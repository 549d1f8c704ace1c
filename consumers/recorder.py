"""The recorder: writes down every event with its decision and actions, in batches, and buries the
dead.

It never changes the state of an action. A batch that the journal rejects is halved until the one
bad record stands alone; that one is parked whole, and the others are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from consumers.gather import batches
from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.settings import ConsumerSettings
from consumers.waiting import first_of, pause, stopped_by
from core.broker.port import Broker, Delivery, Outgoing, Subscription
from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE, work_queue
from core.errors import (
    BrokerError,
    JournalRejected,
    JournalUnavailable,
    MessageError,
    UnreadableMessage,
)
from core.journal.port import Journal, Recorded
from core.logs import get_logger
from core.messages import EventRecord, Receipt, decode_action, decode_recorded

log = get_logger()

_PAUSE = timedelta(seconds=1)
_WAITS = timedelta(minutes=1)
"""Until the scheduler publishes what its queue did not take."""
_GATHER = 0.02
"""Seconds a batch waits for company after its first record."""


class Recorder:
    def __init__(
        self,
        *,
        broker: Broker,
        journal: Journal,
        presence: Presence,
        metrics: ConsumerMetrics,
        settings: ConsumerSettings,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._presence = presence
        self._metrics = metrics
        self._settings = settings

    async def serve(self, stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._serve(RECORDER_QUEUE, stopping))
            group.create_task(self._serve(DEAD_QUEUE, stopping))

    async def _serve(self, queue: str, stopping: asyncio.Event) -> None:
        prefetch = 2 * self._settings.record_batch if queue == RECORDER_QUEUE else 10
        while not stopping.is_set():
            await first_of(stopping.wait(), self._presence.returns())
            try:
                async with (
                    self._broker.subscribe(queue, prefetch=prefetch) as subscription,
                    stopped_by(first_of(stopping.wait(), self._presence.leaves()), subscription),
                ):
                    if queue == RECORDER_QUEUE:
                        await self._record(subscription)
                    else:
                        await self._bury(subscription)
            except BrokerError as error:
                log.warning("recorder_cannot_consume", queue=queue, reason=str(error))
                await pause(_PAUSE, stopping)
            except JournalUnavailable as error:
                # Nothing was acknowledged: the broker keeps it all until the journal is back.
                self._presence.lost(error)
            except Exception:
                # Whatever it is, workers of this process have calls under way: what was not
                # acknowledged comes again, and the broker counts how often.
                log.exception("recorder_broken", queue=queue)
                await pause(_PAUSE, stopping)

    async def _record(self, subscription: Subscription) -> None:
        most = self._settings.record_batch
        async for batch in batches(subscription, most=most, patience=_GATHER):
            events: list[tuple[Delivery, EventRecord]] = []
            receipts: list[tuple[Delivery, Receipt]] = []
            for delivery in batch:
                try:
                    match decode_recorded(delivery.body):
                        case EventRecord() as record:
                            events.append((delivery, record))
                        case Receipt() as receipt:
                            receipts.append((delivery, receipt))
                except MessageError as error:
                    await self._park(delivery, error)
            await self._write(events)
            await self._receive(receipts)

    async def _receive(self, pairs: Sequence[tuple[Delivery, Receipt]]) -> None:
        if not pairs:
            return
        try:
            told = await self._journal.receive([receipt for _, receipt in pairs])
        except JournalRejected as error:
            if len(pairs) == 1:
                await self._park(pairs[0][0], error)
                return
            middle = len(pairs) // 2
            await self._receive(pairs[:middle])
            await self._receive(pairs[middle:])
            return
        self._metrics.count_receipts(told)
        for delivery, _ in pairs:
            await delivery.ack()

    async def _write(self, pairs: Sequence[tuple[Delivery, EventRecord]]) -> None:
        if not pairs:
            return
        try:
            with self._metrics.journal_took("record"):
                recorded = await self._journal.record([record for _, record in pairs])
        except JournalRejected as error:
            if len(pairs) == 1:
                await self._park(pairs[0][0], error)
                return
            middle = len(pairs) // 2
            await self._write(pairs[:middle])
            await self._write(pairs[middle:])
            return
        self._count(recorded)
        for delivery, _ in pairs:
            await delivery.ack()

    async def _park(self, delivery: Delivery, error: Exception) -> None:
        name = await self._journal.park_unreadable(
            delivery.body, queue=delivery.queue, reason=str(error)
        )
        self._metrics.unreadable.labels(delivery.queue).inc()
        log.error("message_unreadable", queue=delivery.queue, action=name, reason=str(error))
        await delivery.ack()

    def _count(self, recorded: Recorded) -> None:
        self._metrics.recorded.labels("new").inc(recorded.new_events)
        self._metrics.recorded.labels("repeated").inc(recorded.repeated_events)
        self._metrics.recorded.labels("conflicting").inc(len(recorded.conflicting))
        for ref in recorded.conflicting:
            log.warning("event_conflict", ref=ref, hint="same id, another body; the first counts")

    async def _bury(self, subscription: Subscription) -> None:
        """What the broker gave up on: published again, or parked with what is known."""
        async for delivery in subscription:
            await self._bury_one(delivery)

    async def _bury_one(self, delivery: Delivery) -> None:
        try:
            message = decode_action(delivery.body)
        except UnreadableMessage:
            await self._bury_record(delivery)
            return
        except MessageError as error:
            await self._park(delivery, error)
            return
        try:
            again = await self._journal.bury(
                message, reason="the broker gave up delivering it: it may be ending its workers"
            )
        except JournalRejected as error:
            await self._park(delivery, error)
            return
        if again:
            queue = work_queue(message.action.provider, message.action.lane)
            try:
                await self._broker.publish([Outgoing(queue=queue, body=delivery.body)])
            except BrokerError as error:
                # Not for the broker to hand out again: it would be buried again, and after a few
                # times be parked for a queue that was full.
                log.warning("dead_message_waits", queue=queue, reason=str(error))
                await self._journal.put_back(
                    message, due_in=_WAITS, reason="its queue did not take it again"
                )
        self._metrics.dead.labels("published again" if again else "settled").inc()
        log.error("message_dead", action=message.action.id, again=again)
        await delivery.ack()

    async def _bury_record(self, delivery: Delivery) -> None:
        try:
            recorded = decode_recorded(delivery.body)
        except MessageError as error:
            await self._park(delivery, error)
            return
        match recorded:
            case EventRecord():
                await self._write([(delivery, recorded)])
            case Receipt():
                await self._receive([(delivery, recorded)])
