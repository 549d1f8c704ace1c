"""Handing spans to a collector that may be away: counted, and told once and not with every batch.

It runs in a thread of its own, beside the event loop. What must not go in: what a span is about.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from core.logs import get_logger
from core.tracing.metrics import TraceMetrics

log = get_logger()

_TOLD_HERE = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
)
"""The SDK says the same with every batch and, once its queue is full, with every span."""


class TellingExporter(SpanExporter):
    """Exports by another exporter, and tells what becomes of it."""

    def __init__(self, exporter: SpanExporter, metrics: TraceMetrics) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._given_up = threading.Event()
        self._dropped = 0
        for name in _TOLD_HERE:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    @property
    def failing(self) -> bool:
        """Whether the last batch could not be handed over."""
        return self._dropped > 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._handed_over(spans)
        if result is SpanExportResult.SUCCESS:
            self._metrics.spans.labels("exported").inc(len(spans))
            if self._dropped:
                log.info("traces_exported_again", dropped=self._dropped)
            self._dropped = 0
            return result
        self._metrics.spans.labels("dropped").inc(len(spans))
        if not self._dropped:
            log.warning("traces_not_exported", hint="the collector does not take them")
        self._dropped += len(spans)
        return result

    def _handed_over(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._given_up.is_set():
            return SpanExportResult.FAILURE
        try:
            return self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - the SDK would lose the batch without a word
            log.debug("traces_export_broke", kind=type(error).__name__)
            return SpanExportResult.FAILURE

    def give_up(self) -> None:
        """Ends a pause between tries, and whatever is still handed in is dropped."""
        if not self._given_up.is_set():
            self._given_up.set()
            self._exporter.shutdown()

    def shutdown(self) -> None:
        self.give_up()


class CountingProcessor(BatchSpanProcessor):
    """Keeps what has ended in a bounded queue; a span too many costs that queue its oldest one,
    and nobody waits."""

    def __init__(self, exporter: SpanExporter, metrics: TraceMetrics) -> None:
        super().__init__(exporter)
        self._ended = metrics.spans.labels("ended")

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._ended.inc()
        super().on_end(span)
