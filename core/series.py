"""The series of a metric, found by its labels without the library's lock and conversions: for what
is counted with every request.

What must not go in: metrics whose series go away again (they would go on being counted unseen).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from prometheus_client.metrics import MetricWrapperBase

M = TypeVar("M", bound=MetricWrapperBase)


def series_of(metric: M) -> Callable[..., M]:
    """`metric.labels`, for labels that are texts."""
    known: dict[tuple[str, ...], M] = {}

    def series(*labels: str) -> M:
        found = known.get(labels)
        if found is None:
            found = known[labels] = metric.labels(*labels)
        return found

    return series
