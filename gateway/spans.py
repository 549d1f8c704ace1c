"""The spans of the gateway: one for a request whose sender is proven, one for making it durable.

Their names and attributes are those of OpenTelemetry's semantic conventions, `postern.*` where
those have none. What must not go in: anything of an event but our own reference to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from core.broker.topology import EXCHANGE
from core.tracing.off import NO_SPAN, OFF
from core.tracing.port import Kind, Span, Tracer
from core.tracing.traceparent import read_traceparent


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySpans:
    """`system`: what the broker is called, as `messaging.system`."""

    tracer: Tracer = OFF
    system: str = "postern"

    def request(
        self,
        *,
        route: str,
        scheme: str,
        path: str,
        source: str,
        traceparents: Sequence[str],
        began: int,
    ) -> AbstractContextManager[Span]:
        """A request of a proven sender; only such a one goes on with the sender's trace, and
        decides with it whether the trace is kept. Several `traceparent` headers are none."""
        if self.tracer is OFF:
            return NO_SPAN
        parent = read_traceparent(traceparents[0]) if len(traceparents) == 1 else None
        return self.tracer.span(
            f"POST {route}",
            Kind.SERVER,
            {
                "http.request.method": "POST",
                "http.route": route,
                "url.path": path,
                "url.scheme": scheme,
                "postern.source": source,
            },
            parent=parent,
            began=began,
            fails=False,
        )

    def send(self, events: int) -> AbstractContextManager[Span]:
        """Publishing all messages of a request, confirms included."""
        if self.tracer is OFF:
            return NO_SPAN
        return self.tracer.span(
            f"send {EXCHANGE}",
            Kind.PRODUCER,
            {
                "messaging.system": self.system,
                "messaging.operation.type": "send",
                "messaging.operation.name": "send",
                "messaging.destination.name": EXCHANGE,
                "postern.events": events,
            },
        )


UNTRACED = GatewaySpans()
