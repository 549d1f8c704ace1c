"""Asking a provider what became of texts it took, where it does not tell by itself.

One process asks at a time, a few questions at a time, less often as a text gets older; after the
last pause of the list it is not asked any more. What must not go in: what an answer means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from consumers.calls import Calls
from consumers.http import Lease
from consumers.metrics import ConsumerMetrics
from consumers.presence import Presence
from consumers.settings import ConsumerSettings
from consumers.waiting import first_of, pause
from core.clock import Clock
from core.errors import CallDropped, JournalUnavailable, MaybeSent, NotSent
from core.journal.port import Asked, Awaited
from core.logs import get_logger
from core.messages import Receipt
from vendors import report
from vendors.provider import ReportingProvider

log = get_logger()

BATCH = 50
AT_A_TIME = 5
REST = timedelta(seconds=1)
DOWN = timedelta(seconds=30)
"""Pause after a batch of which no question was answered."""


class AskedFor(Protocol):
    """What the poller needs of the journal."""

    async def lead(self, name: str, owner: str, lease: timedelta) -> bool: ...

    async def receipts_due(self, provider: str, *, limit: int) -> list[Awaited]: ...

    async def receive(self, receipts: Sequence[Receipt]) -> list[Receipt]: ...

    async def asked(self, provider: str, questions: Sequence[Asked]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Asks for the receipts of one provider."""

    name: str
    provider: ReportingProvider
    follow: report.Follow
    calls: Calls
    journal: AskedFor
    presence: Presence
    metrics: ConsumerMetrics
    settings: ConsumerSettings
    clock: Clock

    async def serve(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await first_of(stopping.wait(), self.presence.returns())
            rest = REST
            try:
                if await self._leads():
                    rest = await self.turn()
            except JournalUnavailable as error:
                self.presence.lost(error)
                continue
            await pause(rest, stopping)

    async def _leads(self) -> bool:
        lease = self.settings.leader_lease + self.provider.timeout
        return await self.journal.lead(f"receipts {self.name}", self.settings.owner, lease)

    async def turn(self) -> timedelta:
        """One batch of questions; how long to rest after it."""
        due = await self.journal.receipts_due(self.name, limit=BATCH)
        if not due:
            return REST
        gate = asyncio.Semaphore(AT_A_TIME)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._ask(item, gate)) for item in due]
        answers = [task.result() for task in tasks]
        receipts = [receipt for _, receipt in answers if receipt is not None]
        if receipts:
            self.metrics.count_receipts(await self.journal.receive(receipts))
        await self.journal.asked(
            self.name,
            [
                Asked(
                    reference=item.reference,
                    again_in=self._again(item, answered=answered),
                    counts=answered,
                )
                for item, (answered, _) in zip(due, answers, strict=True)
            ],
        )
        if not any(answered for answered, _ in answers):
            return DOWN
        return timedelta(0) if len(due) == BATCH else REST

    def _again(self, item: Awaited, *, answered: bool) -> timedelta | None:
        """A question that got no answer is put again, however old the text is."""
        pauses = self.provider.questions()
        if not answered:
            return DOWN
        return pauses[item.asked + 1] if item.asked + 1 < len(pauses) else None

    async def _ask(self, item: Awaited, gate: asyncio.Semaphore) -> tuple[bool, Receipt | None]:
        """Whether there was an answer, and what it told."""
        async with gate:
            lease = Lease(until=self.clock.monotonic() + 4 * self.provider.timeout.total_seconds())
            try:
                if await self.calls.ready(lease) is not None:
                    return False, None
                request = self.follow.query(item.reference, self.provider)
                answer = await self.calls.ask(request, lease)
            except (CallDropped, NotSent, MaybeSent) as error:
                log.info("receipt_not_asked", provider=self.name, reason=str(error))
                return False, None
        found = self.follow.read(answer, item.reference, self.provider)
        if found is None:
            # Errors come as 200 too: a token that ended looks like a text without a status.
            self.calls.doubt_token()
            return 200 <= answer.status <= 299, None
        return True, receipt_of(self.name, found, self.clock)


def receipt_of(provider: str, found: report.Receipt, clock: Clock) -> Receipt:
    return Receipt(
        provider=provider,
        reference=found.reference,
        stage=found.stage.value,
        rank=found.rank,
        meaning=found.meaning,
        final=found.final,
        at=clock.now(),
    )
