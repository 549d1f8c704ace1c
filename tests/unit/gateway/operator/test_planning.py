"""What becomes of an action that is to be done again, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.journal.operator import Replayable
from core.journal.states import State
from core.messages import Action, Event
from gateway.operator.planning import Left, Pace, Refused, decide, needs_plan, plan_of
from tests.samples import NOON
from tests.unit.gateway.fakes import FakePlanner, action_of

EVENT = Event(source="shop", id="o-1", type="order.placed", received_at=NOON)
HOUR = timedelta(hours=1)


def an_item(rule: str, *, parked: str | None = None, event: Event | None = EVENT) -> Replayable:
    action = replace(action_of(EVENT, rule, 0), parked=parked)
    return Replayable(action=action, seq=0, state=State.PARKED, unknown=False, event=event)


def decided(item: Replayable, *rules: str) -> Action | Refused:
    return decide(item, plan_of(item, FakePlanner(rules=rules)), NOON)


def test_what_a_rule_had_failed_on_is_done_as_it_is_planned_now() -> None:
    """The same id, wherever it stands in the plan by now."""
    item = an_item("welcome", parked="rule welcome, when: data.x is missing")
    made = decided(item, "first", "welcome")
    assert isinstance(made, Action)
    assert (made.id, made.position, made.parked) == (item.action.id, 1, None)


def test_what_is_planned_anew_stays_in_the_trace_that_it_began_in() -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    item = an_item("welcome", parked="rule welcome, when: data.x is missing")
    made = decided(replace(item, action=replace(item.action, trace=trace)), "welcome")
    assert isinstance(made, Action)
    assert made.trace == trace


@pytest.mark.parametrize(
    ("item", "rules", "left"),
    [
        (an_item("odd", parked="rule odd, with.to: ..."), ("odd",), Left.STILL_FAILS),
        (an_item("gone", parked="rule gone, with.to: ..."), ("welcome",), Left.NOT_PLANNED),
        (an_item("odd", parked="rule odd, with.to: ...", event=None), ("odd",), Left.NO_EVENT),
    ],
)
def test_what_the_rules_cannot_finish_is_left_with_the_reason(
    item: Replayable, rules: tuple[str, ...], left: Left
) -> None:
    made = decided(item, *rules)
    assert isinstance(made, Refused)
    assert made.left is left


def test_what_was_erased_is_left() -> None:
    """Also what its rule had failed on: nothing of its event is left to plan it from."""
    action = replace(action_of(EVENT, "welcome", 0), erased=True)
    items = [
        replace(an_item("welcome"), action=action),
        an_item("welcome", parked="before", event=replace(EVENT, erased=True)),
    ]
    for item in items:
        assert decided(item, "welcome") == Refused(left=Left.ERASED)


def test_why_a_rule_still_fails_is_told() -> None:
    assert decided(an_item("odd", parked="before"), "odd") == Refused(
        left=Left.STILL_FAILS, detail="rule odd, data.x: gone"
    )


def test_what_was_planned_well_is_done_as_it_was_planned_whatever_the_rules_say_now() -> None:
    item = an_item("gone")
    assert not needs_plan(item)
    assert decided(item, "welcome") == item.action


def test_what_a_mended_rule_lets_expire_is_left() -> None:
    item = an_item("welcome", parked="rule welcome, with.to: ...")
    plan = plan_of(item, FakePlanner(rules=("welcome",)))
    assert plan is not None
    over = replace(plan, actions=(replace(plan.actions[0], expires_at=NOON),))
    assert decide(item, over, NOON) == Refused(left=Left.EXPIRED)
    assert isinstance(decide(item, over, NOON - HOUR), Action)


def test_due_times_follow_each_other_at_the_rate_however_long_the_work_takes() -> None:
    pace = Pace(rate=2, begins=100)
    assert [pace.due_in(100).total_seconds() for _ in range(3)] == [0, 0.5, 1]
    # A second later the fourth is due in half a second; one that is late is due at once.
    assert pace.due_in(101).total_seconds() == 0.5
    assert pace.due_in(110).total_seconds() == 0
    assert pace.lasts(100).total_seconds() == 2


def test_a_pace_that_nothing_took_is_over() -> None:
    assert Pace(rate=1, begins=50).lasts(0) == timedelta(0)
