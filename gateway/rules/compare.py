"""What a change of the rules does to the identity of actions (`rules check --against OLD`).

An action is recognised by event, rule and step. Where a step's id changes, a repeated event is
carried out once more under the new one; where an id comes to mean another call, the new call is
taken for done. What must not go in: changes that leave identities alone.
"""

from __future__ import annotations

from core.document import Document, validate
from gateway.rules.load import step_names
from gateway.rules.model import RuleModel, StepModel

Steps = dict[str, StepModel]


def compare(old: Document, new: Document) -> list[str]:
    """Readable lines, one for each rule or step id that vanished, appeared or changed its meaning.

    Raises ConfigurationError if either has a rule that cannot be read. A rule that is wholly new
    or gone changes no other's ids; only what a repeat would do is told.
    """
    before, after = _rules(old), _rules(new)
    lines: list[str] = []
    for rule, steps in before.items():
        if rule not in after:
            lines.append(f"rule {rule} is gone: a repeated event no longer plans its steps")
            continue
        lines += _compare_steps(rule, steps, after[rule])
    lines += [
        f"rule {rule} is new: a repeated event is carried out by it as well"
        for rule in after
        if rule not in before
    ]
    return lines


def _compare_steps(rule: str, before: Steps, after: Steps) -> list[str]:
    lines: list[str] = []
    for step, model in before.items():
        new = after.get(step)
        if new is None:
            lines.append(
                f"rule {rule}, step {step} is gone: its actions are not recognised any more"
            )
        elif new.call != model.call:
            lines.append(
                f"rule {rule}, step {step} calls {new.call} instead of {model.call}: "
                "where the old call was made, the new one counts as done"
            )
        elif new.params != model.params and _same(new, before) not in (None, step):
            lines.append(
                f"rule {rule}, step {step} does what {_same(new, before)} did: "
                "give the steps an id of their own, so that their order does not matter"
            )
    lines += [
        f"rule {rule}, step {step} is new: a repeated event is carried out by it as well"
        for step in after
        if step not in before
    ]
    return lines


def _same(step: StepModel, among: Steps) -> str | None:
    """The id under which this very call with these parameters stood before."""
    for name, other in among.items():
        if other.call == step.call and other.params == step.params:
            return name
    return None


def _rules(document: Document) -> dict[str, Steps]:
    section = document.data.get("rules", [])
    if not isinstance(section, list):
        raise document.error("expected a list of rules", ("rules",))
    rules: dict[str, Steps] = {}
    for index in range(len(section)):
        model = validate(RuleModel, document, ("rules", index))
        rules[model.id] = dict(zip(step_names(model), model.do, strict=True))
    return rules
