"""How often the log tells of refused requests: the first of a kind at once, then no flood.

During an outage every request is refused for the same reason; a line for each would bury the cause
and fill the disk. The metrics count them all. What must not go in: what a line says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.clock import Clock


@dataclass(slots=True)
class _Kind:
    since: float
    told: int = 0
    left_out: int = 0


class Telling:
    """At most `most` lines of a kind in each `window`. Kinds are of the configuration's making, so
    that there are few."""

    def __init__(
        self, clock: Clock, *, most: int = 5, window: timedelta = timedelta(seconds=10)
    ) -> None:
        self._clock = clock
        self._most = most
        self._window = window.total_seconds()
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def turn(self, source: str, kind_name: str) -> int | None:
        """None: leave this one out. Otherwise how many of its kind were left out before it."""
        now = self._clock.monotonic()
        kind = self._kinds.setdefault((source, kind_name), _Kind(now))
        if now - kind.since >= self._window:
            kind.since, kind.told = now, 0
        if kind.told >= self._most:
            kind.left_out += 1
            return None
        kind.told += 1
        left_out, kind.left_out = kind.left_out, 0
        return left_out
