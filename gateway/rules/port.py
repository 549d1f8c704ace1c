"""What the intake needs of the rules: a plan for an event. The rules themselves stand beside this
file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from core.messages import Action, Event, RuleDecision
from core.record import record
from vendors.operation import TextFacts


@record
class Plan:
    """What the rules made of one event. Actions whose `parked` is set are recorded, not
    published."""

    rules_version: str
    decision: tuple[RuleDecision, ...]
    actions: tuple[Action, ...]
    notes: tuple[str, ...] = ()
    texts: Mapping[str, tuple[TextFacts, ...]] = field(default_factory=dict)
    """What sending each planned text takes, by action id."""


class Planner(Protocol):
    """Rules, compiled. Pure: no I/O, no state that an event could change."""

    @property
    def version(self) -> str: ...

    def plan(self, event: Event) -> Plan:
        """Never raises for an event: a rule that fails becomes parked actions and a decision with
        `error`."""
        ...
