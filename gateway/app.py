"""Puts the gateway together and takes it apart again, in reverse order.

What must not go in: anything that is done with a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry

from core.broker.connect import PublisherKind, open_broker
from core.broker.counted import BrokerMetrics, CountedBroker
from core.broker.embedded.spool import Spool
from core.broker.port import Broker
from core.clock import Clock, SystemClock
from core.errors import ConfigurationError
from core.journal.connect import open_journal
from core.journal.operator import OperatorJournal
from core.logs import get_logger
from core.memory import settle_memory
from core.process import Stop, on_hangup, refuse_embedded, signals
from core.settings import Address, Settings
from core.tasks import beside
from core.telemetry import new_registry, open_admin
from core.tracing.connect import open_tracer
from core.tracing.off import OFF
from core.tracing.port import Tracer
from core.watch import signature_of, watch_config
from core.web import Bound, add_headers, listener
from gateway.declaring import Declaring
from gateway.http.addresses import Addresses
from gateway.http.admission import Admission
from gateway.http.body import BodyGate
from gateway.http.middleware import Refusals, watch_requests
from gateway.http.operator import DESK, Desk
from gateway.http.readiness import Readiness
from gateway.http.routes import add_routes
from gateway.http.services import SERVICES, Services
from gateway.http.short import ShortWay
from gateway.intake import Intake
from gateway.load import load_configuration
from gateway.metrics import Metrics
from gateway.operator.keys import Operators, read_operators
from gateway.reload import Reloader
from gateway.running import Configuration, Running
from gateway.settings import Limits
from gateway.spans import GatewaySpans
from gateway.spooling import Spooling

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that is serving. `listen` and `admin` are the addresses it is really bound to."""

    listen: Address
    admin: Address
    readiness: Readiness
    reloader: Reloader
    grace: timedelta

    async def drain(self, hurry: asyncio.Event) -> None:
        """Stop being ready, and go on serving while the news gets around: requests still arrive.
        Each answer ends its connection, so that its client makes the next one elsewhere. Before
        leaving the context; `hurry` ends it."""
        self.readiness.draining = True
        log.info("gateway_draining", seconds=self.grace.total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.grace.total_seconds()):
                await hurry.wait()


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    broker: Broker,
    journal: OperatorJournal | None,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    registry: CollectorRegistry | None = None,
    tracer: Tracer = OFF,
    shares_port: bool = False,
) -> AsyncIterator[Gateway]:
    """A gateway on the addresses of the settings, serving until the context is left. `shares_port`:
    others listen there, too.

    Raises ConfigurationError if the file is wrong or an address is taken, TopologyMismatch if the
    broker is there and its queues are others. A broker or journal that is away does not keep it
    from starting.
    """
    clock = clock or SystemClock()
    limits = limits or Limits()
    operators = await asyncio.to_thread(read_operators, settings.operators)
    registry = registry or CollectorRegistry()
    counts = Metrics(registry)
    seen = await asyncio.to_thread(signature_of, settings.config)
    load = partial(_load, settings)
    running = Running(await asyncio.to_thread(load))
    first = running.current
    counts.show_rules(first.planner.version, sorted(first.rule_ids), clock.now())
    counts.show_sources(running.current.sources)
    readiness = Readiness(spools=settings.spool is not None)
    declaring = Declaring(broker=broker, running=running, readiness=readiness)
    reloader = Reloader(
        running=running,
        load=load,
        declare=broker.declare,
        metrics=counts,
        clock=clock,
    )
    spool = _spool(settings, running, clock)
    spooling = (
        Spooling(spool, declaring, deadline=limits.publish_time, metrics=counts, clock=clock)
        if spool is not None
        else None
    )
    gate = BodyGate(limits.bodies)
    spans = GatewaySpans(tracer=tracer, system=settings.broker_system)
    services = Services(
        running=running,
        intake=Intake(
            planner=running.planner,
            publisher=declaring,
            clock=clock,
            metrics=counts,
            label=running.label,
            deadline=limits.publish_time,
            spooling=spooling,
            spans=spans,
        ),
        journal=journal,
        gate=gate,
        admission=Admission(gate, clock),
        limits=limits,
        clock=clock,
        metrics=counts,
        spans=spans,
    )
    desk = _desk(operators, services, journal, broker, spool)
    addresses = Addresses(lambda: services.running.current.ingress, clock)
    refusals = Refusals(metrics=counts, limits=limits, clock=clock)
    async with AsyncExitStack() as opened:
        if spool is not None:
            await opened.enter_async_context(spool)
        await declaring.first(limits.declare_time)
        admin = await opened.enter_async_context(open_admin(settings.admin, registry, readiness))
        await opened.enter_async_context(
            beside(
                declaring.run(),
                reloader.run(),
                watch_config(
                    settings.config,
                    reloader.ask,
                    seen=(*seen, *running.current.seen),
                    also=running.watched,
                ),
            )
        )
        listen = await opened.enter_async_context(
            listener(
                _runner(_public_app(services, desk, readiness, addresses, refusals), limits),
                settings.listen,
                "POSTERN_LISTEN",
                bound=Bound(
                    connections=limits.connections,
                    retry_after=math.ceil(limits.retry_after.total_seconds()),
                    header_time=limits.header_time.total_seconds(),
                    refused=counts.connections_refused.inc,
                ),
                short=ShortWay(
                    services, readiness=readiness, addresses=addresses, refusals=refusals
                ),
                shares_port=shares_port,
            )
        )
        if spooling is not None:
            await opened.enter_async_context(beside(spooling.run()))
        readiness.started = True
        log.info("gateway_started", listen=str(listen), admin=str(admin))
        try:
            yield Gateway(
                listen=listen,
                admin=admin,
                readiness=readiness,
                reloader=reloader,
                grace=settings.grace,
            )
        finally:
            readiness.draining = True
    log.info("gateway_stopped")


def _load(settings: Settings) -> Configuration:
    """Raises ConfigurationError, also for a source that wants a spool where there is none."""
    configuration = load_configuration(settings.config)
    if settings.spool is None and not settings.broker.startswith("embedded:"):
        for source in configuration.sources:
            if source.may_spool:
                raise ConfigurationError(
                    f"the source {source.name} says `durability: spool`: name a directory for it",
                    field="POSTERN_SPOOL",
                )
    return configuration


def _spool(settings: Settings, running: Running, clock: Clock) -> Spool | None:
    """Its bounds are those of the start: a change of them asks for a restart."""
    if settings.spool is None:
        return None
    return Spool(settings.spool, clock=clock, bounds=running.current.spool.bounds)


async def run_gateway(settings: Settings) -> None:
    """The gateway as a process of its own, until SIGTERM or SIGINT. SIGHUP reads the rules
    again."""
    async with signals() as stop, connected_gateway(settings) as gateway:
        await serve(gateway, stop)


async def serve(gateway: Gateway, stop: Stop) -> None:
    """Until it is asked to end, and has drained."""
    on_hangup(gateway.reloader.ask)
    settle_memory()
    await stop.wait()
    await gateway.drain(stop.hurry)


@asynccontextmanager
async def connected_gateway(
    settings: Settings, *, shares_port: bool = False
) -> AsyncIterator[Gateway]:
    """A gateway with its own connections to broker and journal. Raises as `open_gateway`."""
    refuse_embedded(settings)
    registry = new_registry()
    async with (
        open_tracer(settings, service="postern-gateway", registry=registry) as tracer,
        open_broker(settings.broker, publisher=PublisherKind(settings.publisher)) as bare,
        open_journal(settings.journal) as journal,
        open_gateway(
            settings,
            CountedBroker(bare, BrokerMetrics(registry)),
            journal,
            registry=registry,
            tracer=tracer,
            shares_port=shares_port,
        ) as gateway,
    ):
        yield gateway


def _desk(
    operators: Operators | None,
    services: Services,
    journal: OperatorJournal | None,
    broker: Broker,
    spool: Spool | None,
) -> Desk | None:
    if operators is None:
        return None
    return Desk(
        operators=operators,
        journal=journal,
        depth=broker.depth,
        spool=spool,
        running=services.running,
        gate=services.gate,
        limits=services.limits,
        clock=services.clock,
        metrics=services.metrics,
    )


def _public_app(
    services: Services,
    desk: Desk | None,
    readiness: Readiness,
    addresses: Addresses,
    refusals: Refusals,
) -> web.Application:
    watch = watch_requests(
        metrics=services.metrics,
        clock=services.clock,
        readiness=readiness,
        addresses=addresses,
        refusals=refusals,
    )
    app = web.Application(middlewares=[watch])
    app[SERVICES] = services
    if desk is not None:
        app[DESK] = desk
    app.on_response_prepare.append(add_headers)
    add_routes(app, operators=desk is not None)
    return app


def _runner(app: web.Application, limits: Limits) -> web.AppRunner:
    return web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        handler_cancellation=False,
        keepalive_timeout=limits.keepalive.total_seconds(),
        lingering_time=limits.lingering.total_seconds(),
        shutdown_timeout=limits.drain.total_seconds(),
    )
