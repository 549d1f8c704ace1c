"""`postern run`: gateway and consumers in one process, and how the demo puts them together too.

What must not go in: what either of them does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from cli.options import log_as, settings_of, settings_options
from consumers.app import Consumers, open_consumers
from core.broker.connect import PublisherKind, open_broker
from core.broker.counted import BrokerMetrics, CountedBroker
from core.journal.connect import open_journal
from core.journal.port import ReadJournal
from core.memory import settle_memory
from core.process import on_hangup, signals
from core.settings import Settings
from core.telemetry import new_registry
from core.tracing.connect import open_tracer
from gateway.app import Gateway, open_gateway


@click.command("run")
@settings_options
def command(config: Path | None, data: Path | None) -> None:
    """Run everything in one process: the gateway, and consumers of every role.

    Broker and journal are embedded, in the data directory, unless POSTERN_BROKER and
    POSTERN_JOURNAL name servers. SIGTERM or Ctrl-C ends it without losing anything; SIGHUP reads
    the configuration again.

    Example: postern run --config postern.yaml
    """
    settings = settings_of(config, data)
    log_as(settings)
    asyncio.run(_run(settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """A whole Postern that is serving."""

    gateway: Gateway
    consumers: Consumers
    journal: ReadJournal


@asynccontextmanager
async def open_everything(settings: Settings) -> AsyncIterator[Everything]:
    """Both sides on one broker, one journal and one set of metrics.

    The gateway closes first: what it has accepted by then, the consumers may still carry out.
    """
    registry = new_registry()
    async with (
        open_tracer(settings, service="postern", registry=registry) as tracer,
        open_broker(settings.broker, publisher=PublisherKind(settings.publisher)) as bare,
        open_journal(settings.journal) as journal,
        nullcontext(CountedBroker(bare, BrokerMetrics(registry))) as broker,
        open_consumers(settings, broker, journal, registry=registry, tracer=tracer) as consumers,
        open_gateway(settings, broker, journal, registry=registry, tracer=tracer) as gateway,
    ):
        yield Everything(gateway=gateway, consumers=consumers, journal=journal)


async def _run(settings: Settings) -> None:
    async with signals() as stop, open_everything(settings) as everything:
        gateway = everything.gateway

        def reload() -> None:
            gateway.reloader.ask()
            everything.consumers.ask_reload()

        on_hangup(reload)
        print(f"events   http://{gateway.listen}/v1/events")
        print(f"metrics  http://{gateway.admin}/metrics")
        print("Ctrl-C ends it.", flush=True)
        settle_memory()
        await stop.wait()
        await gateway.drain(stop.hurry)
