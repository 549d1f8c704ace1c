"""`postern sandbox`: the simulated providers, and the page that shows what they did."""

from __future__ import annotations

import asyncio

import click

from core.process import signals
from sandbox.app import serve_sandbox


@click.command("sandbox")
@click.option(
    "--listen",
    default="127.0.0.1:8181",
    show_default=True,
    metavar="HOST:PORT",
    help="Where; port 0 picks a free one.",
)
def command(listen: str) -> None:
    """Run the simulated providers, to try rules without sending anything to anybody.

    Any token is taken. What a provider's `url` must be is printed. The page shows the texts as on a
    phone and the subscription changes as a timeline.

    Example: postern sandbox --listen 127.0.0.1:8181
    """
    asyncio.run(_serve(listen))


async def _serve(listen: str) -> None:
    async with signals() as stop, serve_sandbox(listen) as url:
        print(f"page          {url}/")
        print(f"altcraft      url: {url}/altcraft")
        print(f"smsgateway24  url: {url}/smsgateway24")
        print("Ctrl-C ends it.", flush=True)
        await stop.wait()
