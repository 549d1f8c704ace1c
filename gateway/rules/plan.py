"""The rules, compiled, and what they make of an event. Pure: no I/O, no clock, no state.

A rule that fails on an event becomes parked actions; nothing here raises for an event. What must
not go in: reading the configuration (see `load`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.identity import action_id
from core.messages import Action, Event, JsonObject, Lane, RuleDecision
from core.record import record
from gateway.events.types import TypeGlobs
from gateway.rules.conditions import Condition
from gateway.rules.facts import Facts, Failure, facts_of
from gateway.rules.port import Plan
from gateway.rules.values import FailedValue, Value
from vendors.operation import Operation, TextFacts
from vendors.provider import Provider
from vendors.wire import InvalidParams

NO_RULE_MATCHED = "no rule matched this event"
NO_TIME = "the event has no time: its order is the order of arrival"
_NO_FACTS = Facts(names={}, bindings={}, inspected={})
"""Of an event that no rule asks about."""
_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, compiled. `params` makes a JSON object; if that is `constant`, the same for every
    event, it is prepared already."""

    id: str
    provider_name: str
    provider: Provider
    operation: Operation
    params: Value
    constant: bool
    lane: Lane
    expires: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, compiled. `condition` None: always."""

    id: str
    on: TypeGlobs
    condition: Condition | None
    steps: tuple[Step, ...]


@record
class _Prepared:
    params: JsonObject
    recipient: str | None = None
    parked: str | None = None
    texts: tuple[TextFacts, ...] = ()
    note: str | None = None


class Rules:
    """Implements `gateway.rules.port.Planner`."""

    def __init__(self, rules: Sequence[Rule], *, version: str, keep: timedelta) -> None:
        self.rules = tuple(rules)
        self._version = version
        self._keep = keep
        self._exact: dict[str, tuple[Rule, ...]] = {}
        for name in {name for rule in self.rules for name in rule.on.exact}:
            self._exact[name] = tuple(rule for rule in self.rules if rule.on.match(name))
        self._open = tuple(rule for rule in self.rules if rule.on.open)

    @property
    def version(self) -> str:
        return self._version

    def plan(self, event: Event) -> Plan:
        rules = self._rules_on(event.type)
        decision: list[RuleDecision] = []
        actions: list[Action] = []
        notes: list[str] = []
        texts: dict[str, tuple[TextFacts, ...]] = {}
        facts = _NO_FACTS if not rules else facts_of(event)
        for rule in rules:
            made, prepared = _decide(rule, facts)
            decision.append(made)
            for step, result in zip(rule.steps, prepared, strict=False):
                action = self._action(event, rule, step, result, len(actions))
                actions.append(action)
                if result.texts:
                    texts[action.id] = result.texts
                if result.note is not None and result.note not in notes:
                    notes.append(result.note)
        if not any(part.matched or part.error for part in decision):
            notes.append(NO_RULE_MATCHED)
        if event.time is None:
            notes.append(NO_TIME)
        return Plan(
            rules_version=self._version,
            decision=tuple(decision),
            actions=tuple(actions),
            notes=tuple(notes),
            texts=texts,
        )

    def _rules_on(self, event_type: str) -> Sequence[Rule]:
        """The rules on a type, in the order of the file."""
        exact = self._exact.get(event_type)
        if exact is not None:
            return exact
        return [rule for rule in self._open if rule.on.match(event_type)]

    def _action(
        self, event: Event, rule: Rule, step: Step, prepared: _Prepared, position: int
    ) -> Action:
        lasts = self._keep if step.expires is None else min(step.expires, self._keep)
        return Action(
            id=action_id(event.source, event.id, rule.id, step.id),
            ref=event.ref,
            source=event.source,
            event_id=event.id,
            event_type=event.type,
            rule=rule.id,
            step=step.id,
            position=position,
            provider=step.provider_name,
            operation=step.operation.name,
            lane=step.lane,
            params=prepared.params,
            occurred_at=event.occurred_at,
            accepted_at=event.received_at,
            # Never later than a repeat of the event could still be recognised.
            expires_at=_later(event.occurred_at, lasts),
            recipient=prepared.recipient,
            parked=prepared.parked,
        )


def _decide(rule: Rule, facts: Facts) -> tuple[RuleDecision, Sequence[_Prepared]]:
    """What one rule makes of an event: its decision, and unless it is false a result per step."""
    matched = False
    try:
        refusal = rule.condition.check(facts) if rule.condition is not None else None
        if refusal is not None:
            return RuleDecision(
                rule=rule.id, matched=False, failed=refusal.failed, values=refusal.values
            ), ()
        matched = True
        made = [_make(step, facts) for step in rule.steps]
    except (Failure, FailedValue) as failure:
        field = failure.field if isinstance(failure, FailedValue) else "when"
        error = f"{field}: {failure.problem}"
        parked = _parked({}, f"rule {rule.id}, {error}")
        return RuleDecision(rule=rule.id, matched=matched, error=error), [parked] * len(rule.steps)
    pairs = zip(rule.steps, made, strict=True)
    prepared = [_prepare(rule, step, params) for step, params in pairs]
    return RuleDecision(rule=rule.id, matched=True), prepared


def _make(step: Step, facts: Facts) -> JsonObject:
    """The parameters as the rule says them. Raises FailedValue with the step in its field."""
    try:
        params: Any = step.params.make(facts)
    except FailedValue as failure:
        raise FailedValue(failure.problem, f"step {step.id}, with.{failure.field}") from None
    # A new mapping for each action, also of what is constant.
    return dict(params)


def _prepare(rule: Rule, step: Step, params: JsonObject) -> _Prepared:
    """The parameters as they travel. What the provider's own checks refuse parks this step
    alone."""
    try:
        if not step.constant:
            params = step.operation.prepare(params, step.provider)
        facts = step.operation.facts(params, step.provider)
        return _Prepared(
            params=params,
            recipient=step.operation.recipient(params),
            texts=facts,
            note=_too_long(rule, step, facts),
        )
    except InvalidParams as error:
        problem = f"with.{error.field}: {error.problem}"
    except Exception as error:  # noqa: BLE001 - a vendor's fault must not refuse the event
        problem = f"with: it could not be prepared ({type(error).__name__})"
    return _parked(params, f"rule {rule.id}, step {step.id}, {problem}")


def _parked(params: JsonObject, reason: str) -> _Prepared:
    return _Prepared(params=params, parked=reason, note=f"parked: {reason}")


def _too_long(rule: Rule, step: Step, texts: tuple[TextFacts, ...]) -> str | None:
    """Every segment is paid for: said to whoever sent the event, and nothing is held back."""
    most = step.provider.segments_warned()
    longest = max(texts, key=lambda facts: facts.segments, default=None)
    if most is None or longest is None or longest.segments <= most:
        return None
    return (
        f"rule {rule.id}, step {step.id}: the text takes {longest.segments} segments "
        f"({longest.encoding}), more than {most}"
    )


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return _FOREVER
