"""Calls that several actions share: whoever comes first waits a moment for company, and calls for
all.

Each action was claimed by itself and is recorded by itself; only the request is shared. What must
not go in: which actions may share a call, and what follows from its outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from consumers.http import Lease
from consumers.spans import CallSpans
from core.errors import CallDropped, CallError, MaybeSent, NotSent
from vendors.gather import Gather, Item
from vendors.provider import Provider
from vendors.wire import Answer, Outcome, OutcomeKind, Request

Ask = Callable[[Request, Lease], Awaitable[Answer]]
Send = Callable[[Callable[[], Request], Callable[[Answer], Outcome], Lease], Awaitable[Outcome]]

UNTRACED = CallSpans()
PATIENCE = timedelta(milliseconds=100)
LOOK_AGAIN_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What a shared call came to for one of its actions. `counts`: for one of them only, so that
    one failed call is not taken for many failures."""

    outcome: Outcome
    counts: bool
    of: int


@dataclass(slots=True)
class _Company:
    """The actions that will share the next call."""

    items: list[Item] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    """Of those who joined, so that the call is found from each of them."""
    call: str | None = None
    full: asyncio.Event = field(default_factory=asyncio.Event)
    result: asyncio.Future[dict[int, Outcome]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class SharedCalls:
    """Shares the calls of one operation of one provider."""

    def __init__(
        self,
        gather: Gather,
        provider: Provider,
        send: Send,
        ask: Ask,
        *,
        name: str = "",
        spans: CallSpans = UNTRACED,
    ) -> None:
        self._gather = gather
        self._provider = provider
        self._send = send
        self._ask = ask
        self._name = name
        self._spans = spans
        self.most = gather.most(provider)
        self._company: _Company | None = None

    async def join(self, item: Item, lease: Lease) -> Shared | None:
        """Call together with others. None: nobody came; call alone.

        Raises CallDropped for each of them, NotSent and MaybeSent for the one that calls.
        """
        company = self._company
        if company is not None:
            company.items.append(item)
            company.leases.append(lease)
            here = self._spans.tracer.current()
            if here.context is not None:
                company.traces.append(here.context)
            if len(company.items) >= self.most:
                self._close(company)
            outcome = await _followed(company, item)
            here.link(company.call)
            return Shared(outcome=outcome, counts=False, of=len(company.items))
        company = self._company = _Company([item], [lease])
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await company.full.wait()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            self._fail(company, NotSent("the process ended before the call"))
            raise
        self._close(company)
        if len(company.items) == 1:
            return None
        return await self._lead(company, item)

    def _close(self, company: _Company) -> None:
        company.full.set()
        if self._company is company:
            self._company = None

    async def _lead(self, company: _Company, item: Item) -> Shared:
        lease = min(company.leases, key=lambda it: it.until)
        try:
            with self._spans.shared(self._name, company.traces) as span:
                company.call = span.context
                outcomes = await self._call(company.items, lease)
        except CallError as error:
            self._fail(company, error)
            raise
        except BaseException:
            # Cancelled, or broken: the request may be out.
            self._fail(company, MaybeSent("the process ended during the call"))
            raise
        company.result.set_result(outcomes)
        return Shared(outcome=outcomes[item.identity.tag], counts=True, of=len(company.items))

    def _fail(self, company: _Company, error: CallError) -> None:
        self._close(company)
        company.result.set_exception(error)
        # Nobody may be listening, when the first one is the only one.
        company.result.exception()

    async def _call(self, items: Sequence[Item], lease: Lease) -> dict[int, Outcome]:
        def request() -> Request:
            return self._gather.request(items, self._provider)

        def read(answer: Answer) -> Outcome:
            return self._gather.read(answer, self._provider)

        outcome = await self._send(request, read, lease)
        if outcome.kind is not OutcomeKind.DONE:
            return {item.identity.tag: outcome for item in items}
        found = await self._find(items, lease)
        return {
            item.identity.tag: replace(outcome, reference=found.get(item.identity.tag))
            for item in items
        }

    async def _find(self, items: Sequence[Item], lease: Lease) -> dict[int, str]:
        """The provider's own ids. They were taken, whether or not the ids are found: without one
        an action is done all the same, only no receipt can be told of it."""
        found: dict[int, str] = {}
        for again in (False, True):
            if again:
                await asyncio.sleep(LOOK_AGAIN_AFTER.total_seconds())
            missing = [item for item in items if item.identity.tag not in found]
            try:
                question = self._gather.find(missing, self._provider, wide=again)
                answer = await self._ask(question, lease)
            except (CallDropped, NotSent, MaybeSent):
                continue
            found |= self._gather.found(answer, missing)
            if len(found) == len(items):
                break
        return found


async def _followed(company: _Company, item: Item) -> Outcome:
    """What the call of another came to for this one."""
    try:
        outcomes = await asyncio.shield(company.result)
    except NotSent as error:
        return Outcome(kind=OutcomeKind.TEMPORARY, reason=str(error))
    except MaybeSent as error:
        return Outcome(kind=OutcomeKind.UNKNOWN, reason=str(error))
    return outcomes[item.identity.tag]
