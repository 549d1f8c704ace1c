"""`postern topology`: make the queues stand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from cli.options import providers_of, settings_of, settings_options
from core.broker.connect import open_broker
from core.broker.topology import DEAD_QUEUE, Topology
from core.settings import Settings


@click.command("topology")
@settings_options
def command(config: Path | None, data: Path | None) -> None:
    """Declare the queues of the configured providers at the broker.

    Gateway and consumers do so themselves when they start; this is for those who want it done
    before, or by an account with more rights. Doing it twice changes nothing. A queue that stands
    with other arguments is an error that names both.

    Example: POSTERN_BROKER=amqp://127.0.0.1 postern topology
    """
    settings = settings_of(config, data)
    topology = Topology.of(providers_of(config))
    asyncio.run(_declare(settings, topology))
    for queue in (*topology.queues, DEAD_QUEUE):
        print(queue)


async def _declare(settings: Settings, topology: Topology) -> None:
    async with open_broker(settings.broker) as broker:
        await broker.declare(topology)
