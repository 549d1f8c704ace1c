"""Carries one message out: claim, guard, find out if need be, call, record. The delivery protocol
in order.

Returning means that the message may be acknowledged: the journal knows what became of its action.
Raising JournalUnavailable means that it must not be. What must not go in: consuming, deciding what
an outcome leads to (see `delivery`), and what is told of it (see `account`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from consumers import delivery
from consumers.account import Account
from consumers.breaker import Breaker, BreakerState
from consumers.calls import Calls
from consumers.delivery import Call, FindOut, Held, Stop
from consumers.guard import refusal
from consumers.hand import Hand, Place
from consumers.http import Lease
from consumers.metrics import ConsumerMetrics
from consumers.order import UNORDERED, Order, kept_by_entity, order_of
from consumers.pauses import Pauses
from consumers.rates import Halted
from consumers.reconcile import Absent, Failed, Found, Looked, Reconciler, Unproven
from consumers.recording import record_outcome
from consumers.rotation import LOOK_EVERY
from consumers.settings import ConsumerSettings
from consumers.spans import UNTRACED, ActionSpans, note_finish, note_state
from core.broker.topology import work_queue
from core.clock import Clock
from core.errors import CallDropped, JournalUnavailable, MaybeSent, MessageError, NotSent, NoWay
from core.identity import request_id, text_tag
from core.journal.port import Claim, Finish, Granted, Journal, NotGranted
from core.journal.states import State
from core.messages import Action, ActionMessage, Lane, decode_action
from core.tracing.port import Span
from vendors.gather import Item
from vendors.operation import Operation, Vendor
from vendors.provider import Provider
from vendors.rotation import Way
from vendors.wire import Answer, Identity, Outcome, OutcomeKind, Params, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A message's action with what this process knows about carrying it out. `refused` says why it
    is not called; with `broken` set a person has to look."""

    operation: Operation | None
    order: Order = UNORDERED
    way: Way | None = None
    refused: str | None = None
    broken: str | None = None


class Carrier:
    """Carries out the actions of one provider."""

    def __init__(
        self,
        *,
        name: str,
        provider: Provider,
        vendor: Vendor,
        calls: Calls,
        journal: Journal,
        breaker: Breaker,
        metrics: ConsumerMetrics,
        pauses: Pauses,
        settings: ConsumerSettings,
        clock: Clock,
        stopping: asyncio.Event,
        hands: Mapping[Lane, Hand],
        spans: ActionSpans = UNTRACED,
    ) -> None:
        self.provider_name = name
        self._provider = provider
        self._operations = vendor.operations
        self._calls = calls
        self._journal = journal
        self._breaker = breaker
        self._metrics = metrics
        self._pauses = pauses
        self._settings = settings
        self._clock = clock
        self._stopping = stopping
        self._hands = hands
        self._spans = spans
        self._reconciler = Reconciler(name, journal)
        self._account = Account(name, provider, metrics, clock)

    async def carry(self, body: bytes, lane: Lane) -> None:
        """Raises Stopping where the process stops before the action was begun."""
        try:
            message = decode_action(body)
        except MessageError as error:
            await self._park_unreadable(body, lane, error)
            return
        queue = work_queue(self.provider_name, lane)
        with (
            self._spans.process(message.action, queue) as span,
            await self._hands[lane].place(self._stopping) as place,
        ):
            await self._start(message, lane, place, span)

    async def _start(self, message: ActionMessage, lane: Lane, place: Place, span: Span) -> None:
        planned = self._plan(message.action)
        try:
            if not (chosen := await self._admitted(message, planned, lane)):
                note_state(span, State.WAITING)
                return
            await self._claim_and_run(message, chosen, place, span)
        finally:
            # Whatever ended it, also a journal that went away or the end of this process: a probe
            # that nobody finishes would keep the breaker half-open for ever.
            self._breaker.inconclusive(message.action.id)

    async def _admitted(
        self, message: ActionMessage, planned: Planned, lane: Lane
    ) -> Planned | None:
        """The plan with its way, once the limits let it go; None: it went back to the scheduler.

        The limits may take minutes, so what was paused meanwhile, or whose provider was, is looked
        at again.
        """
        while await self._may_start(message, planned):
            try:
                chosen = await self._chosen(message.action, planned, lane)
            except Halted:
                continue
            except NoWay as error:
                await self._journal.put_back(message, due_in=LOOK_EVERY, reason=str(error))
                return None
            except CallDropped:
                reason = "which phone could send it was not found out in time"
                await self._journal.put_back(message, due_in=LOOK_EVERY, reason=reason)
                return None
            if self._hindrance(message.action, planned) is None:
                return chosen
        return None

    async def _claim_and_run(
        self, message: ActionMessage, planned: Planned, place: Place, span: Span
    ) -> None:
        claimed_from = self._clock.monotonic()
        lease = self._lease(planned)
        claim = Claim(
            message=message,
            owner=self._settings.owner,
            lease=lease,
            lag=self._provider.reconcile_lag,
            order_keys=planned.order.keys,
            targets=planned.order.targets,
            within=planned.order.within,
            sweeps=planned.order.sweeps,
        )
        with self._metrics.journal_took("claim"):
            result = await self._journal.claim(claim)
        match result:
            case NotGranted(stored=Action() as stored):
                planned = self._plan(stored)
                await self._claim_and_run(replace(message, action=stored), planned, place, span)
            case NotGranted():
                note_state(span, result.state)
                self._account.left(message.action, result)
            case Granted():
                # Counted from before the claim was sent: the database's lease began later.
                until = Lease(until=claimed_from + lease.total_seconds())
                finish = await self._run(message.action, planned, result, until, place)
                note_finish(span, finish)

    def _plan(self, action: Action) -> Planned:
        operation = self._operations.get(action.operation)
        if operation is None or action.provider != self.provider_name:
            return Planned(operation=None, broken="this worker does not know the operation")
        try:
            if refused := refusal(action, operation, self._provider):
                return Planned(operation=operation, refused=refused)
            return Planned(operation=operation, order=order_of(action, operation, self._provider))
        except Exception as error:  # noqa: BLE001 - a fault in a vendor must not lose the action
            self._account.broken(action, error)
            return Planned(
                operation=operation,
                broken=f"its parameters cannot be used ({type(error).__name__})",
            )

    async def _chosen(self, action: Action, planned: Planned, lane: Lane) -> Planned:
        """Once the limits let it go: by which way it is called."""
        if planned.operation is None or planned.refused or planned.broken:
            return planned
        way = await self._calls.choose(
            planned.operation,
            action.params,
            lane,
            self._stopping,
            lambda: self._hindrance(action, planned) is not None,
        )
        return replace(planned, way=way)

    async def _may_start(self, message: ActionMessage, planned: Planned) -> bool:
        """Whether it may be claimed now. If not it goes back to the scheduler, and nothing is
        counted."""
        hindrance = self._hindrance(message.action, planned)
        if hindrance is None:
            return True
        due_in, reason = hindrance
        await self._journal.put_back(message, due_in=due_in, reason=reason)
        return False

    def _hindrance(self, action: Action, planned: Planned) -> tuple[timedelta, str] | None:
        """Why it may not be called now, and for how long. Half-open, the first that asks becomes
        the probe."""
        rest = self._breaker.rest_left(action.operation)
        if rest > timedelta(0):
            return rest, "its operation rests (403)"
        if self._pauses.provider(action.provider) or self._pauses.rule(action.rule):
            what = "provider" if self._pauses.provider(action.provider) else "rule"
            return self._settings.paused_look, f"its {what} is paused"
        if planned.refused or planned.broken or self._breaker.admits(action.id):
            return None
        pause = max(self._breaker.pause_left, self._settings.breaker_pause)
        return pause, "the provider is not called now"

    def _lease(self, planned: Planned) -> timedelta:
        calls = self._calls.most_in_a_row(planned.operation) if planned.operation else 1
        return self._provider.timeout * calls + self._settings.lease_margin

    async def _run(
        self, action: Action, planned: Planned, grant: Granted, lease: Lease, place: Place
    ) -> Finish:
        """From the grant to the recorded outcome."""
        operation = planned.operation
        if planned.broken or operation is None:
            finish = _ended(action, grant, State.PARKED, planned.broken)
        elif planned.refused:
            finish = _ended(action, grant, State.SKIPPED, planned.refused)
        else:
            held = Held(
                action=action,
                grant=grant,
                operation=operation,
                provider=self._provider,
                way=planned.way,
                refusal_pause=self._settings.refusal_pause,
                chance=random.random(),  # noqa: S311 - jitter, not a secret
            )
            finish = await self._carry_out(held, planned.order, lease)
        place.leave()
        await record_outcome(self._journal, finish, self._settings, self._clock, self._metrics)
        self._account.finished(action, finish, operation)
        return finish

    async def _carry_out(self, held: Held, order: Order, lease: Lease) -> Finish:
        started_at, started = self._clock.now(), self._clock.monotonic()
        try:
            return await self._follow(held, order, lease, started_at)
        except CallDropped:
            reason = "its lease was too short for the call"
            return delivery.not_called(held, reason, due_in=timedelta(0))
        except NoWay as error:
            return delivery.not_called(held, str(error), due_in=LOOK_EVERY)
        except JournalUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose or repeat it
            self._account.broken(held.action, error)
            return delivery.unproven(
                held,
                f"an error of Postern's own ({type(error).__name__}), perhaps after the call",
                started_at=started_at,
                took=self._since(started),
            )

    async def _follow(self, held: Held, order: Order, lease: Lease, started_at: datetime) -> Finish:
        params = held.action.params if held.grant.remaining is None else held.grant.remaining
        if held.grant.keep is not None:
            params = held.operation.reduce(
                params, kept_by_entity(order, held.grant.keep), self._provider
            )
        if held.grant.keep is not None and held.grant.remaining is not None:
            effect = held.operation.effect(params, self._provider)
            if not effect.targets:
                reason = "newer events have set what was left of it"
                return _ended(held.action, held.grant, State.DONE, reason)
        identity = Identity(
            request_id=request_id(held.action.id, held.grant.generation),
            tag=text_tag(held.action.id, held.grant.generation),
            called_at=held.grant.called_at or started_at,
            urgent=held.action.lane is Lane.URGENT,
        )
        match delivery.course(held):
            case Stop(finish=finish):
                return finish
            case FindOut():
                finish_or_none = await self._find_out(held, params, identity, lease, started_at)
                if finish_or_none is not None:
                    return finish_or_none
            case Call():
                pass
        return await self._call(held, params, identity, lease)

    async def _find_out(
        self, held: Held, params: Params, identity: Identity, lease: Lease, started_at: datetime
    ) -> Finish | None:
        """What the lookup leads to; None: it is provably not there, and may be called."""
        lookup = held.operation.lookup
        assert lookup is not None  # noqa: S101 - `course` asks for it only then
        started = self._clock.monotonic()

        async def ask(request: Request) -> Answer:
            return await self._calls.ask(request, lease)

        if (refused := await self._calls.ready(lease)) is not None:
            self._tell_breaker(held.action, refused)
            return delivery.lookup_failed(
                self._charged(held),
                refused.reason,
                started_at=started_at,
                took=self._since(started),
            )
        looked = Looked(operation=held.operation, lookup=lookup, provider=self._provider)
        finds = await self._reconciler.find(held.action, params, identity, held=looked, ask=ask)
        took = self._since(started)
        match finds:
            case Absent():
                if delivery.is_expired(held):
                    return _ended(held.action, held.grant, State.EXPIRED, "its time had passed")
                return None
            case Found():
                self._breaker.succeeded(held.action.id)
                return delivery.found(held, finds.reference, started_at=started_at, took=took)
            case Unproven():
                return delivery.unproven(held, finds.reason, started_at=started_at, took=took)
            case Failed():
                self._breaker.failed(held.action.id)
                self._calls.doubt_token()
                return delivery.lookup_failed(
                    self._charged(held), finds.reason, started_at=started_at, took=took
                )

    async def _call(self, held: Held, params: Params, identity: Identity, lease: Lease) -> Finish:
        started_at, started = self._clock.now(), self._clock.monotonic()
        if held.way is not None and held.operation.rotation is not None:
            params = held.operation.rotation.through(params, held.way)
        # In company only the first time: what failed in company is told apart by going alone.
        in_company = (
            held.action.lane is Lane.BULK and not held.grant.attempts and not held.grant.unknown
        )
        gauge = self._metrics.calls.labels(self.provider_name, held.action.lane.value)
        counts = True
        with gauge.track_inprogress():
            try:
                made = await self._calls.make(
                    held.operation,
                    Item(params=params, identity=identity),
                    lease,
                    in_company=in_company,
                    attempt=held.grant.attempts + 1,
                )
                outcome, counts = made.outcome, made.counts
            except NotSent as error:
                outcome = Outcome(kind=OutcomeKind.TEMPORARY, reason=str(error))
            except MaybeSent as error:
                outcome = Outcome(kind=OutcomeKind.UNKNOWN, reason=str(error))
        took = self._since(started)
        return self._settle(held, outcome, started_at, took, counts=counts)

    def _settle(
        self,
        held: Held,
        outcome: Outcome,
        started_at: datetime,
        took: timedelta,
        *,
        counts: bool = True,
    ) -> Finish:
        """`counts`: it tells of the provider's health (of a shared call, one does for all)."""
        if counts or outcome.kind is OutcomeKind.DONE:
            self._tell_breaker(held.action, outcome)
        self._account.called(held.action, outcome, took)
        return delivery.settle(self._charged(held), outcome, started_at=started_at, took=took)

    def _charged(self, held: Held) -> Held:
        """Looked at after the call: nothing is counted against an action while its provider is
        down, also not the failure that showed it."""
        return replace(held, charge=self._breaker.state is BreakerState.CLOSED)

    def _since(self, started: float) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - started)

    def _tell_breaker(self, action: Action, outcome: Outcome) -> None:
        if outcome.throttled:
            self._breaker.throttled(action.id, outcome.retry_after)
            return
        match outcome.kind:
            case OutcomeKind.DONE | OutcomeKind.REFUSED:
                # What was understood and refused shows that the provider is up.
                self._breaker.succeeded(action.id)
            case OutcomeKind.TEMPORARY | OutcomeKind.UNKNOWN:
                self._breaker.failed(action.id)
            case OutcomeKind.UNAUTHORIZED:
                self._breaker.refused_us(action.id)
            case OutcomeKind.FORBIDDEN:
                self._breaker.refused_operation(action.id, action.operation)

    async def _park_unreadable(self, body: bytes, lane: Lane, error: MessageError) -> None:
        queue = work_queue(self.provider_name, lane)
        name = await self._journal.park_unreadable(body, queue=queue, reason=str(error))
        self._account.unreadable(queue, name, error)


def _ended(action: Action, grant: Granted, state: State, reason: str | None) -> Finish:
    return Finish(action_id=action.id, seq=grant.seq, state=state, reason=reason)
