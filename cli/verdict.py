"""Whether the demo went as it should: the journal against the samples, the providers against both.

What must not go in: I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cli.samples import SUBSCRIPTION, TEXT, Sample
from core.journal.port import EventReport, Reported
from core.journal.states import State

_CALLS = {SUBSCRIPTION: "subscriptions/set", TEXT: "addsms"}
"""By step, what the simulators call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sample and what the journal says of its event; None: nothing yet."""

    sample: Sample
    ref: str
    report: EventReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something that really happened at a simulated provider."""

    call: str
    reference: str | None


def problems(told: Sequence[Told], effects: Sequence[Effect], *, since: datetime) -> list[str]:
    """What is not as it should be, in words; empty: all is well.

    The simulators know nothing of what was done before `since`, by an earlier demo on this data.
    """
    return [
        *(problem for each in told for problem in _of_sample(each)),
        *_of_effects(_done(told, since), effects),
    ]


def _of_sample(told: Told) -> list[str]:
    name = told.sample.file
    if told.report is None:
        return [f"{name}: the journal does not have it"]
    found = []
    actions = {action.step: action for action in told.report.actions}
    if actions.keys() != told.sample.steps.keys():
        planned = ", ".join(sorted(actions)) or "none"
        found.append(f"{name}: other actions than expected: {planned}")
    for step, (state, attempts) in told.sample.steps.items():
        action = actions.get(step)
        if action is None:
            continue
        if action.state is not state:
            found.append(f"{name}, {step}: {action.state.value}, expected {state.value}")
        elif len(action.attempts) < attempts:
            found.append(f"{name}, {step}: {len(action.attempts)} attempts, expected {attempts}")
    return found


def _done(told: Sequence[Told], since: datetime) -> dict[str, Reported]:
    """Every action that is done, once, however often its event was sent."""
    return {
        action.id: action
        for each in told
        if each.report is not None
        for action in each.report.actions
        if action.state is State.DONE and action.created_at >= since
    }


def _of_effects(done: dict[str, Reported], effects: Sequence[Effect]) -> list[str]:
    """As many effects as actions that are done, and for texts the very same ones."""
    wanted = Counter(_CALLS.get(action.step, action.step) for action in done.values())
    happened = Counter(effect.call for effect in effects)
    found = [
        f"{call}: {happened[call]} effects at the provider for {wanted[call]} actions done"
        for call in sorted(wanted | happened)
        if wanted[call] != happened[call]
    ]
    texts = {action.reference for action in done.values() if action.step == TEXT}
    sent = {effect.reference for effect in effects if effect.call == _CALLS[TEXT]}
    if texts != sent:
        found.append("the texts at the provider are not those that the journal knows")
    return found
