"""The short way of one small whole event of a proven sender: no task, no request, no response of
aiohttp's, and nobody waits for the confirm.

It takes nothing that it would refuse by itself: whatever does not go through in one piece is left
to the ordinary way untouched, which then says why. So both give the same answers, to the byte; a
test holds them to it. What must not go in: a check that the ordinary way does not make.
"""

from __future__ import annotations

from typing import cast

import orjson
from aiohttp.http import HttpVersion11, RawRequestMessage

from core.errors import BrokerError, PosternError
from core.logs import get_logger
from core.tracing.off import OFF
from core.web import Answer, written
from gateway.events.headers import Headers
from gateway.http.addresses import Addresses
from gateway.http.answers import show_receipt
from gateway.http.middleware import Refusals
from gateway.http.readiness import Readiness
from gateway.http.services import Services
from gateway.http.taking import read_allowed
from gateway.intake import Receipt
from gateway.sources.reading import Delivery
from gateway.sources.source import Source
from gateway.sources.verifier import Proof

log = get_logger()

PATH = "/v1/events"


class ShortWay:
    """Called with each request that came whole on a connection with nothing else under way."""

    def __init__(
        self,
        services: Services,
        *,
        readiness: Readiness,
        addresses: Addresses,
        refusals: Refusals,
    ) -> None:
        self._services = services
        self._readiness = readiness
        self._addresses = addresses
        self._refusals = refusals

    def __call__(
        self, message: RawRequestMessage, body: bytes, remote: str | None, answer: Answer
    ) -> bool:
        """Whether it is taken: then `answer` is called once, later."""
        services = self._services
        clock = services.clock
        started = clock.monotonic()
        headers = Headers(message.headers)
        if not self._is_plain_request(message, headers):
            return False
        now = clock.now()
        try:
            self._addresses.check_address(remote, headers.all("x-forwarded-for"))
            source, key = services.running.current.sources.by_bearer(
                headers.one("authorization"), now
            )
        except PosternError:
            return False
        if (
            not _is_plain_source(source)
            or len(body) > source.max_body
            or not services.admission.enter(source)
        ):
            return False
        delivery = Delivery(
            source=source.name, body=body, headers=headers, proof=Proof(key=key), now=now
        )
        taken = False
        try:
            taken = self._post(source, delivery, started, answer)
        except Exception as error:  # noqa: BLE001 - the ordinary way says what it is
            log.debug("request_goes_the_ordinary_way", reason=type(error).__name__)
        finally:
            if not taken:
                services.admission.leave(source)
        if taken:
            services.metrics.under_way += 1
            services.metrics.secrets_matched.labels(source.name, key).inc()
            services.metrics.bytes.observe(len(body))
        return taken

    def _post(self, source: Source, delivery: Delivery, started: float, answer: Answer) -> bool:
        """Raises what the ordinary way would; then nothing was written."""
        services = self._services
        parsed = read_allowed(source, delivery)
        if parsed.batch:
            return False

        def told(receipt: Receipt, error: BrokerError | None) -> None:
            services.admission.leave(source)
            services.metrics.under_way -= 1
            close = self._readiness.draining
            try:
                status, code, data = self._answer(source, receipt, error, close=close)
            except Exception as fault:  # noqa: BLE001 - the client must not wait for ever
                status, code, data = self._answer(source, receipt, fault, close=close)
            services.metrics.requests.labels(source.name, str(status), code).inc()
            services.metrics.seconds.observe(services.clock.monotonic() - started)
            answer(data, close)

        return services.intake.post(parsed.events[0], parsed.notes, told)

    def _answer(
        self, source: Source, receipt: Receipt, error: Exception | None, *, close: bool
    ) -> tuple[int, str, bytes]:
        """Status, code and bytes."""
        if error is None:
            body = orjson.dumps(show_receipt(receipt))
            return source.accepted, "ok", written(body, status=source.accepted, close=close)
        response, code = self._refusals.answer(error, source.name)
        headers = [it for it in response.headers.items() if it[0] != "Content-Length"]
        body = cast("bytes", response.body)
        return (
            response.status,
            code,
            written(body, status=response.status, headers=headers, close=close),
        )

    def _is_plain_request(self, message: RawRequestMessage, headers: Headers) -> bool:
        return (
            message.path == PATH
            and self._services.intake.posts
            and message.method == "POST"
            and message.version == HttpVersion11
            and not (message.should_close or message.chunked or message.upgrade)
            and "content-encoding" not in headers
            and "expect" not in headers
            and "transfer-encoding" not in headers
            and not self._readiness.draining
            and self._services.spans.tracer is OFF
        )


def _is_plain_source(source: Source) -> bool:
    """Whether nothing about it asks for more than a receipt at the broker."""
    return source.rate is None and not source.may_spool and source.success is None
