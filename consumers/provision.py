"""Everything that serves one provider in this process: a client, a breaker, and a worker per lane.

What must not go in: other providers; one that is slow or down must not be felt here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from consumers.breaker import Breaker, BreakerPolicy, BreakerState
from consumers.carrier import Carrier
from consumers.http import open_client
from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.settings import ConsumerSettings
from consumers.worker import Worker
from core.broker.port import Broker
from core.clock import Clock
from core.journal.port import Journal
from core.logs import get_logger
from core.messages import Lane
from vendors.operation import Vendor
from vendors.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every provider's workers share."""

    broker: Broker
    journal: Journal
    presence: Presence
    metrics: ConsumerMetrics
    settings: ConsumerSettings
    clock: Clock


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
    async with open_client(
        provider.url,
        clock=around.clock,
        connections=provider.concurrency + len(Lane),
        allow_hosts=allow_hosts,
    ) as client:
        carrier = Carrier(
            name=name,
            provider=provider,
            operations=vendor.operations,
            client=client,
            journal=around.journal,
            breaker=breaker,
            metrics=around.metrics,
            settings=settings,
            clock=around.clock,
        )
        async with asyncio.TaskGroup() as group:
            for lane in Lane:
                worker = Worker(
                    carrier=carrier,
                    breaker=breaker,
                    broker=around.broker,
                    presence=around.presence,
                    lane=lane,
                    concurrency=provider.concurrency,
                    drain=provider.timeout + settings.drain_margin,
                )
                group.create_task(worker.serve(stopping))


def _breaker(name: str, around: Surroundings) -> Breaker:
    log = get_logger().bind(provider=name)
    gauge = around.metrics.breaker.labels(name)
    gauge.set(0)

    def told(state: BreakerState, cause: str) -> None:
        gauge.set(int(state is BreakerState.OPEN))
        if state is BreakerState.OPEN:
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
