"""The states of an action. The moves between them are drawn in docs/operations.md."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Every action is in exactly one of these."""

    QUEUED = "queued"
    """A message for it is (or was) in its lane's queue."""
    WAITING = "waiting"
    """Due at a known time; the scheduler publishes it then."""
    RUNNING = "running"
    """Claimed by a worker, under a lease."""
    DONE = "done"
    """The provider took it."""
    SUPERSEDED = "superseded"
    """A newer event has set everything that it would have set."""
    EXPIRED = "expired"
    """Too late is worse than never."""
    CANCELLED = "cancelled"
    """By a person or an erasure."""
    SKIPPED = "skipped"
    """A guard said no."""
    PARKED = "parked"
    """Waiting for a person."""


OPEN = frozenset({State.QUEUED, State.WAITING, State.RUNNING})
ENDED = frozenset(State) - OPEN
