"""One delivery of a source: read, proved, understood, and made durable.

What must not go in: which path it came by.
"""

from __future__ import annotations

from aiohttp import web

from core.errors import (
    InvalidBatch,
    InvalidEvent,
    MalformedRequest,
    NotAllowed,
    RequestError,
    UnsupportedContent,
)
from core.logs import get_logger
from core.messages import encode_unread
from core.web import answer_json
from gateway.events.headers import Headers
from gateway.events.parse import Parsed
from gateway.http.answers import show_receipt
from gateway.http.body import inflate, is_compressed, read_body
from gateway.http.services import SERVICES, Services
from gateway.intake import Receipt
from gateway.sources.names import OnInvalid
from gateway.sources.reading import Delivery
from gateway.sources.source import Source
from gateway.sources.verifier import Proof

log = get_logger()

_UNUSABLE = (MalformedRequest, UnsupportedContent, InvalidEvent, InvalidBatch)


async def receive(
    request: web.Request, source: Source, headers: Headers, proof: Proof | None = None
) -> Delivery:
    """A delivery that is authentic. `proof`: what its headers alone have proven. Raises
    RequestError."""
    services = request.app[SERVICES]
    if proof is None:
        source.verifier.check(headers)
    body = await read_body(
        request, limit=source.max_body, within=services.limits.body_time, gzip=source.gzip
    )
    now = services.clock.now()
    if proof is None:
        proof = source.verifier.verify(body, headers, now)
        services.metrics.secrets_matched.labels(source.name, proof.key).inc()
    services.metrics.bytes.observe(len(body))
    if is_compressed(request, gzip=source.gzip):
        body = inflate(body, limit=source.max_body)
    return Delivery(source=source.name, body=body, headers=headers, proof=proof, now=now)


async def take(services: Services, source: Source, delivery: Delivery) -> web.Response:
    """The answer for an authentic delivery, given when all of it is durable. Raises RequestError or
    BrokerError."""
    try:
        parsed = read_allowed(source, delivery)
    except NotAllowed as error:
        if source.preset is None:
            raise
        # Shops send all that they were once subscribed to, and give up an address that refuses.
        services.metrics.left_aside.labels(source.name, "ignored").inc()
        return answer_json(source.success or {"status": "ignored", "code": error.code})
    except _UNUSABLE as error:
        if source.on_invalid is not OnInvalid.PARK:
            raise
        return await _park(services, source, delivery, error)
    receipts = await services.intake.accept(
        parsed.events, may_spool=source.may_spool, notes=parsed.notes
    )
    if source.success is not None:
        return answer_json(source.success, status=source.accepted)
    return answer_receipts(parsed, receipts, status=source.accepted)


def read_allowed(source: Source, delivery: Delivery) -> Parsed:
    """The events of a delivery, all of types and shapes that this source may send. Raises
    RequestError."""
    parsed = source.reader.read(delivery)
    for index, event in enumerate(parsed.events):
        try:
            source.check_allowed(event)
            source.check_data(event)
        except (NotAllowed, InvalidEvent) as error:
            if not parsed.batch:
                raise
            raise InvalidBatch(
                f"Event {index} of the batch: {error.detail}",
                index=index,
                field=error.field if isinstance(error, InvalidEvent) else "type",
                cause=error.code,
            ) from None
    return parsed


async def _park(
    services: Services, source: Source, delivery: Delivery, error: RequestError
) -> web.Response:
    """Kept whole for a person to look at, and its sender is content."""
    await services.intake.keep_unread(
        encode_unread("delivery", source.name, delivery.body, reason=error.detail),
        may_spool=source.may_spool,
    )
    services.metrics.left_aside.labels(source.name, "parked").inc()
    log.warning("delivery_parked", source=source.name, code=error.code, reason=error.detail)
    return answer_json(source.success or {"status": "parked", "code": error.code})


def answer_receipts(parsed: Parsed, receipts: list[Receipt], *, status: int) -> web.Response:
    """One receipt for one event; for a batch a list, in its order."""
    if parsed.batch:
        return answer_json({"receipts": [show_receipt(part) for part in receipts]}, status=status)
    return answer_json(show_receipt(receipts[0]), status=status)
