"""What becomes of one action that is to be done again, and when: pure, and the same for the command
line and HTTP.

An action that the rules could not finish is planned anew by the rules in force; every other one
stays as it was planned. What must not go in: the journal (see `work`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.journal.operator import Replayable
from core.messages import Action
from gateway.rules.port import Plan, Planner

RATE = 20.0
"""Actions a second: what a provider hardly notices beside its daily work."""


class Left(StrEnum):
    """Why an action that was chosen is not done again."""

    STILL_FAILS = "still-fails"
    NOT_PLANNED = "not-planned"
    NO_EVENT = "no-event"
    EXPIRED = "expired"
    CHANGED = "changed"
    ERASED = "erased"


MEANING: Mapping[Left, str] = {
    Left.STILL_FAILS: "the rules in force still fail on its event",
    Left.NOT_PLANNED: "the rules in force do not plan it any more",
    Left.NO_EVENT: "its rule had failed, and its event is not in the journal",
    Left.EXPIRED: "its time has passed (`expires` of its step, or `journal.keep`)",
    Left.CHANGED: "somebody else changed it meanwhile",
    Left.ERASED: "it was about a person who was erased",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Not done again. `detail`: the rule, the field and the problem, where the rules still fail."""

    left: Left
    detail: str | None = None


def needs_plan(item: Replayable) -> bool:
    return item.action.parked is not None and item.event is not None and not item.event.erased


def plan_of(item: Replayable, planner: Planner) -> Plan | None:
    """What the rules in force make of its event; None: that does not matter, or is not known."""
    if item.event is None or not needs_plan(item):
        return None
    return planner.plan(item.event)


def decide(item: Replayable, plan: Plan | None, now: datetime) -> Action | Refused:
    """The action as it is to be carried out, or why it is not."""
    action = item.action
    if action.erased or (item.event is not None and item.event.erased):
        return Refused(left=Left.ERASED)
    if action.parked is not None:
        if plan is None:
            return Refused(left=Left.NO_EVENT)
        found = next((planned for planned in plan.actions if planned.id == action.id), None)
        if found is None:
            return Refused(left=Left.NOT_PLANNED)
        if found.parked is not None:
            return Refused(left=Left.STILL_FAILS, detail=found.parked)
        # What is done later on belongs to the trace that it began in.
        action = replace(found, trace=action.trace)
    if action.expires_at is not None and action.expires_at <= now:
        return Refused(left=Left.EXPIRED)
    return action


@dataclass(slots=True, kw_only=True)
class Pace:
    """Hands out due times, one after another at `rate` a second. `begins`: when the first is due,
    on the monotonic clock."""

    rate: float
    begins: float
    taken: int = 0

    def due_in(self, now: float) -> timedelta:
        due = self.begins + self.taken / self.rate
        self.taken += 1
        return timedelta(seconds=max(0.0, due - now))

    def lasts(self, now: float) -> timedelta:
        """How long until the last one handed out is due."""
        last = self.begins + max(0, self.taken - 1) / self.rate
        return timedelta(seconds=max(0.0, last - now) if self.taken else 0.0)
