"""What is counted of spans; only where traces are on."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class TraceMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.spans = Counter(
            "postern_trace_spans_total",
            "Spans by what became of them: each is `ended`, then `exported` or `dropped`. Those "
            "that came while the queue was full are only `ended`.",
            ["what"],
            registry=registry,
        )
