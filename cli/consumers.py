"""`postern consumers`: only the side that carries actions out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from cli.options import log_as, settings_of, settings_options
from consumers.app import run_consumers
from consumers.settings import ConsumerSettings, parse_providers, parse_roles


@click.command("consumers")
@click.option(
    "--roles",
    default="all",
    show_default=True,
    metavar="ROLES",
    help="Some of worker, recorder and scheduler, with commas.",
)
@click.option(
    "--providers",
    metavar="NAMES",
    help="Which providers workers serve, with commas.  [default: all]",
)
@settings_options
def command(*, roles: str, providers: str | None, config: Path | None, data: Path | None) -> None:
    """Run consumers as a process of their own: actions in, provider calls out.

    They need a RabbitMQ (POSTERN_BROKER=amqp://...) and a PostgreSQL (POSTERN_JOURNAL). Workers
    call providers, recorders write events to the journal, of several schedulers one leads. Each
    role must run somewhere, and each provider be served by some worker. SIGTERM ends it when
    running calls are over.

    Example: postern consumers --roles worker
    """
    wanted = parse_roles(roles)
    consumer = ConsumerSettings(roles=wanted, providers=parse_providers(providers, wanted))
    settings = settings_of(config, data)
    log_as(settings)
    asyncio.run(run_consumers(settings, consumer))
