"""What expressions may look at, for one event say, and the places where they may not.

The engines have limits that they do not report (a NUL ends a string, a long array takes quadratic
time), so what they must not see is found here, once for each event. What must not go in: an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.clock import to_text
from core.messages import Event
from gateway.rules.scan import Path, written

MAX_ARRAY = 500
"""Longer arrays are not evaluated: rules that look at them fail, and their steps are parked."""

MAX_DEPTH = 100
_INT64 = 2**63


class Failure(Exception):
    """An expression or text could not be evaluated on an event. Names fields, never values."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Facts:
    """The names that expressions know, and their values.

    `names` has them as JSON, `bindings` as an engine takes them; what stands at the paths of
    `inspected` is looked through for what engines cannot take, once, when an engine is asked.
    """

    __slots__ = ("_inspected", "_long", "_odd", "bindings", "bound", "names")

    def __init__(
        self,
        *,
        names: Mapping[str, Any],
        bindings: Mapping[str, Any],
        inspected: Mapping[str, Any],
    ) -> None:
        self.names = names
        self.bindings = bindings
        self.bound: Any = None
        """What an engine made of these facts; made once, when the first expression needs it."""
        self._long: list[Path] = []
        self._odd: dict[Path, str] = {}
        self._inspected: Mapping[str, Any] | None = inspected

    def _inspect_all(self) -> None:
        inspected, self._inspected = self._inspected, None
        for name, value in (inspected or {}).items():
            self._inspect(value, (name,), 0)

    def _inspect(self, value: Any, path: Path, depth: int) -> None:
        kind = type(value)
        if kind is dict or kind is list:
            if depth > MAX_DEPTH:
                self._odd[path] = "is nested too deeply"
            elif kind is dict:
                self._inspect_object(value, path, depth)
            else:
                if len(value) > MAX_ARRAY:
                    self._long.append(path)
                for inner in value:
                    # An array stands for what is in it: its elements have no fixed path.
                    self._inspect(inner, path, depth + 1)
        elif (problem := _oddity(kind, value)) is not None:
            self._odd[path] = problem

    def _inspect_object(self, value: dict[Any, Any], path: Path, depth: int) -> None:
        for key, inner in value.items():
            if type(key) is not str or not _is_plain(key):
                self._odd[path] = "holds a key that cannot be evaluated"
            # Most values are short strings: they are passed without a call.
            elif type(inner) is not str or not inner.isascii() or "\x00" in inner:
                self._inspect(inner, (*path, key), depth + 1)

    def refuse_long(self, looked_at: tuple[Path, ...]) -> None:
        """Raises Failure if an array on the way of these paths is too long."""
        if self._inspected is not None:
            self._inspect_all()
        for path in self._long:
            if any(_meet(path, other) for other in looked_at):
                problem = f"{written(path)} has more than {MAX_ARRAY} elements"
                raise Failure(problem)

    def refuse_odd(self, looked_at: tuple[Path, ...]) -> None:
        """Raises Failure if something on the way of these paths cannot be given to CEL whole."""
        if self._inspected is not None:
            self._inspect_all()
        for path, problem in self._odd.items():
            if any(_meet(path, other) for other in looked_at):
                raise Failure(f"{written(path)} {problem}")

    def look_up(self, path: Path) -> Any:
        """The value at a path, as JSON. Raises Failure naming the first part that is missing."""
        value: Any = self.names
        for index, part in enumerate(path):
            if isinstance(part, str) and isinstance(value, dict):
                if part not in value:
                    raise Failure(f"{written(path[: index + 1])} is missing")
            elif isinstance(part, int) and isinstance(value, list):
                if part >= len(value):
                    raise Failure(f"{written(path[: index + 1])} is missing")
            else:
                kind = "a list" if isinstance(part, int) else "an object"
                raise Failure(f"{written(path[:index])} is not {kind}")
            value = value[part]
        return value


def facts_of(event: Event) -> Facts:
    """What rules know of an event: `data`, `event` and `now`."""
    told: dict[str, Any] = {"id": event.id, "type": event.type, "source": event.source}
    if event.subject is not None:
        told["subject"] = event.subject
    return Facts(
        names={
            "data": event.data,
            "event": {**told, "time": to_text(event.occurred_at)},
            "now": to_text(event.received_at),
        },
        bindings={
            "data": event.data,
            "event": told,
            "event.time": event.occurred_at,
            "now": event.received_at,
        },
        inspected={"data": event.data, "event": told},
    )


def _oddity(kind: type, value: Any) -> str | None:
    """Why an engine cannot be given this scalar whole, or None."""
    if kind is str:
        return None if _is_plain(value) else "holds a character that cannot be evaluated"
    if kind is int:
        return None if -_INT64 <= value < _INT64 else "is a number beyond 64 bits"
    known = kind is bool or kind is float or value is None
    return None if known else "is of a type that cannot be evaluated"


def _is_plain(text: str) -> bool:
    """Whether it is whole Unicode without a NUL: a lone surrogate cannot be given to an engine or
    be sent."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _meet(one: Path, other: Path) -> bool:
    """Whether one path lies on the way of the other. An index ends it: arrays are taken whole."""
    for a, b in zip(one, other, strict=False):
        if isinstance(a, int) or isinstance(b, int):
            return True
        if a != b:
            return False
    return True
