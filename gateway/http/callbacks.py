"""`POST /v1/callbacks/{provider}/{secret}`: receipts of texts, and what people text.

The answer comes when all of it is durable, as for any event. What must not go in: what a callback
means (see `gateway.callbacks`).
"""

from __future__ import annotations

from aiohttp import web

from core.logs import get_logger
from core.messages import encode_unread
from core.web import answer_json
from gateway.callbacks import MAX_BODY, Callback, read_callback
from gateway.http.body import read_body
from gateway.http.middleware import SOURCE
from gateway.http.services import SERVICES

log = get_logger()


async def post_callback(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    callback = services.running.current.callbacks.find(
        request.match_info["provider"], request.match_info["secret"]
    )
    request[SOURCE] = callback.source
    with services.gate.pass_through():
        body = await read_body(request, limit=MAX_BODY, within=services.limits.body_time)
        told = read_callback(callback, body, services.clock.now())
        if told is None:
            await services.intake.keep_unread(_unread(callback, body))
            services.metrics.callbacks.labels(callback.provider_name, "unread").inc()
            log.warning("callback_unread", provider=callback.provider_name)
            return answer_json({"receipts": 0, "events": []})
        await services.intake.accept_receipts(told.receipts)
        taken = await services.intake.accept(told.events, may_spool=True) if told.events else []
    services.metrics.callbacks.labels(callback.provider_name, "receipt").inc(len(told.receipts))
    services.metrics.callbacks.labels(callback.provider_name, "event").inc(len(told.events))
    return answer_json(
        {"receipts": len(told.receipts), "events": [part.event.ref for part in taken]}
    )


def _unread(callback: Callback, body: bytes) -> bytes:
    reason = "its shape is not known"
    return encode_unread("callback", callback.provider_name, body, reason=reason)
