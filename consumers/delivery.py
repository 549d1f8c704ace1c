"""What follows from what happened: plain functions from a grant and an outcome to what is recorded.

This is the middle of the delivery protocol: which outcomes are tried again, which wait for a
person, which hold back a profile. What must not go in: I/O, time and chance (they are handed in).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from consumers.retry import next_pause
from core.journal.port import Attempt, Finish, Granted
from core.journal.states import State
from core.messages import Action
from vendors.operation import Operation
from vendors.provider import Provider, ReportingProvider
from vendors.rotation import Way
from vendors.wire import Outcome, OutcomeKind, Params


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A claimed action with everything that deciding about it takes."""

    action: Action
    grant: Granted
    operation: Operation
    provider: Provider
    refusal_pause: timedelta
    way: Way | None = None
    charge: bool = True
    """False while the provider counts as down: nothing is counted against an action then."""
    chance: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Make the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOut:
    """An earlier call may have taken effect: ask the provider first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """No call; this is what to record."""

    finish: Finish


def course(held: Held) -> Call | FindOut | Stop:
    """How to go on with an action that was just claimed."""
    grant, operation = held.grant, held.operation
    if grant.unknown and not operation.repeatable:
        if operation.lookup is not None:
            return FindOut()
        if not _recognised(held):
            reason = "an earlier call may have taken effect, and the provider cannot tell any more"
            return Stop(finish=_end(held, State.PARKED, reason, unknown=True))
    if is_expired(held):
        return Stop(finish=_end(held, State.EXPIRED, "its time had passed", unknown=grant.unknown))
    return Call()


def is_expired(held: Held) -> bool:
    expires_at = held.action.expires_at
    return expires_at is not None and expires_at <= held.grant.now


def settle(held: Held, outcome: Outcome, *, started_at: datetime, took: timedelta) -> Finish:
    """What to record for an attempt that came to `outcome`."""

    def attempt(name: str) -> Attempt:
        return Attempt(
            started_at=started_at,
            took=took,
            outcome=name,
            reason=outcome.reason,
            duplicate=outcome.duplicate,
        )

    match outcome.kind:
        case OutcomeKind.DONE:
            return _end(
                held,
                State.DONE,
                None,
                attempt=attempt("done"),
                reference=outcome.reference,
                called=True,
                follow_in=_first_question(held) if outcome.reference is not None else None,
            )
        case OutcomeKind.REFUSED:
            return _end(
                held,
                State.PARKED,
                outcome.reason,
                attempt=attempt("refused"),
                called=True,
                unknown=_still_unknown(held),
                remaining=outcome.remaining,
            )
        case OutcomeKind.TEMPORARY:
            return _again(held, outcome, attempt("retry"))
        case OutcomeKind.UNKNOWN:
            return _unknown(held, outcome, attempt("unknown"))
        case OutcomeKind.UNAUTHORIZED | OutcomeKind.FORBIDDEN:
            return Finish(
                action_id=held.action.id,
                seq=held.grant.seq,
                state=State.WAITING,
                reason=outcome.reason,
                due_in=held.refusal_pause,
                attempt=attempt("unauthorized" if _is_401(outcome) else "forbidden"),
                called=True,
                unknown=_still_unknown(held),
            )
    assert_never(outcome.kind)


def not_called(held: Held, reason: str, *, due_in: timedelta) -> Finish:
    """The call was not made after all: it waits, and nothing is counted. What was unknown stays
    so."""
    return Finish(
        action_id=held.action.id,
        seq=held.grant.seq,
        state=State.WAITING,
        reason=reason,
        due_in=due_in,
        unknown=held.grant.unknown,
    )


def found(held: Held, reference: str | None, *, started_at: datetime, took: timedelta) -> Finish:
    """The lookup found the earlier call: it is done, nothing is sent again."""
    attempt = Attempt(
        started_at=started_at, took=took, outcome="done", reason="found at the provider"
    )
    return _end(
        held,
        State.DONE,
        None,
        attempt=attempt,
        reference=reference,
        follow_in=_first_question(held) if reference is not None else None,
    )


def unproven(held: Held, reason: str, *, started_at: datetime, took: timedelta) -> Finish:
    """The lookup found nothing, but has never been seen to find anything: a person has to look."""
    attempt = Attempt(started_at=started_at, took=took, outcome="unknown", reason=reason)
    return _end(held, State.PARKED, reason, attempt=attempt, unknown=True)


def lookup_failed(held: Held, reason: str, *, started_at: datetime, took: timedelta) -> Finish:
    """The lookup itself failed: look again later, as often as the list of pauses has entries."""
    attempt = Attempt(
        started_at=started_at, took=took, outcome="unknown", reason=f"lookup: {reason}"
    )
    pause = _pause(held, None)
    if pause is None:
        return _end(
            held, State.PARKED, f"its lookup keeps failing: {reason}", attempt=attempt, unknown=True
        )
    return _wait(held, attempt, reason, pause, unknown=True)


def _again(held: Held, outcome: Outcome, attempt: Attempt) -> Finish:
    pause = _pause(held, outcome.retry_after)
    if pause is None:
        return _end(
            held,
            State.PARKED,
            f"all retries are used up: {outcome.reason}",
            attempt=attempt,
            called=True,
            unknown=_still_unknown(held),
            remaining=outcome.remaining,
        )
    # A failure answered from the provider's memory would be answered so for ever: a new Request-ID
    # then, and only where sending twice is harmless. What is left of a call is another call: under
    # the old Request-ID the provider would answer it from its memory of the whole.
    renew = (outcome.duplicate and held.operation.repeatable) or outcome.remaining is not None
    return _wait(
        held,
        attempt,
        outcome.reason,
        pause,
        renew=renew,
        called=True,
        unknown=_still_unknown(held),
        remaining=outcome.remaining,
    )


def _still_unknown(held: Held) -> bool:
    """A failure now says nothing of an earlier call that may have taken effect: as long as nobody
    can look, only the provider's memory keeps a repeat from being a second one, and that ends."""
    operation = held.operation
    return held.grant.unknown and not operation.repeatable and operation.lookup is None


def _unknown(held: Held, outcome: Outcome, attempt: Attempt) -> Finish:
    operation, lag = held.operation, held.provider.reconcile_lag
    pause = _pause(held, outcome.retry_after)
    if pause is None:
        reason = f"all retries are used up, the outcome is unknown: {outcome.reason}"
        return _end(held, State.PARKED, reason, attempt=attempt, called=True, unknown=True)
    if not operation.repeatable and operation.lookup is None and _window(held) is None:
        reason = f"it may have taken effect, and the provider cannot be asked: {outcome.reason}"
        return _end(held, State.PARKED, reason, attempt=attempt, called=True, unknown=True)
    # Not before the lag is over: the effect may still become visible (a lookup would miss it), and
    # for a profile it must not land after a newer call.
    return _wait(
        held,
        attempt,
        outcome.reason,
        max(pause, lag),
        called=True,
        unknown=True,
        hold_order=max(pause, lag),
    )


def _pause(held: Held, retry_after: timedelta | None) -> timedelta | None:
    pauses: Sequence[timedelta] = held.provider.retry
    attempts = held.grant.attempts
    if not held.charge:
        # What is not counted never uses the list up.
        pauses = (*pauses, pauses[-1] if pauses else held.refusal_pause)
        attempts = min(attempts, len(pauses) - 1)
    return next_pause(pauses, attempts, retry_after=retry_after, chance=held.chance)


def _wait(
    held: Held,
    attempt: Attempt,
    reason: str,
    due_in: timedelta,
    *,
    called: bool = False,
    unknown: bool = False,
    renew: bool = False,
    hold_order: timedelta | None = None,
    remaining: Params | None = None,
) -> Finish:
    return Finish(
        action_id=held.action.id,
        seq=held.grant.seq,
        state=State.WAITING,
        attempt=attempt,
        reason=reason,
        due_in=due_in,
        charged=held.charge,
        called=called,
        unknown=unknown,
        renew=renew,
        hold_order=hold_order,
        remaining=remaining,
    )


def _end(
    held: Held,
    state: State,
    reason: str | None,
    *,
    attempt: Attempt | None = None,
    reference: str | None = None,
    called: bool = False,
    unknown: bool = False,
    remaining: Params | None = None,
    follow_in: timedelta | None = None,
) -> Finish:
    return Finish(
        action_id=held.action.id,
        seq=held.grant.seq,
        state=state,
        attempt=attempt,
        reason=reason,
        reference=reference,
        charged=attempt is not None,
        called=called,
        unknown=unknown,
        # A profile is kept back even when its action ends here, if its last call may still land.
        hold_order=held.provider.reconcile_lag if unknown else None,
        # A replay of what was done in part does the rest of it, as a call of its own.
        renew=remaining is not None,
        remaining=remaining,
        follow_in=follow_in,
    )


def _first_question(held: Held) -> timedelta | None:
    """When to ask for a receipt, where the provider does not bring it by itself."""
    provider = held.provider
    if held.operation.follow is None or not isinstance(provider, ReportingProvider):
        return None
    return next(iter(provider.questions()), None)


def _is_401(outcome: Outcome) -> bool:
    return outcome.kind is OutcomeKind.UNAUTHORIZED


def _window(held: Held) -> timedelta | None:
    return held.operation.window if held.provider.recognises_repeats() else None


def _recognised(held: Held) -> bool:
    """Whether the provider still recognises the earlier call by its Request-ID."""
    window, called_at = _window(held), held.grant.called_at
    if window is None or called_at is None:
        return False
    return held.grant.now - called_at < window
