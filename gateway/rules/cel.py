"""CEL by Google's own engine, behind the two small protocols that the rules need of it.

Errors are told in our words: the engine's may hold values of the event. What must not go in: what a
condition or a parameter is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from cel_expr_python import cel

from core.clock import to_text
from gateway.rules.facts import Facts, Failure
from gateway.rules.scan import Path, calls, plain_path, references, written

_ANNOUNCED = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")
_MISSING_KEY = re.compile(r'Key not found in map : "([^"]*)"')
_TELLING = (
    ("No matching overloads found", "an operator or function does not take values of these types"),
    ("Applying SELECT to non-message type", "a field is looked up in something that is no object"),
    ("Index error", "an index is out of range"),
    ("integer overflow", "a number gets too big"),
    ("unsigned integer overflow", "a number gets too big"),
    ("divide by zero", "a division by zero"),
    ("modulus by zero", "a division by zero"),
    ("invalid regular expression", "a regular expression is not valid"),
    ("cannot convert", "a value cannot be converted"),
    ("Iteration budget exceeded", "loops take too many turns"),
)
_QUADRATIC = frozenset({"map", "filter"})
_EVENT_KEYS = frozenset({"id", "type", "source", "subject", "time"})


class Kind(StrEnum):
    """What is known of an expression's result before there is an event."""

    BOOLEAN = "boolean"
    DYNAMIC = "dynamic"
    OTHER = "other"


class InvalidExpression(ValueError):
    """An expression that is not taken; the text tells why, and at which character."""


class Expression(Protocol):
    """An expression, compiled."""

    @property
    def source(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def looks_at(self) -> tuple[Path, ...]: ...

    @property
    def path(self) -> Path | None:
        """The path that the expression is, if it is nothing else."""
        ...

    def evaluate(self, facts: Facts) -> Any:
        """The result as JSON (times and durations as text). Raises Failure, nothing else."""
        ...


class Engine(Protocol):
    def compile(self, source: str) -> Expression:
        """Raises InvalidExpression."""
        ...


_TEXT = cel.Type.STRING
_OF_AN_EVENT: Mapping[str, cel.Type] = {
    "data": cel.Type.Map(_TEXT, cel.Type.DYN),
    "event": cel.Type.Map(_TEXT, _TEXT),
    # By its full name: a time inside a map is not taken by the engine.
    "event.time": cel.Type.TIMESTAMP,
    "now": cel.Type.TIMESTAMP,
}
OF_A_DELIVERY: Mapping[str, cel.Type] = {
    "body": cel.Type.DYN,
    "headers": cel.Type.Map(_TEXT, _TEXT),
    "now": cel.Type.TIMESTAMP,
}


class CelEngine:
    """The engine with the names of an event's facts declared, or with other ones."""

    def __init__(self, variables: Mapping[str, cel.Type] = _OF_AN_EVENT) -> None:
        self._env = cel.NewEnv(variables=dict(variables))
        self._roots = tuple(name for name in variables if "." not in name)

    def compile(self, source: str) -> Expression:
        for name in calls(source):
            if name in _QUADRATIC:
                raise InvalidExpression(
                    f"{name}() takes quadratic time and is not taken; exists, all and size do"
                )
        try:
            program = self._env.compile(source)
        except (RuntimeError, ValueError, TypeError) as error:
            raise InvalidExpression(_announced(str(error))) from None
        looks_at = references(source, self._roots)
        for path in looks_at:
            if path[0] == "event" and len(path) > 1 and path[1] not in _EVENT_KEYS:
                known = ", ".join(sorted(_EVENT_KEYS))
                raise InvalidExpression(f"{written(path)} is not known; event has {known}")
        return _Compiled(self._env, program, source, looks_at, plain_path(source, self._roots))


class _Compiled:
    def __init__(
        self,
        env: cel.Env,
        program: Any,
        source: str,
        looks_at: tuple[Path, ...],
        path: Path | None,
    ) -> None:
        self._env = env
        self._program = program
        self.source = source
        self.looks_at = looks_at
        self.path = path
        returned = program.return_type()
        self.kind = Kind.OTHER
        if returned == cel.Type.BOOL:
            self.kind = Kind.BOOLEAN
        elif returned == cel.Type.DYN:
            self.kind = Kind.DYNAMIC

    def evaluate(self, facts: Facts) -> Any:
        facts.refuse_long(self.looks_at)
        facts.refuse_odd(self.looks_at)
        try:
            if facts.bound is None:
                facts.bound = self._env.Activation(dict(facts.bindings))
            value = self._program.eval(facts.bound)
            result = value.plain_value()
            failed = type(result) is str and value.type() == cel.Type.ERROR
        except Exception as error:  # noqa: BLE001 - a native engine: whatever it raises is the rule's
            raise Failure(_told(str(error), self.looks_at, facts)) from None
        if failed:
            raise Failure(_told(result, self.looks_at, facts))
        return as_json(result)


def as_json(value: Any) -> Any:
    """A result of the engine as JSON has it. Raises Failure for what JSON has no word for."""
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise Failure("a map whose keys are not text")
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"
    if isinstance(value, int | float) and not -(2**63) <= value < 2**63:
        # Not finite compares false on both sides.
        raise Failure("a number that is not finite or beyond 64 bits")
    if value is not None and not isinstance(value, str | int | float):
        raise Failure("a result that is neither text, number, boolean, list nor map")
    return value


def _announced(message: str) -> str:
    """The engine's own words about the author's text, on one line."""
    if found := _ANNOUNCED.search(message):
        line, column, text = found.groups()
        text = text.removeprefix("Syntax error: ").partition(" expecting {")[0]
        text = text.removesuffix(" (in container '')")
        place = f"character {column}" if line == "1" else f"line {line}, character {column}"
        return f"not CEL at {place}: {text}"
    if "recursion limit" in message:
        return "not CEL: nested too deeply"
    return "not CEL: " + message.partition("\n")[0]


def _told(message: str, looks_at: Iterable[Path], facts: Facts) -> str:
    """Our words for an engine's error. Keys are named only if they stand in the rule itself."""
    wanted = _MISSING_KEY.search(message)
    for path in looks_at:
        try:
            facts.look_up(path)
        except Failure as failure:
            if _is_cause(failure.problem, message, wanted and wanted[1]):
                return failure.problem
    if wanted is not None:
        return "a key is missing"
    for known, told in _TELLING:
        if known in message:
            names = ", ".join(written(path) for path in looks_at)
            return f"{told} ({names})" if names else told
    return "it could not be evaluated"


def _is_cause(problem: str, message: str, wanted: str | None) -> bool:
    """Whether this is what the engine stumbled over: in `has(data.a) && data.b > 1` both may be
    missing, and only one of them is an error."""
    if wanted is not None:
        return problem.endswith((f".{wanted} is missing", f'["{wanted}"] is missing'))
    if "Index error" in message:
        return problem.endswith("] is missing")
    return "SELECT" in message and " is not " in problem
