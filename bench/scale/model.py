"""What a rate of events takes, by what one event costs: plain arithmetic, held against a steady
load by `python -m bench.scale`.

What must not go in: measuring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROOM = 0.7
"""The share of a core, and of what a queue takes, that is planned with: the rest is for peaks."""

_DAY = 86_400
_HOUR = 3_600
_GB = 1_000_000_000
_MB = 1_000_000
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one event of a kind takes at each station: seconds of a core, bytes, counts."""

    name: str
    gateway: float
    broker: float
    """To take all its messages and to hand them out once."""
    consumer: float
    journal: float
    messages: int
    calls: int
    request_bytes: int
    message_bytes: int
    """Of all its messages, as they go to each member of a queue."""
    wal_bytes: float
    stored_bytes: float
    syncs: float
    """Of the journal's write-ahead log: each is a wait for the disk."""

    def shares(self, rate: float) -> dict[str, float]:
        """Of a core, by station, at so many events a second."""
        return {
            "gateway": rate * self.gateway,
            "broker": rate * self.broker,
            "consumers": rate * self.consumer,
            "journal": rate * self.journal,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one of a thing can do at most: messages a second of one queue."""

    queue: float


def needs(costs: Costs, limits: Limits, rate: float) -> dict[str, str]:
    """What `rate` events a second take, in words and figures for a table."""
    shares = costs.shares(rate)
    return {
        "gateway processes, a core each": _count(shares["gateway"] / ROOM),
        "cores of the broker's leaders": _count(shares["broker"] / ROOM),
        "queues that the records have to be spread over": _count(rate / limits.queue / ROOM),
        "consumer processes, a core each": _count(shares["consumers"] / ROOM),
        "cores of the journal": _count(shares["journal"] / ROOM),
        "syncs of the journal a second": f"{rate * costs.syncs:,.0f}",
        "write-ahead log, MB/s": f"{rate * costs.wal_bytes / _MB:,.1f}",
        "journal, GB a day": f"{rate * costs.stored_bytes * _DAY / _GB:,.0f}",
        "into the gateway, MB/s": f"{rate * costs.request_bytes / _MB:,.1f}",
        "into each member of a queue, MB/s": f"{rate * costs.message_bytes / _MB:,.1f}",
        "calls of providers a second": f"{rate * costs.calls:,.0f}",
    }


def _count(share: float) -> str:
    return f"{math.ceil(share):,}"


def needs_table(costs: Costs, limits: Limits, rates: Sequence[int]) -> list[tuple[str, ...]]:
    """A line for each thing that is needed, a column for each rate."""
    found = [needs(costs, limits, rate) for rate in rates]
    return [
        (f"{costs.name}, events a second", *(f"{rate:,}" for rate in rates)),
        *((name, *(each[name] for each in found)) for name in found[0]),
    ]


_COSTS: Sequence[tuple[str, Callable[[Costs], str]]] = (
    ("gateway", lambda it: _micros(it.gateway)),
    ("broker", lambda it: _micros(it.broker)),
    ("consumer", lambda it: _micros(it.consumer)),
    ("journal (PostgreSQL)", lambda it: _micros(it.journal)),
    ("messages", lambda it: f"{it.messages}"),
    ("bytes of the request", lambda it: f"{it.request_bytes:,}"),
    ("bytes of the messages", lambda it: f"{it.message_bytes:,}"),
    ("bytes of write-ahead log", lambda it: f"{it.wal_bytes:,.0f}"),
    ("bytes stored in the journal", lambda it: f"{it.stored_bytes:,.0f}"),
    ("syncs of the journal", lambda it: f"{it.syncs:.2f}"),
    ("a million events: hours of a core", lambda it: f"{_hours(it):.1f}"),
    ("a million events: GB in the journal", lambda it: f"{it.stored_bytes * _MILLION / _GB:.1f}"),
)


def costs_table(kinds: Sequence[Costs]) -> list[tuple[str, ...]]:
    """A line for each station, a column for each kind of event."""
    return [
        ("one event", *(kind.name for kind in kinds)),
        *((name, *(show(kind) for kind in kinds)) for name, show in _COSTS),
    ]


def _hours(costs: Costs) -> float:
    return sum(costs.shares(_MILLION).values()) / _HOUR


def _micros(seconds: float) -> str:
    return f"{seconds * 1_000_000:,.0f} µs"
