"""The queues of a deployment, in one place: names, and what is declared with them.

Declaring is separate from moving messages. What must not go in: any I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.messages import Lane

EXCHANGE = "postern.actions"
DEAD_EXCHANGE = "postern.dead"
RECORDER_QUEUE = "postern.recorder"
DEAD_QUEUE = "postern.dead"

DELIVERY_LIMIT = 10
"""Deliveries without an acknowledgement after which the broker moves a message to
`postern.dead`."""

WORK_QUEUE_LENGTH = 5_000_000
"""Bound of a work queue, in messages: at-least-once dead lettering needs one, publishes beyond it
are nacked."""

DEAD_QUEUE_LENGTH = 100_000


def work_queue(provider: str, lane: Lane) -> str:
    """The queue of one provider's lane."""
    return f"postern.{provider}.{lane.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What must stand at the broker: the work queues of these providers, the recorder's queue, the
    dead."""

    providers: tuple[str, ...]

    @classmethod
    def of(cls, providers: Iterable[str]) -> Topology:
        return cls(providers=tuple(sorted(set(providers))))

    @property
    def work_queues(self) -> tuple[str, ...]:
        return tuple(work_queue(provider, lane) for provider in self.providers for lane in Lane)

    @property
    def queues(self) -> tuple[str, ...]:
        """Every queue but the dead one, in a stable order."""
        return (*self.work_queues, RECORDER_QUEUE)
