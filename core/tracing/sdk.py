"""Spans and contexts of the OpenTelemetry SDK in the words of `port`.

What must not go in: how spans leave the process (see `otlp`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from core.tracing.port import Attributes, Kind
from core.tracing.traceparent import read_traceparent, traceparent

_KINDS = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.INTERNAL: SpanKind.INTERNAL,
}


class OtlpSpan:
    """A span of the SDK's, in our words."""

    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def context(self) -> str | None:
        own = self._span.get_span_context()
        if not own.is_valid:
            return None
        return traceparent(
            trace.format_trace_id(own.trace_id),
            trace.format_span_id(own.span_id),
            sampled=own.trace_flags.sampled,
        )

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def link(self, context: str | None) -> None:
        if (other := _remote(context)) is not None:
            self._span.add_link(other)

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))


class OtlpTracer:
    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        *,
        parent: str | None = None,
        links: Sequence[str] = (),
        began: int | None = None,
        fails: bool = True,
    ) -> Iterator[OtlpSpan]:
        others = (_remote(link) for link in links)
        span = self._tracer.start_span(
            name,
            context=_continued(parent),
            kind=_KINDS[kind],
            attributes=attributes,
            links=[Link(other) for other in others if other is not None],
            start_time=began,
        )
        own = OtlpSpan(span)
        # Never the SDK's own words for an error: they may repeat what it was about.
        with trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            try:
                yield own
            except BaseException as error:
                if fails:
                    own.fail(type(error).__name__)
                raise

    def current(self) -> OtlpSpan:
        return OtlpSpan(trace.get_current_span())

    def now(self) -> int:
        return time.time_ns()


def _continued(parent: str | None) -> Context | None:
    """None: from the current span, if there is one."""
    remote = _remote(parent)
    return (
        None if remote is None else trace.set_span_in_context(NonRecordingSpan(remote), Context())
    )


def _remote(context: str | None) -> SpanContext | None:
    read = read_traceparent(context)
    if read is None:
        return None
    _, trace_id, span_id, flags = read.split("-")
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )
