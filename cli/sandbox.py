"""`postern sandbox`: the simulated providers, and the page that shows what they did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from core.process import signals
from sandbox.app import serve_sandbox
from sandbox.seed import planter
from sandbox.world import World


@click.command("sandbox")
@click.option(
    "--listen",
    default="127.0.0.1:8181",
    show_default=True,
    metavar="HOST:PORT",
    help="Where; port 0 picks a free one.",
)
@click.option(
    "--seed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What the providers know at the start and after a reset, YAML or JSON.",
)
@click.option(
    "--amqp",
    metavar="URL",
    help="A RabbitMQ whose queues api_req and database_import are served as Altcraft serves them.",
)
def command(listen: str, seed: Path | None, amqp: str | None) -> None:
    """Run the simulated providers, to try rules without sending anything to anybody.

    Any token is taken. What a provider's `url` must be is printed. The page shows the texts as on a
    phone and the subscription changes as a timeline.

    Example: postern sandbox --listen 127.0.0.1:8181
    """
    asyncio.run(_serve(listen, planter(seed) if seed is not None else None, amqp))


async def _serve(listen: str, plant: Callable[[World], None] | None, amqp: str | None) -> None:
    async with signals() as stop, serve_sandbox(listen, plant=plant, amqp=amqp) as url:
        print(f"page          {url}/")
        print(f"altcraft      url: {url}/altcraft")
        print(f"smsgateway24  url: {url}/smsgateway24")
        print("Ctrl-C ends it.", flush=True)
        await stop.wait()
