"""Whether a request of a source is let in, decided before its body is read.

What must not go in: who it is (see `gateway.sources`), and what one address did (`addresses`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from core.clock import Clock
from core.errors import Overloaded, TooManyRequests, Unauthenticated
from gateway.http.body import BodyGate
from gateway.http.buckets import Buckets
from gateway.sources.source import Source

_MOST_SOURCES = 10_000


class Admission:
    """The limits of each source, and the one of all together. Kept across reloads."""

    def __init__(self, gate: BodyGate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock
        self._taken = Buckets(most=_MOST_SOURCES)
        self._bodies: Counter[str] = Counter()

    @contextmanager
    def let_in(self, source: Source) -> Iterator[None]:
        """For as long as the request is in progress. Raises TooManyRequests or Overloaded.

        What turns out not to be of this source is given back to its rate: whoever guesses an
        address must not use up what its owner may send.
        """
        self._take(source)
        if self._bodies[source.name] >= source.bodies:
            raise Overloaded("Too many requests of this source are in progress.")
        self._bodies[source.name] += 1
        try:
            with self._gate.pass_through(proved=bool(source.bearer)):
                yield
        except Unauthenticated:
            self._give_back(source)
            raise
        finally:
            self._bodies[source.name] -= 1

    def enter(self, source: Source) -> bool:
        """The same for a source without a rate, for as long as nobody calls `leave`. False: there
        is no room; `let_in` says why."""
        if self._bodies[source.name] >= source.bodies or not self._gate.enter(
            proved=bool(source.bearer)
        ):
            return False
        self._bodies[source.name] += 1
        return True

    def leave(self, source: Source) -> None:
        self._bodies[source.name] -= 1
        self._gate.leave()

    def _take(self, source: Source) -> None:
        if source.rate is None:
            return
        now = self._clock.monotonic()
        level = self._taken.level(source.name, rate=source.rate, now=now)
        if level > source.burst - 1:
            raise TooManyRequests(
                "This source sends more than it may.",
                code="rate-limited",
                retry_after=math.ceil((level - source.burst + 1) / source.rate),
            )
        self._taken.add(source.name, 1.0, rate=source.rate, now=now)

    def _give_back(self, source: Source) -> None:
        if source.rate is not None:
            now = self._clock.monotonic()
            self._taken.add(source.name, -1.0, rate=source.rate, now=now)
