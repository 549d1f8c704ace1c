"""The two ways in: events of a source with a bearer key, and the webhooks of a source that signs.

What must not go in: what an event is, who may send it, and what is done about it.
"""

from __future__ import annotations

from aiohttp import web

from core.web import answer_json
from gateway.events.headers import Headers
from gateway.http.body import read_body
from gateway.http.middleware import SOURCE
from gateway.http.services import SERVICES, proven
from gateway.http.taking import receive, take
from gateway.http.tracing import traced
from gateway.sources.presets.registry import PRESETS
from gateway.sources.source import Source

_PING = 1024
"""Bytes of a ping at most."""


async def post_event(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    began = services.spans.tracer.now()
    sender = proven(request)
    source = sender.source
    with services.admission.let_in(source):
        delivery = await receive(request, source, sender.headers, sender.proof)
        return await traced(request, source, began, take(services, source, delivery))


async def post_hook(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    began = services.spans.tracer.now()
    source = services.running.current.sources.by_name(request.match_info["source"])
    request[SOURCE] = source.name
    with services.admission.let_in(source):
        headers = Headers(request.headers)
        if await _is_ping(request, source, headers):
            return answer_json({"status": "ping"})
        delivery = await receive(request, source, headers)
        return await traced(request, source, began, take(services, source, delivery))


async def _is_ping(request: web.Request, source: Source, headers: Headers) -> bool:
    """Whether this is a system's unsigned question if somebody is there; it says nothing else."""
    preset = PRESETS[source.preset] if source.preset is not None else None
    if preset is None or preset.ping is None or not preset.ping.may_be(headers):
        return False
    within = request.app[SERVICES].limits.body_time
    body = await read_body(request, limit=_PING, within=within)
    if not preset.ping.is_one(body):
        source.verifier.check(headers)
    return True
