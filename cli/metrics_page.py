"""docs/metrics.md, made from the metrics themselves: name, type, labels, meaning, buckets.

`make docs` writes it, and a test holds the file to it. What must not go in: a fact that is not in a
`metrics.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import Histogram, MetricWrapperBase

from consumers.metrics import ConsumerMetrics
from core.broker.counted import BrokerMetrics
from core.hot import HotCounter, HotHistogram
from core.telemetry import ProcessMetrics
from core.tracing.metrics import TraceMetrics
from gateway.metrics import Metrics
from gateway.workers.parent import WorkerMetrics

_TOP = """# Metrics

What `/metrics` on the second port tells, made from the code by `make docs`. Labels come from the
configuration and from fixed words only: no sender can make the number of series grow. Times are in
seconds, sizes in bytes. `process_*` (memory, CPU, open files) is there as usual.

`postern run` tells all of it in one process, but for what several workers or traces add.
"""

TRACES = "Where traces are on"
WORKERS = "A gateway of several workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One metric as `/metrics` names it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()


def described() -> dict[str, list[Described]]:
    """By the process that tells them."""
    return {
        "Every process": [
            *_of(ProcessMetrics(CollectorRegistry())),
            *_of(BrokerMetrics(CollectorRegistry())),
        ],
        "Gateway": list(_of(Metrics(CollectorRegistry()))),
        WORKERS: list(_of(WorkerMetrics(CollectorRegistry()))),
        "Consumers": list(_of(ConsumerMetrics(CollectorRegistry()))),
        TRACES: list(_of(TraceMetrics(CollectorRegistry()))),
    }


def page() -> str:
    return "".join(_lines())


def _lines() -> Iterator[str]:
    yield _TOP
    for part, metrics in described().items():
        yield f"\n## {part}\n\n| Metric | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n"
        for metric in sorted(metrics, key=lambda it: it.name):
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            meaning = metric.meaning
            if metric.buckets:
                edges = ", ".join(f"{edge:g}" for edge in metric.buckets)
                meaning += f" Buckets: {edges}."
            yield f"| `{metric.name}` | {metric.kind} | {labels} | {meaning} |\n"


def _of(metrics: object) -> Iterator[Described]:
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase | HotCounter | HotHistogram):
            yield _described(metric)


def _described(metric: MetricWrapperBase | HotCounter | HotHistogram) -> Described:
    (family,) = metric.describe()
    labels: Sequence[str] = ()
    bounds: Sequence[float] = ()
    match metric:
        case HotCounter():
            labels = metric.labelnames
        case HotHistogram():
            bounds = metric.bounds
        case _:
            # The library has no way to ask.
            labels = metric._labelnames  # noqa: SLF001
            bounds = metric._upper_bounds if isinstance(metric, Histogram) else ()  # noqa: SLF001
    return Described(
        name=f"{family.name}_total" if family.type == "counter" else family.name,
        kind=family.type,
        labels=tuple(labels),
        meaning=family.documentation,
        buckets=tuple(edge for edge in bounds if edge != float("inf")),
    )
