"""The `with:` of a step: constants, `${...}` in CEL, texts in Liquid, and maps and lists of them.

A string that is exactly one `${...}` keeps the type of its result; `${a}-${b}` in a longer string
becomes text. A text with both `${...}` and `{{ }}` is refused: which goes first would be unclear.
What must not go in: what a provider makes of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from gateway.rules.cel import Engine, Expression, InvalidExpression
from gateway.rules.facts import Facts, Failure
from gateway.rules.longest import unknown_field
from gateway.rules.scan import closing_brace
from gateway.rules.templates import InvalidTemplate, Template

TemplateCompiler = Callable[[str], Template]


class InvalidValue(ValueError):
    """A value in `with:` that is not taken. `path` leads to it."""

    def __init__(self, problem: str, path: tuple[str | int, ...]) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path


class FailedValue(Exception):
    """A value could not be made for an event. `field` names it below `with`."""

    def __init__(self, problem: str, field: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.field = field


class Value(Protocol):
    def make(self, facts: Facts) -> Any:
        """JSON. Raises Failure or FailedValue."""
        ...

    def longest(self) -> Any:
        """The same with stand-ins for what only an event brings, as long as can be expected."""
        ...


class Constant:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def make(self, facts: Facts) -> Any:  # noqa: ARG002 - a constant looks at nothing
        return self.value

    def longest(self) -> Any:
        return self.value


class Pick:
    """One `${...}` alone: the result with its type."""

    __slots__ = ("_expression", "_path")

    def __init__(self, expression: Expression) -> None:
        self._expression = expression
        # A bare path needs no engine, and gets whole what the engine would cut (see `facts`).
        self._path = expression.path

    def make(self, facts: Facts) -> Any:
        if self._path is None:
            return self._expression.evaluate(facts)
        facts.refuse_long((self._path,))
        return facts.look_up(self._path)

    def longest(self) -> str:
        return unknown_field()


class Join:
    """Text with `${...}` in it."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[str | Pick]) -> None:
        self._parts = parts

    def make(self, facts: Facts) -> str:
        return "".join(
            part if isinstance(part, str) else _as_text(part.make(facts)) for part in self._parts
        )

    def longest(self) -> str:
        return "".join(part if isinstance(part, str) else part.longest() for part in self._parts)


class Text:
    __slots__ = ("_template",)

    def __init__(self, template: Template) -> None:
        self._template = template

    def make(self, facts: Facts) -> str:
        return self._template.render(facts)

    def longest(self) -> str:
        return self._template.longest()


class Entries:
    """A map of values; tells which of them failed."""

    __slots__ = ("_entries",)

    def __init__(self, entries: dict[str, Value]) -> None:
        self._entries = entries

    def make(self, facts: Facts) -> dict[str, Any]:
        return {key: _make(value, facts, key) for key, value in self._entries.items()}

    def longest(self) -> dict[str, Any]:
        return {key: value.longest() for key, value in self._entries.items()}


class Items:
    """A list of values; tells which of them failed."""

    __slots__ = ("_items",)

    def __init__(self, items: list[Value]) -> None:
        self._items = items

    def make(self, facts: Facts) -> list[Any]:
        return [_make(value, facts, f"[{index}]") for index, value in enumerate(self._items)]

    def longest(self) -> list[Any]:
        return [value.longest() for value in self._items]


def compile_value(
    raw: Any, engine: Engine, template: TemplateCompiler, path: tuple[str | int, ...] = ()
) -> Value:
    """A value of the configuration; without anything to compute a Constant. Raises InvalidValue."""
    if isinstance(raw, str):
        return _compile_text(raw, engine, template, path)
    if isinstance(raw, dict):
        entries = {
            key: compile_value(inner, engine, template, (*path, key)) for key, inner in raw.items()
        }
        return Constant(raw) if _all_constant(entries.values()) else Entries(entries)
    if isinstance(raw, list):
        items = [compile_value(inner, engine, template, (*path, i)) for i, inner in enumerate(raw)]
        return Constant(raw) if _all_constant(items) else Items(items)
    return Constant(raw)


def _all_constant(values: Any) -> bool:
    return all(isinstance(value, Constant) for value in values)


def _compile_text(
    raw: str, engine: Engine, template: TemplateCompiler, path: tuple[str | int, ...]
) -> Value:
    try:
        parts = list(_parts(raw, engine)) if "${" in raw else []
        constant = "".join(part for part in parts if isinstance(part, str)) if parts else raw
        liquid = "{{" in constant or "{%" in constant
        if parts and liquid:
            raise InvalidExpression("${...} and {{ }} in one text are not taken; use one of them")
        if parts:
            return parts[0] if len(parts) == 1 and isinstance(parts[0], Pick) else Join(parts)
        return Text(template(raw)) if liquid else Constant(raw)
    except (InvalidExpression, InvalidTemplate) as error:
        raise InvalidValue(str(error), path) from None


def _parts(raw: str, engine: Engine) -> Iterator[str | Pick]:
    end = 0
    while (start := raw.find("${", end)) >= 0:
        if start > end:
            yield raw[end:start]
        close = closing_brace(raw, start + 2)
        if close is None:
            raise InvalidExpression("a ${ without its }")
        source = raw[start + 2 : close].strip()
        if not source:
            raise InvalidExpression("a ${} with nothing in it")
        if raw.startswith("{{", start + 1):
            raise InvalidExpression(
                "${{ is unclear: write {{ '$' }}{{ ... }}, or ${ {...} } for a map"
            )
        yield Pick(engine.compile(source))
        end = close + 1
    if end < len(raw):
        yield raw[end:]


def _make(value: Value, facts: Facts, key: str) -> Any:
    try:
        return value.make(facts)
    except Failure as failure:
        raise FailedValue(failure.problem, key) from None
    except FailedValue as failure:
        joint = "" if failure.field.startswith("[") else "."
        raise FailedValue(failure.problem, f"{key}{joint}{failure.field}") from None


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise Failure("a part of this text is null, a list or a map")
