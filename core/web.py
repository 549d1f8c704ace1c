"""What every HTTP listener of ours shares: how it binds and ends, JSON answers, their headers.

What must not go in: routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from core.errors import ConfigurationError
from core.settings import Address

HEADERS = {
    "Server": "postern",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`."""
    for name, value in HEADERS.items():
        response.headers[name] = value


def answer_json(body: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


@asynccontextmanager
async def listener(runner: web.AppRunner, address: Address, setting: str) -> AsyncIterator[Address]:
    """Listen at an address; yields the one that is really bound.

    When the context is left it stops accepting and waits for requests in progress. Raises
    ConfigurationError naming `setting` if the address is taken.
    """
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host or None, address.port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {address} ({error.strerror or type(error).__name__})",
                field=setting,
            ) from error
        host, port = runner.addresses[0][:2]
        yield Address(host=host, port=port)
    finally:
        await runner.cleanup()
