"""When a provider is not called for a while: it is down, or it does not accept us.

    closed    --temporary failures of several different actions--> open
    open      --the pause is over--> half-open: one action after another is tried
    half-open --one succeeds--> closed          --one fails--> open, for longer

One action that fails again and again opens nothing: it may be the action's own fault. A refused
token (401) opens the breaker at once; a refused operation (403) rests that operation alone. What
must not go in: what happens to actions meanwhile (see `worker`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from core.clock import Clock


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    threshold: int
    pause: timedelta
    longest: timedelta
    refusal_pause: timedelta


@dataclass(slots=True)
class Breaker:
    """One provider's breaker in this process.

    `on_change` is told (state, cause, state before) of every move, and of another cause of one that
    is open already: then both states are the same.
    """

    policy: BreakerPolicy
    clock: Clock
    on_change: Callable[[BreakerState, str, BreakerState], None]
    _failed: set[str] = field(default_factory=set)
    _opened: int = 0
    _until: float = 0.0
    cause: str = ""
    """Why it is open, or was closed, last."""
    _open: bool = False
    _probing: str | None = None
    _rests: dict[str, float] = field(default_factory=dict)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> BreakerState:
        if not self._open:
            return BreakerState.CLOSED
        over = self.clock.monotonic() >= self._until
        return BreakerState.HALF_OPEN if over else BreakerState.OPEN

    @property
    def pause_left(self) -> timedelta:
        """How long until the breaker is half-open."""
        return timedelta(seconds=max(0.0, self._until - self.clock.monotonic()))

    def admits(self, action: str) -> bool:
        """Whether this action may be called now. Half-open, one action at a time may."""
        match self.state:
            case BreakerState.CLOSED:
                return True
            case BreakerState.OPEN:
                return False
            case BreakerState.HALF_OPEN:
                if self._probing is None:
                    self._probing = action
                return self._probing == action

    def rest_left(self, operation: str) -> timedelta:
        """How long an operation still rests after a 403."""
        until = self._rests.get(operation, 0.0)
        return timedelta(seconds=max(0.0, until - self.clock.monotonic()))

    def succeeded(self, action: str) -> None:
        self._failed.clear()
        self._opened = 0
        if self._open and self._probing == action:
            was = self.state
            self._open = False
            self._tell(BreakerState.CLOSED, "a call succeeded", was)
        self._release(action)

    def failed(self, action: str) -> None:
        """A temporary failure. A failed probe opens the breaker again, for longer."""
        if self._open:
            if self._probing == action:
                self._release(action)
                self._break("a probe failed", self._next_pause())
            return
        self._failed.add(action)
        if len(self._failed) >= self.policy.threshold:
            self._break(f"{len(self._failed)} actions failed", self._next_pause())

    def throttled(self, action: str, wait: timedelta | None) -> None:
        """We are asked to call less (429): nobody calls for a while."""
        self._release(action)
        pause = wait if wait is not None else self.policy.pause
        if not self._open or self.clock.monotonic() + pause.total_seconds() > self._until:
            self._break("we are asked to wait (429 or Retry-After)", pause)

    def refused_us(self, action: str) -> None:
        """The provider does not accept our token (401)."""
        self._release(action)
        self._break("our token is refused (401)", self.policy.refusal_pause)

    def refused_operation(self, action: str, operation: str) -> None:
        """Our token may not do this (403); other operations go on."""
        self._release(action)
        self._rests[operation] = self.clock.monotonic() + self.policy.refusal_pause.total_seconds()

    def inconclusive(self, action: str) -> None:
        """The call told nothing about the provider's health (it was dropped, or refused its
        data)."""
        self._release(action)

    @property
    def next_move(self) -> asyncio.Event:
        """Set at the next move between closed and open, and when it is open for another cause."""
        return self._moved

    def _release(self, action: str) -> None:
        if self._probing == action:
            self._probing = None

    def _next_pause(self) -> timedelta:
        pause = self.policy.pause * (1 << min(self._opened, 10))
        self._opened += 1
        return min(pause, self.policy.longest)

    def _break(self, cause: str, pause: timedelta) -> None:
        """Of many calls under way each may fail: it opens with the first, and stays open for
        longer with the others. Of those only another cause is told, or there would be a line for
        each call."""
        was = self.state
        self._until = self.clock.monotonic() + pause.total_seconds()
        self._failed.clear()
        self._open = True
        if was is not BreakerState.OPEN or cause != self.cause:
            self._tell(BreakerState.OPEN, cause, was)

    def _tell(self, state: BreakerState, cause: str, was: BreakerState) -> None:
        self.cause = cause
        self.on_change(state, cause, was)
        self._moved.set()
        self._moved = asyncio.Event()
