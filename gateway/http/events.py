"""The two ways in: events of a source with a bearer key, and signed webhooks.

What must not go in: what an event is, who may send it, and what is done about it.
"""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from core.errors import InvalidBatch, NotAllowed
from core.web import answer_json
from gateway.events.headers import Headers
from gateway.events.parse import Parsed, parse_events
from gateway.http.answers import show_receipt
from gateway.http.body import read_body
from gateway.http.middleware import SOURCE
from gateway.http.services import SERVICES, bearer_source
from gateway.intake import Receipt
from gateway.sources.source import Source
from gateway.sources.standard_webhooks import verify


async def post_event(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    source = bearer_source(request)
    with services.gate.pass_through():
        body = await read_body(request, limit=source.max_body, within=services.limits.body_time)
        headers = Headers(request.headers.items())
        parsed = parse_allowed(body, headers, source=source, now=services.clock.now())
        receipts = await services.intake.accept(parsed.events, may_spool=source.may_spool)
        return answer_receipts(parsed, receipts)


async def post_hook(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    source = services.running.current.sources.by_name(request.match_info["source"])
    request[SOURCE] = source.name
    with services.gate.pass_through():
        body = await read_body(request, limit=source.max_body, within=services.limits.body_time)
        headers, now = Headers(request.headers.items()), services.clock.now()
        webhook_id = verify(body, headers, keys=source.signing_keys, now=now)
        parsed = parse_allowed(body, headers, source=source, now=now, default_id=webhook_id)
        receipts = await services.intake.accept(parsed.events, may_spool=source.may_spool)
        return answer_receipts(parsed, receipts)


def parse_allowed(
    body: bytes, headers: Headers, *, source: Source, now: datetime, default_id: str | None = None
) -> Parsed:
    """The events of a body, all of types that this source may send. Raises RequestError."""
    parsed = parse_events(body, headers, source=source.name, now=now, default_id=default_id)
    for index, event in enumerate(parsed.events):
        try:
            source.check_allowed(event)
        except NotAllowed as error:
            if not parsed.batch:
                raise
            raise InvalidBatch(
                f"Event {index} of the batch: {error.detail}",
                index=index,
                field="type",
                cause=error.code,
            ) from None
    return parsed


def answer_receipts(parsed: Parsed, receipts: list[Receipt]) -> web.Response:
    """One receipt for one event; for a batch a list, in its order."""
    if parsed.batch:
        return answer_json({"receipts": [show_receipt(part) for part in receipts]}, status=202)
    return answer_json(show_receipt(receipts[0]), status=202)
