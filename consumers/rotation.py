"""Whose turn it is among the ways a provider has (phones that send): round robin over those that
were heard of lately.

What must not go in: how the provider is asked, or what a way is (see the vendor).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from consumers.caller import Caller
from consumers.http import Lease
from core.clock import Clock
from core.errors import CallDropped, MaybeSent, NotSent
from core.logs import get_logger
from vendors.provider import Provider
from vendors.rotation import Rotation, Way

log = get_logger()

LOOK_EVERY = timedelta(seconds=30)


class Turns:
    """Chooses for one provider. Looks again after `LOOK_EVERY`; while a look fails, what was seen
    last counts for as long as a way may be silent."""

    def __init__(
        self,
        name: str,
        provider: Provider,
        rotation: Rotation,
        caller: Caller,
        *,
        clock: Clock,
        doubt_token: Callable[[], None],
    ) -> None:
        self._doubt_token = doubt_token
        self._name = name
        self._provider = provider
        self._rotation = rotation
        self._caller = caller
        self._clock = clock
        self._lock = asyncio.Lock()
        self._ways: Sequence[Way] = ()
        self._seen_at: float | None = None
        self._look_at = 0.0
        self._turn = 0
        self._told: frozenset[str | int] | None = None

    async def next(self, lease: Lease) -> Way | None:
        """The next way that is not silent; None: there is none.

        Raises CallDropped when the lease no longer covers the look.
        """
        async with self._lock:
            if self._clock.monotonic() >= self._look_at:
                await self._look(lease)
        open_ways = self._open()
        if not open_ways:
            return None
        self._turn += 1
        return open_ways[self._turn % len(open_ways)]

    async def _look(self, lease: Lease) -> None:
        now = self._clock.monotonic()
        try:
            answer = await self._caller.call(
                self._rotation.query(self._provider), within=self._provider.timeout, lease=lease
            )
        except CallDropped:
            raise
        except (NotSent, MaybeSent) as error:
            log.warning("ways_not_seen", provider=self._name, reason=str(error))
            ways = None
        else:
            ways = self._rotation.read(answer, self._provider, self._clock.now())
            if ways is None:
                # Perhaps for its token: without a way no text goes out that would show it.
                self._doubt_token()
                log.warning("ways_not_seen", provider=self._name, reason=f"HTTP {answer.status}")
        # A look that failed is not repeated by every call that waits for it.
        rest = LOOK_EVERY if ways is not None else LOOK_EVERY / 6
        self._look_at = self._clock.monotonic() + rest.total_seconds()
        if ways is not None:
            self._ways, self._seen_at = ways, now
            self._tell()

    def _open(self) -> list[Way]:
        if self._seen_at is None:
            return []
        since = timedelta(seconds=self._clock.monotonic() - self._seen_at)
        limit = self._rotation.silent_after(self._provider)
        if since > limit:
            return []
        return [way for way in self._ways if way.seen is not None and way.seen <= limit]

    def _tell(self) -> None:
        silent = frozenset(way.id for way in self._ways) - {way.id for way in self._open()}
        if silent != self._told and (silent or self._told):
            log.warning(
                "ways_silent",
                provider=self._name,
                silent=sorted(map(str, silent)),
                of=len(self._ways),
            )
        self._told = silent
