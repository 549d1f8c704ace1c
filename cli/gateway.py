"""`postern gateway`: only the side that takes events."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from cli.options import log_as, settings_of, settings_options
from gateway.app import run_gateway
from gateway.workers.parent import MOST, run_workers


@click.command("gateway")
@settings_options
@click.option(
    "--workers",
    type=click.IntRange(1, MOST),
    default=1,
    show_default=True,
    help="Processes that take events on the same port; limits count in each of them.",
)
def command(config: Path | None, data: Path | None, workers: int) -> None:
    """Run the gateway as a process of its own: HTTP in, actions out.

    It needs a RabbitMQ (POSTERN_BROKER=amqp://...); consumers run beside it. SIGTERM ends it
    without losing a request; SIGHUP reads the configuration again.

    Example: POSTERN_BROKER=amqp://127.0.0.1 postern gateway --config postern.yaml
    """
    settings = settings_of(config, data)
    log_as(settings)
    if workers > 1:
        sys.exit(asyncio.run(run_workers(settings, workers)))
    asyncio.run(run_gateway(settings))
