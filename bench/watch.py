"""How busy processes were in a stretch of time: who is at his limit decides what a figure means."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from bench.machine import cpu_seconds

LOAD = "load"
"""This process: the client."""


class Watch:
    """Processor time of named processes between entering and leaving; the client's as well."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before: dict[str, float] = {}
        self._started = 0.0
        self.seconds = 0.0
        self.took: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._before, self._started = self._now(), time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seconds = time.perf_counter() - self._started
        after = self._now()
        self.took = {name: after[name] - taken for name, taken in self._before.items()}

    @property
    def busy(self) -> dict[str, float]:
        """Shares of a core."""
        return {name: taken / self.seconds for name, taken in self.took.items()}

    def _now(self) -> dict[str, float]:
        own = os.times()
        taken = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        return taken | {LOAD: own.user + own.system}
