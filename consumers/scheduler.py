"""The scheduler: publishes what is due, takes over what was abandoned, heals what was lost.

One leads at a time; two would do no harm, only double work: every message is fenced by `seq`. No
transaction is open while a confirm is awaited: what is due is read, published, and marked after the
confirm.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.retention import Retention
from consumers.settings import ConsumerSettings
from consumers.spans import UNTRACED, ActionSpans
from consumers.waiting import first_of, pause
from core.broker.port import Broker, Outgoing
from core.broker.topology import RECORDER_QUEUE, Topology, work_queue
from core.clock import Clock
from core.errors import (
    BrokerError,
    BrokerUnavailable,
    JournalUnavailable,
    PublishRefused,
    TopologyMismatch,
    Unroutable,
)
from core.journal.port import Due, Journal
from core.logs import get_logger
from core.messages import Lane, encode_action
from vendors.provider import Provider

log = get_logger()

_NAME = "scheduler"
_TAKEOVER_BATCH = 500
_REST = timedelta(seconds=10)
"""How long a lane is left out after its queue took nothing: it is full, or not there. What is due
for it would otherwise stand before what is due for everybody else."""


@dataclass(frozen=True, slots=True)
class _Resting:
    """A lane that is left out until then (monotonic seconds); `since`: what in it has been due
    longest."""

    until: float
    since: datetime | None


class Scheduler:
    def __init__(
        self,
        *,
        broker: Broker,
        journal: Journal,
        presence: Presence,
        providers: Callable[[], Mapping[str, Provider]],
        retention: Retention,
        metrics: ConsumerMetrics,
        settings: ConsumerSettings,
        clock: Clock,
        spans: ActionSpans = UNTRACED,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._presence = presence
        self._providers = providers
        self._retention = retention
        self._metrics = metrics
        self._settings = settings
        self._clock = clock
        self._spans = spans
        self._healed_at = clock.monotonic()
        self._resting: dict[tuple[str, str], _Resting] = {}
        self._missing = False
        self._leads = False

    @property
    def leads(self) -> bool:
        """Whether this one leads, as far as it knows."""
        return self._leads

    async def serve(self, stopping: asyncio.Event) -> None:
        led_until = 0.0
        while not stopping.is_set():
            await first_of(stopping.wait(), self._presence.returns())
            try:
                now = self._clock.monotonic()
                if now >= led_until:
                    leads = await self._journal.lead(
                        _NAME, self._settings.owner, self._settings.leader_lease
                    )
                    self._lead(leads)
                    # Renewed well before it ends.
                    led_until = (
                        now + self._settings.leader_lease.total_seconds() / 3 if leads else 0
                    )
                busy = await self.turn() if led_until else False
            except JournalUnavailable as error:
                # Somebody else may lead by the time it is back.
                led_until = 0.0
                self._lead(False)
                self._presence.lost(error)
                continue
            except BrokerError as error:
                log.warning("scheduler_cannot_publish", reason=str(error))
                if isinstance(error, BrokerUnavailable):
                    led_until = 0.0
                    await self._step_down()
                await pause(timedelta(seconds=1), stopping)
                continue
            except Exception:
                # As in the recorder. What is due stays due.
                log.exception("scheduler_broken")
                await pause(timedelta(seconds=1), stopping)
                continue
            if not busy:
                await pause(self._settings.tick, stopping)
        self._lead(False)

    async def _step_down(self) -> None:
        """Somebody else may reach the broker, and what is due must not wait for the one who does
        not. Who is alone leads again at the next look."""
        self._lead(False)
        try:
            await self._journal.lead(_NAME, self._settings.owner, timedelta(0))
        except JournalUnavailable as error:
            self._presence.lost(error)

    def _lead(self, leads: bool) -> None:
        """What only the one that leads tells is told by nobody else."""
        self._leads = leads
        self._metrics.leading.set(int(leads))
        if not leads:
            self._metrics.lag.set(0)
            self._metrics.turned.set(0)

    async def turn(self) -> bool:
        """One look at everything; True if there is more to publish at once."""
        lags = {name: provider.reconcile_lag for name, provider in self._providers().items()}
        taken = await self._journal.take_over(lags, limit=_TAKEOVER_BATCH)
        if taken:
            self._metrics.scheduled.labels("taken over").inc(taken)
            log.warning("scheduler_took_over", actions=taken)
        now = self._clock.monotonic()
        if now - self._healed_at >= self._settings.heal_every.total_seconds():
            # First: a queue that is gone must stand again before something due can be published.
            self._healed_at = now
            await self.heal()
        self._resting = {lane: it for lane, it in self._resting.items() if it.until > now}
        due = await self._journal.due(limit=self._settings.due_batch, but=sorted(self._resting))
        self._metrics.lag.set(self._late(due))
        published = await self._publish(due)
        if published:
            await self._journal.mark_queued(published)
            self._metrics.scheduled.labels("published").inc(len(published))
        await self._retention.turn()
        self._metrics.turned.set(self._clock.now().timestamp())
        return len(due) == self._settings.due_batch and len(published) == len(due)

    def _late(self, due: Sequence[Due]) -> float:
        """What rests is due as well: a lane whose queue takes nothing is late."""
        moments = [item.due_at for item in due[:1]] + [it.since for it in self._resting.values()]
        known = [moment for moment in moments if moment is not None]
        return max(0.0, (self._clock.now() - min(known)).total_seconds()) if known else 0.0

    async def _is_empty(self, queue: str) -> bool:
        """A queue that somebody deleted is declared anew, and empty."""
        try:
            return not await self._broker.depth(queue)
        except Unroutable:
            log.warning("scheduler_queue_was_gone", queue=queue)
            await self._declare()
            return True

    async def _declare(self) -> None:
        """A queue that stands with other arguments does not keep the others from being healed."""
        try:
            await self._broker.declare(Topology.of(self._providers()))
        except TopologyMismatch as error:
            log.warning("topology_mismatch", error=error)

    async def heal(self) -> None:
        """Publish again what has been queued for long although its queue is empty: a queue was
        deleted, or a gateway died between two publishes. A message too many is harmless."""
        if self._missing:
            # A queue may be there without its binding, or the exchange be gone.
            self._missing = False
            await self._declare()
        await self._is_empty(RECORDER_QUEUE)
        for provider in self._providers():
            for lane in Lane:
                if not await self._is_empty(work_queue(provider, lane)):
                    continue
                lost = await self._journal.lost(
                    provider=provider,
                    lane=lane.value,
                    older_than=self._settings.heal_after,
                    limit=self._settings.due_batch,
                )
                published = await self._publish(lost)
                if published:
                    await self._journal.touch_queued([item.message for item in published])
                    self._metrics.scheduled.labels("healed").inc(len(published))
                    log.warning(
                        "scheduler_healed",
                        provider=provider,
                        lane=lane.value,
                        actions=len(published),
                    )

    async def _publish(self, due: Sequence[Due]) -> list[Due]:
        """Publish queue by queue, so that one that is gone does not hold up the others; returns
        what was confirmed."""
        by_lane: defaultdict[tuple[str, Lane], list[Due]] = defaultdict(list)
        for item in due:
            action = item.message.action
            by_lane[action.provider, action.lane].append(item)
        published: list[Due] = []
        failed: BrokerError | None = None
        for (provider, lane), items in by_lane.items():
            queue = work_queue(provider, lane)
            try:
                with self._spans.resend([item.message for item in items]) as messages:
                    await self._broker.publish(
                        [Outgoing(queue=queue, body=encode_action(each)) for each in messages]
                    )
            except BrokerError as error:
                log.warning("scheduler_cannot_publish", queue=queue, reason=str(error))
                failed = error
                known = provider in self._providers()
                self._missing |= known and isinstance(error, Unroutable)
                if isinstance(error, Unroutable | PublishRefused):
                    until = self._clock.monotonic() + _REST.total_seconds()
                    self._resting[provider, lane.value] = _Resting(until, items[0].due_at)
            else:
                published.extend(items)
        if failed is not None and not published:
            raise failed
        return published
