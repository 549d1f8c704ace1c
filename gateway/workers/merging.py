"""The metrics of several processes as if they were one: counters and histograms are added up,
gauges as each of them means.

What must not go in: fetching them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

Merge = Callable[[float, float], float]


def _added(one: float, other: float) -> float:
    return one + other


GAUGES: Mapping[str, Merge] = {
    "postern_ingress_in_progress": _added,
    "postern_rules_info": max,
    "postern_rules_reload_failing": max,
    # The oldest: by then all of them had taken it over.
    "postern_rules_loaded_timestamp_seconds": min,
    "postern_broker_connected": min,
    "postern_broker_blocked": max,
    "postern_messages_in_hand": _added,
    "postern_consuming": _added,
    "postern_spool_messages": _added,
    "postern_spool_bytes": _added,
    "postern_spool_oldest_seconds": max,
    "postern_build_info": max,
    "postern_worker_serving": max,
    "process_virtual_memory_bytes": _added,
    "process_resident_memory_bytes": _added,
    "process_start_time_seconds": max,
    "process_open_fds": _added,
    "process_max_fds": min,
}
"""Every gauge that a gateway has, and what it is of several: a test holds that none is missing."""

_COUNTING = frozenset({"counter", "histogram", "summary"})


class Page:
    """The metrics of one process at one moment."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = tuple(families)

    @classmethod
    def read(cls, text: str) -> Page:
        """Raises ValueError for what is not the text format of Prometheus."""
        return cls(text_string_to_metric_families(text))

    def counted(self) -> Page:
        """Without what only holds now: what remains of a process that has ended. Left out, the
        sums would fall, and whoever reads them take that for a new start."""
        return Page(family for family in self.families if family.type in _COUNTING)


def merged(pages: Sequence[Page]) -> Page:
    """One page of all of them; the order is that of the first page that has a metric."""
    families: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for page in pages:
        for family in page.families:
            known = families.setdefault(family.name, family)
            merge = _merge_of(known)
            found = values.setdefault(family.name, {})
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                value = sample.value
                found[key] = merge(found[key], value) if key in found else value
    return Page(_family(family, values[name]) for name, family in families.items())


def written(page: Page) -> bytes:
    """In the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Written(page))
    return generate_latest(registry)


def _merge_of(family: Metric) -> Merge:
    if family.type in _COUNTING:
        return _added
    # Where a counter has begun is a gauge of its own in this format.
    return min if family.name.endswith("_created") else GAUGES.get(family.name, _added)


def _family(
    like: Metric, values: Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
) -> Metric:
    made = Metric(like.name, like.documentation, like.type)
    made.samples = [Sample(name, dict(labels), value) for (name, labels), value in values.items()]
    return made


class _Written(Collector):
    def __init__(self, page: Page) -> None:
        self._page = page

    def collect(self) -> Iterable[Metric]:
        return self._page.families
