"""What the handlers of the public port need, under one typed key; and who is asking.

What must not go in: any work. Services are built in `gateway.app`.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from core.clock import Clock
from core.journal.port import ReadJournal
from gateway.events.headers import Headers
from gateway.http.admission import Admission
from gateway.http.body import BodyGate
from gateway.http.middleware import SOURCE
from gateway.intake import Intake
from gateway.metrics import Metrics
from gateway.running import Running
from gateway.settings import Limits
from gateway.sources.source import Source
from gateway.sources.verifier import Proof
from gateway.spans import UNTRACED, GatewaySpans


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Built once; `running` is asked anew with each request."""

    running: Running
    intake: Intake
    journal: ReadJournal | None
    gate: BodyGate
    admission: Admission
    limits: Limits
    clock: Clock
    metrics: Metrics
    spans: GatewaySpans = UNTRACED


SERVICES = web.AppKey("services", Services)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A request whose source is known by its key, before anything of its body is read."""

    source: Source
    headers: Headers
    proof: Proof


def proven(request: web.Request) -> Proven:
    """By the key that the request carries. Raises Unauthenticated, or MalformedRequest if there are
    several keys."""
    services = request.app[SERVICES]
    headers = Headers(request.headers)
    source, key = services.running.current.sources.by_bearer(
        headers.one("authorization"), services.clock.now()
    )
    request[SOURCE] = source.name
    services.metrics.secrets_matched.labels(source.name, key).inc()
    return Proven(source=source, headers=headers, proof=Proof(key=key))


def bearer_source(request: web.Request) -> Source:
    """The source whose key the request carries. Raises as `proven`."""
    return proven(request).source
