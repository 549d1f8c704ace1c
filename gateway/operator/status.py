"""How a deployment stands: what its queues, its journal and its people say, in one record.

What must not go in: how it is shown, and judging any of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.broker.topology import DEAD_QUEUE, Topology
from core.errors import BrokerError, Unroutable
from core.journal.operator import BreakerSeen, Oldest, OperatorJournal, Pause
from core.journal.states import State

Depth = Callable[[str], Awaitable[int]]

_PATIENCE = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSide:
    """`depths`: messages ready, by queue; None: there is no such queue. `problem`: why it could not
    be asked."""

    depths: dict[str, int | None]
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSide:
    breakers: tuple[BreakerSeen, ...]
    pauses: tuple[Pause, ...]
    oldest: tuple[Oldest, ...]
    newest_rules: str | None

    @property
    def parked(self) -> int:
        return sum(each.count for each in self.oldest if each.state is State.PARKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`rules`: the version of the configuration at hand; None: it is refused, see `rules_problem`.
    `spooled`: messages that this gateway keeps on its disk while the broker is away; None: nothing
    keeps any."""

    rules: str | None
    broker: BrokerSide
    journal: JournalSide | None
    journal_problem: str | None = None
    spooled: int | None = None
    rules_problem: str | None = None


def queues_of(topology: Topology) -> tuple[str, ...]:
    return (*topology.queues, DEAD_QUEUE)


async def read_broker(depth: Depth, queues: Sequence[str]) -> BrokerSide:
    """Raises nothing for a broker that is away: that is how it stands, then."""
    depths: dict[str, int | None] = {}
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            for queue in queues:
                try:
                    depths[queue] = await depth(queue)
                except Unroutable:
                    depths[queue] = None
    except TimeoutError:
        return BrokerSide(depths=depths, problem="it does not answer in time")
    except BrokerError as error:
        return BrokerSide(depths=depths, problem=str(error))
    return BrokerSide(depths=depths)


async def read_journal(journal: OperatorJournal) -> JournalSide:
    """Raises JournalUnavailable."""
    return JournalSide(
        breakers=tuple(await journal.breakers()),
        pauses=tuple(await journal.pauses()),
        oldest=tuple(await journal.oldest()),
        newest_rules=await journal.newest_rules(),
    )
