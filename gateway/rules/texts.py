"""What the texts of the rules take to send, as far as that is known without an event.

What must not go in: printing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.rules.plan import Rules
from vendors.operation import TextFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class LongestText:
    """The longest that one step's text can be expected to be. `warned_above`: segments."""

    rule: str
    step: str
    facts: TextFacts
    warned_above: int | None

    @property
    def is_long(self) -> bool:
        return self.warned_above is not None and self.facts.segments > self.warned_above


def longest_texts(rules: Rules) -> Iterator[LongestText]:
    """One for each step that sends a text, in the order of the file."""
    for rule in rules.rules:
        for step in rule.steps:
            for facts in step.operation.facts(step.params.longest(), step.provider):
                yield LongestText(
                    rule=rule.id,
                    step=step.id,
                    facts=facts,
                    warned_above=step.provider.segments_warned(),
                )
