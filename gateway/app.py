"""Puts the gateway together and takes it apart again, in reverse order.

What must not go in: anything that is done with a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry

from core.broker.connect import open_broker
from core.broker.port import Broker
from core.clock import Clock, SystemClock
from core.journal.connect import open_journal
from core.journal.operator import OperatorJournal
from core.logs import get_logger
from core.memory import settle_memory
from core.process import on_hangup, refuse_embedded, signals
from core.settings import Address, Settings
from core.tasks import beside
from core.telemetry import open_admin
from core.watch import signature_of, watch_config
from core.web import add_headers, listener
from gateway.declaring import Declaring
from gateway.http.body import BodyGate
from gateway.http.middleware import watch_requests
from gateway.http.operator import DESK, Desk
from gateway.http.readiness import Readiness
from gateway.http.routes import add_routes
from gateway.http.services import SERVICES, Services
from gateway.intake import Intake
from gateway.load import load_configuration
from gateway.metrics import Metrics
from gateway.operator.keys import Operators, read_operators
from gateway.reload import Reloader
from gateway.running import Running
from gateway.settings import Limits

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that is serving. `listen` and `admin` are the addresses it is really bound to."""

    listen: Address
    admin: Address
    readiness: Readiness
    reloader: Reloader
    limits: Limits

    async def drain(self) -> None:
        """Stop being ready, and go on serving while the news gets around. Before leaving the
        context."""
        self.readiness.draining = True
        await asyncio.sleep(self.limits.grace.total_seconds())


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    broker: Broker,
    journal: OperatorJournal | None,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway on the addresses of the settings, serving until the context is left.

    Raises ConfigurationError if the file is wrong or an address is taken, TopologyMismatch if the
    broker is there and its queues are others. A broker or journal that is away does not keep it
    from starting.
    """
    clock = clock or SystemClock()
    limits = limits or Limits()
    operators = await asyncio.to_thread(read_operators, settings.operators)
    registry = registry or CollectorRegistry()
    counts = Metrics(registry)
    counts.broker_connected.set_function(lambda: float(broker.connected))
    seen = await asyncio.to_thread(signature_of, settings.config)
    running = Running(await asyncio.to_thread(load_configuration, settings.config))
    counts.show_rules(running.current.planner.version)
    readiness = Readiness()
    declaring = Declaring(broker=broker, running=running, readiness=readiness)
    reloader = Reloader(
        running=running,
        load=partial(load_configuration, settings.config),
        declare=broker.declare,
        metrics=counts,
    )
    services = Services(
        running=running,
        intake=Intake(
            planner=running.planner,
            publisher=broker,
            clock=clock,
            metrics=counts,
            label=running.label,
            deadline=limits.publish_time,
        ),
        journal=journal,
        gate=BodyGate(limits.bodies),
        limits=limits,
        clock=clock,
        metrics=counts,
    )
    desk = _desk(operators, services, journal, broker)
    async with AsyncExitStack() as opened:
        await declaring.first(limits.declare_time)
        admin = await opened.enter_async_context(open_admin(settings.admin, registry, readiness))
        await opened.enter_async_context(
            beside(
                declaring.run(),
                reloader.run(),
                watch_config(settings.config, reloader.ask, seen=seen),
            )
        )
        listen = await opened.enter_async_context(
            listener(
                _runner(_public_app(services, desk), limits), settings.listen, "POSTERN_LISTEN"
            )
        )
        readiness.started = True
        log.info("gateway_started", listen=str(listen), admin=str(admin))
        try:
            yield Gateway(
                listen=listen, admin=admin, readiness=readiness, reloader=reloader, limits=limits
            )
        finally:
            readiness.draining = True
    log.info("gateway_stopped")


async def run_gateway(settings: Settings) -> None:
    """The gateway as a process of its own, until SIGTERM or SIGINT. SIGHUP reads the rules
    again."""
    refuse_embedded(settings)
    async with (
        signals() as stop,
        open_broker(settings.broker) as broker,
        open_journal(settings.journal) as journal,
        open_gateway(settings, broker, journal) as gateway,
    ):
        on_hangup(gateway.reloader.ask)
        settle_memory()
        await stop.wait()
        await gateway.drain()


def _desk(
    operators: Operators | None,
    services: Services,
    journal: OperatorJournal | None,
    broker: Broker,
) -> Desk | None:
    if operators is None:
        return None
    return Desk(
        operators=operators,
        journal=journal,
        depth=broker.depth,
        running=services.running,
        gate=services.gate,
        limits=services.limits,
        clock=services.clock,
        metrics=services.metrics,
    )


def _public_app(services: Services, desk: Desk | None) -> web.Application:
    watch = watch_requests(metrics=services.metrics, limits=services.limits, clock=services.clock)
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
