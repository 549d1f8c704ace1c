"""The sandbox put together: both simulators, the controls and the page, in one application.

What must not go in: what any call does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from aiohttp import web

from core.clock import Clock, SystemClock
from core.errors import ConfigurationError
from core.settings import parse_address
from core.web import listener
from sandbox.altcraft.calls import ALTCRAFT_CALLS
from sandbox.altcraft.envelope import handle as handle_altcraft
from sandbox.altcraft.queues import serve_queues
from sandbox.control import control_routes
from sandbox.live import page_routes
from sandbox.smsgateway24.calls import SMSGATEWAY24_CALLS
from sandbox.smsgateway24.control import smsgateway24_routes
from sandbox.smsgateway24.shown import shown
from sandbox.switches import Switches
from sandbox.world import WORLD, World

MAX_BODY = 10 * 1024 * 1024
"""Altcraft's default limit."""

PACE = timedelta(milliseconds=800)
"""How long the fake phone takes for each step of a text."""


def create_app(
    *,
    clock: Clock | None = None,
    tokens: frozenset[str] | None = None,
    switches: Switches | None = None,
    pace: timedelta = PACE,
    plant: Callable[[World], None] | None = None,
    amqp: str | None = None,
) -> web.Application:
    """The application. `tokens` None: any token that is not empty is taken. `plant` puts what is
    known at the start there; `amqp` is a broker whose queues are served as well."""
    app = web.Application(client_max_size=MAX_BODY)
    app[WORLD] = World(
        clock=clock or SystemClock(),
        tokens=tokens,
        pace=pace,
        switches=switches or Switches(),
        plant=plant,
    )
    # Slashes at its ends are tolerated, as clients of the vendor in the wild rely on.
    app.router.add_post("/altcraft/api/v1.1/{call:.*}", handle_altcraft)
    for call, handler in SMSGATEWAY24_CALLS.items():
        path = f"/smsgateway24/getdata/{call}"
        app.router.add_get(path, handler, allow_head=False)
        app.router.add_post(path, handler)
    app.add_routes(control_routes(frozenset({*ALTCRAFT_CALLS, *SMSGATEWAY24_CALLS})))
    app.add_routes(smsgateway24_routes())
    app.add_routes(page_routes())
    app.cleanup_ctx.append(_phone)
    if amqp is not None:
        app.cleanup_ctx.append(_queues(amqp))
    app.on_shutdown.append(_close)
    return app


@asynccontextmanager
async def serve_sandbox(
    listen: str,
    *,
    clock: Clock | None = None,
    tokens: frozenset[str] | None = None,
    switches: Switches | None = None,
    pace: timedelta = PACE,
    plant: Callable[[World], None] | None = None,
    amqp: str | None = None,
) -> AsyncIterator[str]:
    """Serve on `HOST:PORT` (port 0: any free one); the context is the address,
    `http://127.0.0.1:8081`.

    Raises ConfigurationError if nothing can listen there, or the seed is wrong.
    """
    try:
        address = parse_address(listen)
    except ValueError as error:
        raise ConfigurationError(str(error), field="--listen") from None
    app = create_app(
        clock=clock, tokens=tokens, switches=switches, pace=pace, plant=plant, amqp=amqp
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    async with listener(runner, address, "--listen") as bound:
        yield f"http://{bound}"


def _queues(amqp: str) -> Callable[[web.Application], AsyncIterator[None]]:
    async def serving(app: web.Application) -> AsyncIterator[None]:
        async with serve_queues(app[WORLD], amqp):
            yield

    return serving


async def _phone(app: web.Application) -> AsyncIterator[None]:
    """The fake phones: they poll, and move every text one step on when it is due. What came of it
    is posted beside that, so that a slow receiver holds up no phone."""
    world = app[WORLD]

    async def run() -> None:
        while True:
            await asyncio.sleep(min(world.pace.total_seconds() / 2, 0.25))
            now = world.clock.now()
            for change in world.texts.step(now, world.sms.devices.is_silent):
                world.feed.put_text(change.text.id, shown(change.text))
                world.sms.webhooks.tell_status(change, now)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(run())
            group.create_task(world.sms.webhooks.run())

    task = asyncio.create_task(both())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _close(app: web.Application) -> None:
    """Let go of those who wait: streams, and calls that hang by order."""
    world = app[WORLD]
    world.closing.set()
    world.feed.reset()
