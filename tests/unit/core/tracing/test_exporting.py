"""What becomes of a batch whose exporter breaks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry

from core.tracing.exporting import TellingExporter
from core.tracing.metrics import TraceMetrics


class Breaking(SpanExporter):
    """Raises what nobody foresaw."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise RuntimeError("the collector of somebody@example.org")


def test_a_batch_that_breaks_its_exporter_is_counted_and_told_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = CollectorRegistry()
    exporter = TellingExporter(Breaking(), TraceMetrics(registry))
    assert exporter.export([ReadableSpan("first"), ReadableSpan("second")]) is (
        SpanExportResult.FAILURE
    )
    assert exporter.failing
    assert registry.get_sample_value("postern_trace_spans_total", {"what": "dropped"}) == 2
    told = "".join(capsys.readouterr())
    assert "traces_not_exported" in told
    assert "somebody" not in told
