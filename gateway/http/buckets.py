"""Counting with a leak: how much of something there was lately.

What must not go in: what is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Buckets:
    """One level for each name, falling by `rate` a second; the names unheard of for longest are
    forgotten first, so that nobody can make it grow."""

    def __init__(self, *, most: int) -> None:
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._most = most

    def level(self, name: Hashable, *, rate: float, now: float) -> float:
        level, at = self._levels.get(name, (0.0, now))
        return max(0.0, level - (now - at) * rate)

    def add(self, name: Hashable, amount: float, *, rate: float, now: float) -> None:
        """Puts in, or with a negative amount takes back."""
        self._levels[name] = (max(0.0, self.level(name, rate=rate, now=now) + amount), now)
        self._levels.move_to_end(name)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
