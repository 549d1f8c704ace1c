"""Everything that serves one provider in this process: a client, a breaker, and a worker per lane.

What must not go in: other providers; one that is slow or down must not be felt here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from consumers.breaker import Breaker, BreakerPolicy, BreakerState
from consumers.caller import open_caller
from consumers.calls import Calls
from consumers.carrier import Carrier
from consumers.hand import Hand
from consumers.limits import slots
from consumers.metrics import ConsumerMetrics
from consumers.pauses import Pauses
from consumers.polling import Poller
from consumers.presence import Presence
from consumers.rates import Limits, MakeLimit, RateLimit
from consumers.settings import ConsumerSettings
from consumers.spans import UNTRACED, ActionSpans
from consumers.telling import tell_breaker
from consumers.worker import Worker
from core.broker.port import Broker
from core.clock import Clock
from core.journal.port import Journal
from core.logs import get_logger
from core.messages import Lane
from vendors.operation import Vendor
from vendors.provider import Provider, ReportingProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every provider's workers share."""

    broker: Broker
    journal: Journal
    presence: Presence
    pauses: Pauses
    metrics: ConsumerMetrics
    settings: ConsumerSettings
    clock: Clock
    spans: ActionSpans = UNTRACED


async def serve_provider(
    name: str,
    provider: Provider,
    vendor: Vendor,
    *,
    around: Surroundings,
    allow_hosts: frozenset[str],
    stopping: asyncio.Event,
) -> None:
    """Carry out this provider's actions until `stopping` is set and what is held is finished."""
    settings = around.settings
    breaker = _breaker(name, around)
    rates = (provider.rate, provider.way_rate())
    async with open_caller(
        provider,
        clock=around.clock,
        connections=provider.concurrency + len(Lane),
        allow_hosts=allow_hosts,
    ) as caller:
        calls = Calls(
            name=name,
            provider=provider,
            vendor=vendor,
            caller=caller,
            metrics=around.metrics,
            clock=around.clock,
            limits=Limits(name, *rates, make_limit(around)),
            tracer=around.spans.tracer,
        )
        hands = {
            lane: Hand(
                slots(provider.concurrency, lane, company=calls.company),
                lane,
                rate=min((it for it in rates if it is not None), default=None),
            )
            for lane in Lane
        }
        carrier = Carrier(
            name=name,
            provider=provider,
            vendor=vendor,
            calls=calls,
            journal=around.journal,
            breaker=breaker,
            metrics=around.metrics,
            pauses=around.pauses,
            settings=settings,
            clock=around.clock,
            stopping=stopping,
            hands=hands,
            spans=around.spans,
        )
        async with asyncio.TaskGroup() as group:
            for lane in Lane:
                around.metrics.slots.labels(name, lane.value).set(hands[lane].places)
                worker = Worker(
                    carrier=carrier,
                    breaker=breaker,
                    broker=around.broker,
                    presence=around.presence,
                    pauses=around.pauses,
                    lane=lane,
                    prefetch=hands[lane].most,
                    drain=provider.timeout + settings.drain_margin,
                )
                group.create_task(worker.serve(stopping))
            group.create_task(
                tell_breaker(
                    name,
                    breaker,
                    owner=settings.owner,
                    journal=around.journal,
                    presence=around.presence,
                    clock=around.clock,
                    stopping=stopping,
                )
            )
            if (poller := poller_of(name, provider, vendor, calls, around)) is not None:
                group.create_task(poller.serve(stopping))


def make_limit(around: Surroundings) -> MakeLimit:
    def make(name: str, rate: float, provider: str) -> RateLimit:
        label = around.metrics.limit_label(provider, name)
        return RateLimit(
            name, rate, around.journal, around.clock, metrics=around.metrics, label=label
        )

    return make


def poller_of(
    name: str, provider: Provider, vendor: Vendor, calls: Calls, around: Surroundings
) -> Poller | None:
    """Who asks for receipts, where the provider does not bring them."""
    follow = next((it.follow for it in vendor.operations.values() if it.follow is not None), None)
    if follow is None or not isinstance(provider, ReportingProvider) or not provider.questions():
        return None
    return Poller(
        name=name,
        provider=provider,
        follow=follow,
        calls=calls,
        journal=around.journal,
        presence=around.presence,
        metrics=around.metrics,
        settings=around.settings,
        clock=around.clock,
    )


def _breaker(name: str, around: Surroundings) -> Breaker:
    log = get_logger().bind(provider=name)
    gauge = around.metrics.breaker.labels(name)
    gauge.set(0)

    def told(state: BreakerState, cause: str, was: BreakerState) -> None:
        gauge.set(int(state is BreakerState.OPEN))
        if state is BreakerState.OPEN:
            if was is not BreakerState.OPEN:
                around.metrics.breaker_opens.labels(name).inc()
            log.error("breaker_open", cause=cause)
        else:
            log.info("breaker_closed", cause=cause)

    settings = around.settings
    policy = BreakerPolicy(
        threshold=settings.breaker_threshold,
        pause=settings.breaker_pause,
        longest=settings.breaker_longest,
        refusal_pause=settings.refusal_pause,
    )
    return Breaker(policy=policy, clock=around.clock, on_change=told)
