"""What a gateway needs of a spool: messages kept in order of arrival, within bounds.

What must not go in: how they are kept (see `core.broker.embedded.spool`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.broker.port import Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolBounds:
    """Past any of them nothing more is taken: senders are refused, and an alarm has long rung."""

    messages: int = 1_000_000
    size: int = 1024**3
    age: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    id: int
    message: Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is in the spool. `oldest` None: nothing is."""

    messages: int
    size: int
    oldest: datetime | None


class KeptMessages(Protocol):
    @property
    def holding(self) -> Holding:
        """As of the last change."""
        ...

    async def put(self, messages: Sequence[Outgoing]) -> None:
        """Return once all of them are on disk; on an error none is. Raises SpoolFull, or
        BrokerUnavailable if the disk fails or is too slow."""
        ...

    async def oldest(
        self, *, after: int = 0, limit: int, queue: str | None = None
    ) -> list[Spooled]:
        """In order of arrival, behind number `after`; of one queue, or of all."""
        ...

    async def remove(self, ids: Sequence[int]) -> None:
        """They were published, with confirms."""
        ...
