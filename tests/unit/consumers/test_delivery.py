"""What follows from an outcome, as a table: every outcome, for calls that may be repeated and for
texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consumers.delivery import Call, FindOut, Held, Stop, course, lookup_failed, settle
from core.configuration import SecretRef
from core.journal.port import Granted
from core.journal.states import State
from tests.samples import NOON, an_action
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.altcraft.subscriptions import SUBSCRIPTIONS
from vendors.operation import Operation
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.wire import Outcome, OutcomeKind

SECOND = timedelta(seconds=1)
SET = ALTCRAFT.operations["subscriptions/set"]
SEND = SMSGATEWAY24.operations["send"]
PROVIDER = AltcraftProvider(
    url="https://example.com",
    token=SecretRef(env="X"),
    retry=(SECOND, 10 * SECOND),
    reconcile_lag=30 * SECOND,
)


def held(operation: Operation, **grant: Any) -> Held:
    charge = grant.pop("charge", True)
    expires_at = grant.pop("expires_at", None)
    values: dict[str, Any] = {"seq": 1, "generation": 0, "attempts": 0, "unknown": False}
    values |= {"called_at": None, "now": NOON} | grant
    return Held(
        action=an_action(expires_at=expires_at),
        grant=Granted(**values),
        operation=operation,
        provider=PROVIDER,
        refusal_pause=60 * SECOND,
        charge=charge,
    )


def after(case: Held, kind: OutcomeKind, **outcome: Any) -> Any:
    return settle(case, Outcome(kind=kind, reason="why", **outcome), started_at=NOON, took=SECOND)


def test_done_ends_with_the_reference() -> None:
    finish = after(held(SEND), OutcomeKind.DONE, reference="77")
    assert (finish.state, finish.reference, finish.unknown) == (State.DONE, "77", False)


@pytest.mark.parametrize("operation", [SET, SEND])
def test_a_refusal_waits_for_a_person(operation: Operation) -> None:
    finish = after(held(operation), OutcomeKind.REFUSED)
    assert (finish.state, finish.reason) == (State.PARKED, "why")


def test_a_temporary_failure_waits_as_the_list_says_and_is_charged() -> None:
    first = after(held(SEND), OutcomeKind.TEMPORARY)
    second = after(held(SEND, attempts=1), OutcomeKind.TEMPORARY)
    assert (first.state, first.due_in, first.charged) == (State.WAITING, SECOND, True)
    assert second.due_in == 10 * SECOND


def test_when_the_list_is_used_up_it_is_parked() -> None:
    finish = after(held(SEND, attempts=2), OutcomeKind.TEMPORARY)
    assert finish.state is State.PARKED
    assert "used up" in finish.reason


def test_while_the_provider_is_down_nothing_is_charged_and_nothing_used_up() -> None:
    finish = after(held(SEND, attempts=2, charge=False), OutcomeKind.TEMPORARY)
    assert (finish.state, finish.charged) == (State.WAITING, False)


@pytest.mark.parametrize("operation", [SET, SEND])
def test_an_unknown_outcome_waits_for_the_lag_and_holds_the_profile(operation: Operation) -> None:
    finish = after(held(operation), OutcomeKind.UNKNOWN)
    assert (finish.state, finish.unknown) == (State.WAITING, True)
    assert finish.due_in == finish.hold_order == 30 * SECOND


def test_an_unknown_outcome_after_the_last_retry_is_parked_as_unknown() -> None:
    finish = after(held(SEND, attempts=2), OutcomeKind.UNKNOWN)
    assert (finish.state, finish.unknown) == (State.PARKED, True)
    assert finish.hold_order == 30 * SECOND


def test_a_failure_from_memory_renews_only_what_may_be_repeated() -> None:
    assert after(held(SET), OutcomeKind.TEMPORARY, duplicate=True).renew
    assert not after(held(SEND), OutcomeKind.TEMPORARY, duplicate=True).renew
    assert not after(held(SET), OutcomeKind.UNKNOWN, duplicate=True).renew


@pytest.mark.parametrize("kind", [OutcomeKind.UNAUTHORIZED, OutcomeKind.FORBIDDEN])
def test_being_refused_ourselves_costs_the_action_nothing(kind: OutcomeKind) -> None:
    finish = after(held(SEND), kind)
    assert (finish.state, finish.charged, finish.due_in) == (State.WAITING, False, 60 * SECOND)


def test_what_may_be_repeated_is_called_again_and_a_text_is_looked_up_first() -> None:
    assert isinstance(course(held(SET, unknown=True)), Call)
    assert isinstance(course(held(SEND, unknown=True)), FindOut)
    assert isinstance(course(held(SEND)), Call)


def test_what_expired_is_not_called_but_a_text_of_unknown_outcome_is_looked_up() -> None:
    past = NOON - SECOND
    stopped = course(held(SEND, expires_at=past))
    assert isinstance(stopped, Stop)
    assert stopped.finish.state is State.EXPIRED
    assert isinstance(course(held(SEND, expires_at=past, unknown=True)), FindOut)


CLONE = replace(SUBSCRIPTIONS[0], repeatable=False)
"""An operation like `vsenders/clone` without its lookup: not repeatable, recognised by its
Request-ID for a day."""


@pytest.mark.parametrize(("hours", "called"), [(23, True), (25, False)])
def test_a_call_that_is_not_safe_to_repeat_is_parked_once_it_would_not_be_recognised(
    hours: int, called: bool
) -> None:
    """Older than the vendor's 24-hour window, a repeat would be carried out as a new call."""
    case = held(CLONE, unknown=True, called_at=NOON - timedelta(hours=hours))
    decided = course(case)
    if called:
        assert isinstance(decided, Call)
    else:
        assert isinstance(decided, Stop)
        assert (decided.finish.state, decided.finish.unknown) == (State.PARKED, True)


def test_a_call_that_can_neither_be_repeated_nor_looked_up_is_parked_at_once() -> None:
    operation = replace(CLONE, window=None)
    assert after(held(operation), OutcomeKind.UNKNOWN).state is State.PARKED


@pytest.mark.parametrize(
    "kind",
    [
        OutcomeKind.TEMPORARY,
        OutcomeKind.REFUSED,
        OutcomeKind.UNAUTHORIZED,
        OutcomeKind.FORBIDDEN,
    ],
)
def test_what_may_have_happened_stays_unknown_whatever_a_later_call_comes_to(
    kind: OutcomeKind,
) -> None:
    """A 503 after a dropped connection would else let it be called again after the provider has
    forgotten the first call."""
    case = held(CLONE, unknown=True, called_at=NOON - timedelta(hours=1))
    assert after(case, kind).unknown
    assert not after(held(CLONE, unknown=False), kind).unknown


@pytest.mark.parametrize("kind", [OutcomeKind.TEMPORARY, OutcomeKind.REFUSED])
def test_what_was_looked_up_or_may_be_repeated_is_not_unknown_after_a_failure(
    kind: OutcomeKind,
) -> None:
    assert not after(held(SEND, unknown=True), kind).unknown
    assert not after(held(SET, unknown=True), kind).unknown


def test_what_is_left_of_a_call_is_the_next_call_under_a_new_identity() -> None:
    left = {"data": [{"email": "ada@example.com"}]}
    again = after(held(SET), OutcomeKind.TEMPORARY, remaining=left)
    assert (again.state, again.remaining, again.renew) == (State.WAITING, left, True)
    parked = after(held(SET), OutcomeKind.REFUSED, remaining=left)
    assert (parked.state, parked.remaining, parked.renew) == (State.PARKED, left, True)


def test_a_way_on_which_repeats_are_not_recognised_has_no_window() -> None:
    """Through the platform's own broker a repeat would be a second call."""
    by_queue = PROVIDER.model_copy(update={"transport": "amqp"})
    unknown = after(replace(held(CLONE), provider=by_queue), OutcomeKind.UNKNOWN)
    assert (unknown.state, unknown.unknown) == (State.PARKED, True)
    taken_over = held(CLONE, unknown=True, called_at=NOON)
    assert isinstance(course(replace(taken_over, provider=by_queue)), Stop)


def test_a_failed_lookup_is_tried_again_and_stays_unknown() -> None:
    finish = lookup_failed(held(SEND, unknown=True), "HTTP 503", started_at=NOON, took=SECOND)
    assert (finish.state, finish.unknown, finish.charged) == (State.WAITING, True, True)
