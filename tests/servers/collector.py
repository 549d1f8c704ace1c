"""A collector of traces: takes OTLP over HTTP, and keeps the spans for tests to look at.

It can be silent: connections are taken and nothing is ever answered, which is the worst a collector
does to those who send to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_KINDS = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One span as it arrived. Ids are hexadecimal; `parent` is empty for the first of a trace."""

    name: str
    kind: str
    service: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    failed: bool
    told: str
    """What the status says beside its code, and any events: nothing should be in it."""


@dataclass(kw_only=True)
class Collector:
    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    everything: bytes = b""
    """All bodies as they came, to search for what must not be in them."""
    requests: int = 0
    silent: bool = False
    status: int = 200

    async def until(self, wanted: Callable[[list[Seen]], bool], *, within: float = 30) -> None:
        """Wait for spans; fails with those that came."""
        try:
            async with asyncio.timeout(within):
                while not wanted(self.spans):  # noqa: ASYNC110 - what is awaited is a predicate
                    await asyncio.sleep(0.05)
        except TimeoutError:
            told = "\n".join(f"{seen.kind} {seen.name} {seen.attributes}" for seen in self.spans)
            raise AssertionError(f"after {within} s there are only\n{told}") from None

    def of(self, kind: str, **attributes: Any) -> list[Seen]:
        """Spans of a kind by `postern.` attributes, in the order they began."""
        found = [
            seen
            for seen in self.spans
            if seen.kind == kind
            and all(
                seen.attributes.get(f"postern.{name}") == value
                for name, value in attributes.items()
            )
        ]
        return sorted(found, key=lambda seen: seen.began)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests += 1
        if self.silent:
            await asyncio.sleep(3600)
        if self.status != 200:
            return web.Response(status=self.status)
        self.everything += body
        message = ExportTraceServiceRequest.FromString(body)
        for resource in message.resource_spans:
            service = _plain(resource.resource.attributes).get("service.name", "")
            for scope in resource.scope_spans:
                self.spans += [_seen(span, service) for span in scope.spans]
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")


@asynccontextmanager
async def collecting(*, silent: bool = False) -> AsyncIterator[Collector]:
    collector = Collector(silent=silent)
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        collector.url = f"http://{host}:{port}"
        yield collector
    finally:
        await runner.cleanup()


def variables(url: str, **more: str) -> dict[str, str]:
    """What turns traces on, to this collector, without waiting for company."""
    return {
        "POSTERN_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        **more,
    }


def _seen(span: Span, service: str) -> Seen:
    return Seen(
        name=span.name,
        kind=_KINDS[span.kind],
        service=service,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        attributes=_plain(span.attributes),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        told=span.status.message + "".join(event.name for event in span.events),
    )


def _plain(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in attributes:
        kind = each.value.WhichOneof("value")
        found[each.key] = getattr(each.value, kind) if kind is not None else None
    return found
