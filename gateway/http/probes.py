"""The second port: is the process alive, should it be sent requests, and its metrics.

It is a listener of its own, so that it answers even when the public one is swamped. What must not
go in: anything about events, and any dependency of liveness on others.
"""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from gateway.http.answers import answer_json
from gateway.http.readiness import Readiness

READINESS = web.AppKey("readiness", Readiness)
REGISTRY = web.AppKey("registry", CollectorRegistry)


async def livez(_request: web.Request) -> web.Response:
    """Alive means that the event loop turns, which answering shows."""
    return answer_json({"alive": True})


async def readyz(request: web.Request) -> web.Response:
    why = request.app[READINESS].why_not()
    if why is None:
        return answer_json({"ready": True})
    return answer_json({"ready": False, "why": why}, status=503)


async def metrics(request: web.Request) -> web.Response:
    body = generate_latest(request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
