"""Making one call to a provider, with all that it may need first: a token, a phone that is online,
company.

What must not go in: deciding whether to call, and what follows from an outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from consumers.asking import Questions
from consumers.caller import Caller
from consumers.http import Lease
from consumers.metrics import ConsumerMetrics
from consumers.rates import Halt, Limits
from consumers.rotation import Turns
from consumers.sharing import SharedCalls
from consumers.spans import CallSpans, note_outcome
from consumers.tokens import Tokens
from core.clock import Clock
from core.errors import NoWay
from core.messages import Lane
from core.tracing.off import OFF
from core.tracing.port import Tracer
from vendors.gather import Item
from vendors.operation import Operation, Vendor
from vendors.provider import Provider
from vendors.rotation import Way
from vendors.wire import Answer, Outcome, OutcomeKind, Params, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """`counts`: the outcome tells of the provider's health; of a shared call, one does for all."""

    outcome: Outcome
    counts: bool = True


class Calls:
    """Makes the calls of one provider, for all its lanes."""

    def __init__(
        self,
        *,
        name: str,
        provider: Provider,
        vendor: Vendor,
        caller: Caller,
        metrics: ConsumerMetrics,
        clock: Clock,
        limits: Limits | None = None,
        answered: Callable[[Answer], None] | None = None,
        tracer: Tracer = OFF,
    ) -> None:
        """`answered` is told every answer to a call (not to a question), for people to read."""
        self._name = name
        self._provider = provider
        self._clock = clock
        self._caller = caller
        self._metrics = metrics
        self._limits = limits
        self._answered = answered
        self._spans = CallSpans.of(tracer, name, provider)
        self._questions = Questions(caller, self._spans)
        self._tokens = Tokens(name, provider, vendor.login, self._questions, clock)
        rotations = (it.rotation for it in vendor.operations.values() if it.rotation is not None)
        rotation = next(rotations, None)
        # One for all calls: they go through the same phones.
        self._turns = (
            Turns(
                name,
                provider,
                rotation,
                self._questions,
                clock=clock,
                doubt_token=self._tokens.doubt,
            )
            if rotation is not None
            else None
        )
        self._shared = {
            operation.name: SharedCalls(
                operation.gather,
                provider,
                partial(self._send, operation.name, 1),
                self.ask,
                name=operation.name,
                spans=self._spans,
            )
            for operation in vendor.operations.values()
            if operation.gather is not None and operation.gather.most(provider) > 1
        }

    @property
    def company(self) -> int:
        """How many actions a call may be shared by."""
        return max((shared.most for shared in self._shared.values()), default=1)

    def most_in_a_row(self, operation: Operation) -> int:
        """How many calls one claim may take, one after the other: a lease has to cover them."""
        most = 1
        if operation.lookup is not None:
            most += 4  # two forms of question, and a proof of each
        if self._tokens.are_used:
            most += 2  # a login, and the call once more
        if operation.name in self._shared:
            most += 2  # its parts are looked for, twice
        return most

    async def ready(self, lease: Lease) -> Outcome | None:
        """Have a token; None: there is one."""
        return await self._tokens.ready(lease)

    def doubt_token(self) -> None:
        self._tokens.doubt()

    async def ask(self, request: Request, lease: Lease) -> Answer:
        """A question that changes nothing. Raises as `Caller.call` does."""
        return await self._questions.call(request, within=self._provider.timeout, lease=lease)

    async def make(
        self,
        operation: Operation,
        item: Item,
        lease: Lease,
        *,
        in_company: bool = False,
        attempt: int = 1,
    ) -> Made:
        """`attempt`: which try of the action this is, for its trace. Raises NoWay, CallDropped,
        NotSent or MaybeSent."""
        if operation.uses_token and (refused := await self._tokens.ready(lease)) is not None:
            return Made(outcome=refused)
        rotation = operation.rotation
        if rotation is not None and rotation.is_open(item.params, self._provider):
            raise NoWay("no device was chosen")
        shared = self._shared.get(operation.name) if in_company else None
        if shared is not None and (part := await shared.join(item, lease)) is not None:
            if part.counts:
                self._metrics.shared.labels(self._name).observe(part.of)
            return Made(outcome=part.outcome, counts=part.counts)

        def request() -> Request:
            return operation.request(item.params, item.identity, self._provider)

        def read(answer: Answer) -> Outcome:
            return operation.read(answer, item.params, self._provider)

        make = self._send if operation.uses_token else self._send_once
        return Made(outcome=await make(operation.name, attempt, request, read, lease))

    async def choose(
        self,
        operation: Operation,
        params: Params,
        lane: Lane,
        stopping: asyncio.Event,
        halted: Halt,
    ) -> Way | None:
        """Wait until the limits let one more call go, and choose its way (None: it has none).

        Before the action is claimed: no lease runs while it waits. Raises NoWay, CallDropped,
        Stopping, Halted, JournalUnavailable.
        """
        if self._limits is not None:
            await self._limits.take(lane, stopping, halted)
        rotation, turns = operation.rotation, self._turns
        if rotation is None or turns is None:
            return None
        way: Way | None = None
        name = rotation.way(params)
        if rotation.is_open(params, self._provider):
            look = 3 * self._provider.timeout.total_seconds()
            lease = Lease(until=self._clock.monotonic() + look)
            if await self._tokens.ready(lease) is not None:
                return None  # the call will meet the same, and have it recorded
            way = await turns.next(lease)
            if way is None:
                raise NoWay("none of the configured devices is online")
            name = way.id
        if self._limits is not None:
            await self._limits.take_way(name, lane, stopping, halted)
        return way

    async def _send(
        self,
        operation: str,
        attempt: int,
        request: Callable[[], Request],
        read: Callable[[Answer], Outcome],
        lease: Lease,
    ) -> Outcome:
        """One request; a second one, with a new token, where the first was refused for its
        token: then nothing of it happened."""
        used = self._tokens.current
        outcome = await self._send_once(operation, attempt, request, read, lease)
        if outcome.kind is OutcomeKind.UNAUTHORIZED and self._tokens.are_used:
            refused = await self._tokens.renew(used, lease)
            if refused is not None:
                return refused
            outcome = await self._send_once(operation, attempt, request, read, lease)
        if outcome.kind is not OutcomeKind.UNAUTHORIZED:
            self._tokens.worked()
        return outcome

    async def _send_once(
        self,
        operation: str,
        attempt: int,
        request: Callable[[], Request],
        read: Callable[[Answer], Outcome],
        lease: Lease,
    ) -> Outcome:
        with self._spans.call(operation, attempt) as span:
            answer = await self._caller.call(request(), within=self._provider.timeout, lease=lease)
            self._spans.answered(span, answer)
            if self._answered is not None:
                self._answered(answer)
            outcome = read(answer)
            note_outcome(span, outcome)
        return outcome
