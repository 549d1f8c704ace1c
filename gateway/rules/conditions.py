"""The `when` of a rule: whether it holds for an event, and if not, which part and on which values.

What must not go in: which engine evaluates (see `cel`), or what follows from a condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.rules.cel import Engine, Expression, InvalidExpression, Kind
from gateway.rules.facts import Facts, Failure
from gateway.rules.scan import conjuncts, written

MAX_VALUE = 200
"""Characters of a value that an explanation keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a condition was false: the part as written, and the values it looked at."""

    failed: str
    values: dict[str, Any]


class Condition:
    """A compiled `when`."""

    def __init__(self, whole: Expression, parts: tuple[Expression, ...]) -> None:
        self._whole = whole
        self._parts = parts

    def check(self, facts: Facts) -> Refusal | None:
        """None if the condition holds. Raises Failure if it cannot be evaluated."""
        result = self._whole.evaluate(facts)
        if result is True:
            return None
        if result is not False:
            raise Failure("the condition is neither true nor false")
        part = self._false_part(facts)
        return Refusal(failed=part.source, values=_values(part, facts))

    def _false_part(self, facts: Facts) -> Expression:
        for part in self._parts:
            try:
                if part.evaluate(facts) is False:
                    return part
            except Failure:
                # `false && error` is false in CEL whichever comes first; look on for the false one.
                continue
        return self._whole


def compile_condition(engine: Engine, source: str) -> Condition:
    """Raises InvalidExpression for what does not compile or cannot be a boolean."""
    whole = engine.compile(source)
    if whole.kind is Kind.OTHER:
        raise InvalidExpression("expected a condition, something that is true or false")
    sources = conjuncts(source)
    if len(sources) < 2:
        return Condition(whole, (whole,))
    try:
        return Condition(whole, tuple(engine.compile(part) for part in sources))
    except InvalidExpression:
        return Condition(whole, (whole,))


def _values(part: Expression, facts: Facts) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path in part.looks_at:
        try:
            values[written(path)] = _short(facts.look_up(path))
        except Failure:
            # `has(data.x)` looks at what is not there; the part itself tells that.
            continue
    return values


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_VALUE:
        return value[:MAX_VALUE] + "…"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    return value
