"""The page and its live stream: what the simulators did, for people.

The page's files stand in `sandbox/page/`; nothing is loaded from elsewhere, and hostile texts are
only ever text. What must not go in: changing anything.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib import resources

import orjson
from aiohttp import ClientConnectionError, web

from sandbox.feed import Changes
from sandbox.world import WORLD, World

_TYPES = {"page.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_GATHER_SECONDS = 0.15
_HEARTBEAT_SECONDS = 15.0


def page_routes() -> list[web.RouteDef]:
    return [
        web.get("/", _page),
        web.get("/page.js", _page),
        web.get("/page.css", _page),
        web.get("/_sandbox/live", _live),
    ]


async def _page(request: web.Request) -> web.Response:
    name = request.path.lstrip("/") or "page.html"
    content = resources.files("sandbox").joinpath("page", name).read_bytes()
    return web.Response(body=content, content_type=_TYPES[name], charset="utf-8", headers=_HEADERS)


async def _live(request: web.Request) -> web.StreamResponse:
    """Server-sent events: everything once, then what changes, gathered for a moment."""
    world = request.app[WORLD]
    stream = web.StreamResponse(headers={"Cache-Control": "no-store"})
    stream.content_type = "text/event-stream"
    await stream.prepare(request)
    with suppress(ClientConnectionError):  # the page was closed
        await _follow(stream, world)
    return stream


async def _follow(stream: web.StreamResponse, world: World) -> None:
    revision, epoch = 0, -1
    while not world.closing.is_set():
        changes = world.feed.since(revision, epoch)
        await stream.write(_event(changes, world))
        revision, epoch = changes.revision, changes.epoch
        while not await _changed(world, revision, epoch):
            if world.closing.is_set():
                return
            await stream.write(b": still here\n\n")
        await asyncio.sleep(_GATHER_SECONDS)


async def _changed(world: World, revision: int, epoch: int) -> bool:
    """Whether something changed, within a heartbeat; False too when the sandbox is closing."""
    try:
        async with asyncio.timeout(_HEARTBEAT_SECONDS):
            await world.feed.wait(revision, epoch)
    except TimeoutError:
        return False
    return not world.closing.is_set()


def _event(changes: Changes, world: World) -> bytes:
    content = {
        "fresh": changes.fresh,
        "texts": changes.texts,
        "entries": changes.entries,
        "counts": world.effects.counts()["effects"],
    }
    return b"data: " + orjson.dumps(content) + b"\n\n"
