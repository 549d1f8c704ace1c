"""Puts the consumers together and takes them apart again, in reverse order.

What must not go in: anything that is done with a message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from consumers.fleet import Fleet
from consumers.load import load_configuration
from consumers.metrics import ConsumerMetrics
from consumers.pauses import Pauses
from consumers.presence import Presence
from consumers.provision import Surroundings, serve_provider
from consumers.recorder import Recorder
from consumers.retention import Retention
from consumers.scheduler import Scheduler
from consumers.settings import ConsumerSettings, Role
from consumers.spans import ActionSpans
from consumers.survey import Survey, Surveyed
from core.broker.connect import PublisherKind, open_broker
from core.broker.counted import BrokerMetrics, CountedBroker
from core.broker.port import Broker
from core.broker.topology import Topology
from core.clock import Clock, SystemClock
from core.errors import (
    BrokerUnavailable,
    ConfigurationError,
    JournalUnavailable,
    Unroutable,
)
from core.journal.connect import is_embedded_journal, open_journal
from core.journal.port import Journal
from core.logs import get_logger
from core.memory import settle_memory
from core.process import on_hangup, refuse_embedded, signals
from core.settings import Settings
from core.tasks import beside
from core.telemetry import new_registry, open_admin
from core.tracing.connect import open_tracer
from core.tracing.off import OFF
from core.tracing.port import Tracer
from core.watch import signature_of, watch_config
from vendors.provider import Provider
from vendors.registry import VENDORS

log = get_logger()


class ConsumersJournal(Journal, Surveyed, Protocol):
    """What consumers of all roles need of the journal."""


@dataclass(slots=True)
class Consumers:
    """Consumers at work. `ask_reload` has the configuration read again."""

    ask_reload: Callable[[], None]
    ready: bool = False

    def why_not(self) -> str | None:
        return None if self.ready else "stopping or not started"


@asynccontextmanager
async def open_consumers(
    settings: Settings,
    broker: Broker,
    journal: ConsumersJournal,
    *,
    consumer: ConsumerSettings | None = None,
    registry: CollectorRegistry | None = None,
    clock: Clock | None = None,
    tracer: Tracer = OFF,
) -> AsyncIterator[Consumers]:
    """Consumers of the given roles, at work until the context is left: they then finish what they
    hold.

    Raises ConfigurationError if the file is wrong, TopologyMismatch if the broker is there and its
    queues are others. A broker or journal that is away is waited for.
    """
    clock = clock or SystemClock()
    consumer = consumer or ConsumerSettings()
    metrics = ConsumerMetrics(registry or CollectorRegistry())
    load = partial(load_configuration, settings.config)
    seen = await asyncio.to_thread(signature_of, settings.config)
    first = await asyncio.to_thread(load)
    _check_providers(consumer, first.providers)
    try:
        await broker.declare(Topology.of(first.providers))
    except (BrokerUnavailable, Unroutable):
        # Subscribing waits for the broker, and the gateway or `postern topology` declares as well.
        log.warning("broker_away_at_start")
    presence = Presence(journal, metrics, consumer.journal_pause)
    pauses = Pauses(journal, presence, metrics)
    spans = ActionSpans(tracer=tracer, system=settings.broker_system)
    around = Surroundings(
        broker=broker,
        journal=journal,
        presence=presence,
        pauses=pauses,
        metrics=metrics,
        settings=consumer,
        clock=clock,
        spans=spans,
    )

    async def serve(
        name: str, provider: Provider, allow_hosts: frozenset[str], stopping: asyncio.Event
    ) -> None:
        if not consumer.serves(name):
            await stopping.wait()
            return
        vendor = VENDORS[provider.kind]
        with metrics.provider(name):
            await serve_provider(
                name, provider, vendor, around=around, allow_hosts=allow_hosts, stopping=stopping
            )

    fleet = Fleet(
        first,
        load=load,
        serve=serve,
        reloaded=lambda applied: metrics.reloaded(applied=applied),
    )
    if is_embedded_journal(settings.journal):
        await _take_back(journal, consumer, first.providers)
    stopping = asyncio.Event()
    consumers = Consumers(ask_reload=fleet.ask)
    work: list[Coroutine[Any, Any, None]] = []
    if consumer.roles & {Role.WORKER, Role.SCHEDULER}:
        # The scheduler as well has to know which providers there are now.
        work.append(fleet.run(stopping))
    if Role.WORKER in consumer.roles:
        work.append(pauses.serve(stopping))
    if Role.RECORDER in consumer.roles:
        recorder = Recorder(
            broker=broker, journal=journal, presence=presence, metrics=metrics, settings=consumer
        )
        work.append(recorder.serve(stopping))
    if Role.SCHEDULER in consumer.roles:
        scheduler = Scheduler(
            broker=broker,
            journal=journal,
            presence=presence,
            providers=lambda: fleet.current.providers,
            retention=Retention(journal, lambda: fleet.current.keep, metrics, clock),
            metrics=metrics,
            settings=consumer,
            clock=clock,
            spans=spans,
        )
        survey = Survey(journal, lambda: fleet.current.providers, metrics, clock)
        work.append(scheduler.serve(stopping))
        work.append(survey.serve(lambda: scheduler.leads, stopping))
    async with (
        beside(
            watch_config(
                settings.config,
                fleet.ask,
                seen=(*seen, *first.seen),
                also=lambda: fleet.current.watched,
            )
        ),
        beside(*work, stopping=stopping),
    ):
        consumers.ready = True
        log.info("consumers_started", roles=sorted(consumer.roles), owner=consumer.owner)
        try:
            yield consumers
        finally:
            consumers.ready = False
    log.info("consumers_stopped")


async def run_consumers(settings: Settings, consumer: ConsumerSettings) -> None:
    """Consumers as a process of their own, until SIGTERM or SIGINT. SIGHUP reads the providers
    again."""
    refuse_embedded(settings)
    registry = new_registry()
    async with (
        signals() as stop,
        open_tracer(settings, service="postern-consumers", registry=registry) as tracer,
        open_broker(settings.broker, publisher=PublisherKind(settings.publisher)) as bare,
        open_journal(settings.journal) as journal,
        open_consumers(
            settings,
            CountedBroker(bare, BrokerMetrics(registry)),
            journal,
            consumer=consumer,
            registry=registry,
            tracer=tracer,
        ) as consumers,
        open_admin(settings.admin, registry, consumers) as admin,
    ):
        on_hangup(consumers.ask_reload)
        log.info("admin_listening", admin=str(admin))
        settle_memory()
        await stop.wait()


def _check_providers(consumer: ConsumerSettings, providers: Mapping[str, Provider]) -> None:
    """A mistyped one would be served by nobody."""
    for name in sorted(consumer.providers or ()):
        if name not in providers:
            known = ", ".join(sorted(providers)) or "none"
            raise ConfigurationError(
                f"there is no provider {name}; configured: {known}", field="--providers"
            )


async def _take_back(
    journal: Journal, consumer: ConsumerSettings, providers: Mapping[str, Provider]
) -> None:
    """Embedded: one process at a time, so whatever is still claimed belongs to one that is gone."""
    lags = {name: provider.reconcile_lag for name, provider in providers.items()}
    try:
        taken = await journal.release_incarnations(consumer.owner, lags)
    except JournalUnavailable as error:
        raise ConfigurationError(str(error), field="POSTERN_JOURNAL") from error
    if taken:
        log.warning("earlier_process_ended_during_calls", actions=taken)
