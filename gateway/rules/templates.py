"""Texts in Liquid, with its limits on. A text that would come out incomplete is not written at all.

Event data is only ever a value here, never template source. Stricter than Liquid elsewhere: a field
that is missing or null fails the text unless a `default` filter catches it, and so does printing a
list or an object. What must not go in: CEL.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, Node, RenderContext
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions import Path as LiquidPath
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import (
    LiquidError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    UndefinedError,
)
from liquid.undefined import UNDEFINED, FalsyStrictUndefined, Undefined

from gateway.rules.facts import Facts, Failure
from gateway.rules.longest import longest
from gateway.rules.scan import ROOTS, Path, written

MAX_TEXT = 64 * 1024
MAX_TURNS = 10_000
MAX_LOCALS = 256 * 1024

_EVENT_KEYS = frozenset({"id", "type", "source", "subject", "time"})
_REFUSED_TAGS = ("include", "render", "echo", "liquid", "tablerow")
_REFUSED_FILTERS = ("safe", "escapejs")


class InvalidTemplate(ValueError):
    """A template that is not taken; the text tells why."""


class _Unwritable(LiquidError):
    """A value that has no text."""

    def __init__(self, problem: str, path: Path = ()) -> None:
        super().__init__(problem, token=None)
        self.problem = problem
        self.path = path


class _Missing(FalsyStrictUndefined):
    """A field that is missing or null: may be tested and defaulted, never printed or computed."""

    __slots__ = ("path",)
    force_liquid_default = True

    def __init__(self, name: str, *, token: Any = None, **more: Any) -> None:
        super().__init__(name, token=token, **more)
        self.path: Path = (name,)

    def __eq__(self, other: object) -> bool:
        return other is None or other is False or isinstance(other, Undefined)

    def __hash__(self) -> int:
        return 0


class _Context(RenderContext):
    def get(self, path: list[object], *, token: Any, default: object = UNDEFINED) -> object:
        found = super().get(path, token=token, default=None)
        if found is not None:
            return found
        if default is not UNDEFINED:
            return default
        missing = _Missing(str(path[0]), token=token)
        missing.path = tuple(part for part in path if isinstance(part, str | int))
        return missing


class _Template(BoundTemplate):
    context_class = _Context


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if isinstance(value, Undefined):
            raise _Unwritable("is missing", getattr(value, "path", ()))
        if value is None:
            raise _Unwritable("a value is missing")
        if isinstance(value, list | dict):
            raise _Unwritable("a list or an object cannot be written; pick a field of it")
        return buffer.write(str(value).lower() if isinstance(value, bool) else str(value))


class _Output(Output):
    node_class = _OutputNode


class _Liquid(Environment):
    template_class = _Template
    loop_iteration_limit = MAX_TURNS
    output_stream_limit = MAX_TEXT
    local_namespace_limit = MAX_LOCALS
    context_depth_limit = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.add_tag(_Output)
        for name in _REFUSED_TAGS:
            self.tags.pop(name, None)
        for name in _REFUSED_FILTERS:
            self.filters.pop(name, None)
        self.add_filter("date", _date)
        for name, function in self.filters.items():
            if name != "default":
                self.filters[name] = _guard(name, function)


def _guard(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that refuses what is missing, where Liquid would count it as empty or zero."""

    @functools.wraps(function)
    def guarded(value: Any, *args: Any, **kwargs: Any) -> Any:
        for argument in (value, *args):
            if isinstance(argument, Undefined):
                raise _Unwritable("is missing", getattr(argument, "path", ()))
        if value is None:
            raise _Unwritable("a value is missing")
        if name == "join" and any(part is None or isinstance(part, list | dict) for part in value):
            raise _Unwritable("a list to join holds what cannot be written")
        # The one filter whose result grows with the product of its inputs.
        grows = name.startswith("replace") and bool(args)
        if grows and len(str(value)) * max(len(str(part)) for part in args) > MAX_TEXT * 64:
            raise _Unwritable("a replacement would get too long")
        return function(value, *args, **kwargs)

    return guarded


def _date(value: Any, pattern: Any) -> str:
    """A time written with strftime, in its own offset. There is no way to the machine's clock."""
    try:
        return datetime.fromisoformat(str(value)).strftime(str(pattern))
    except ValueError:
        raise _Unwritable("date takes a time such as 2026-11-22T10:00:00Z") from None


class Template:
    """A compiled text."""

    def __init__(
        self, template: BoundTemplate, looks_at: tuple[Path, ...], named: set[Path]
    ) -> None:
        self._template = template
        self._parts = _plain_parts(template)
        self.looks_at = looks_at
        """The static beginning of every path that it looks at."""
        self._named = named

    def render(self, facts: Facts) -> str:
        """Raises Failure, nothing else."""
        facts.refuse_long(self.looks_at)
        if self._parts is not None and (text := _joined(self._parts, facts.names)) is not None:
            return text
        try:
            return self._template.render(**facts.names)
        except _Unwritable as error:
            raise Failure(self._told(error)) from None
        except LoopIterationLimitError:
            raise Failure(f"loops take more than {MAX_TURNS} turns") from None
        except (OutputStreamLimitError, LocalNamespaceLimitError):
            raise Failure("the text gets too long") from None
        except UndefinedError:
            raise Failure("a field that a tag needs is missing") from None
        except Exception:  # noqa: BLE001 - filters raise what Python raises, with values in the text
            raise Failure("a tag or filter got a value that it cannot take") from None

    def longest(self) -> str:
        """A stand-in for the longest rendering that can be expected."""
        return longest(self._template)

    def _told(self, error: _Unwritable) -> str:
        if not error.path:
            return error.problem
        # A computed part of a path is event data; only what stands in the template is named.
        name = written(error.path) if error.path in self._named else "a field"
        return f"{name} {error.problem}"


def compile_template(liquid: Environment, source: str) -> Template:
    """Raises InvalidTemplate for what does not parse, unknown filters and unknown names."""
    try:
        template = liquid.from_string(source)
        analysis = template.analyze(include_partials=False)
    except LiquidError as error:
        raise InvalidTemplate(f"not Liquid: {error.message}") from None
    except RecursionError:
        raise InvalidTemplate("not Liquid: nested too deeply") from None
    for name in analysis.filters:
        if name not in liquid.filters:
            raise InvalidTemplate(f"unknown filter {name}")
    named = _segments(analysis.variables)
    looks_at = tuple(_segments(analysis.globals))
    for path in looks_at:
        if path[0] not in ROOTS:
            raise InvalidTemplate(f"unknown name {path[0]}; known here: {', '.join(ROOTS)}")
        if path[0] == "event" and len(path) > 1 and path[1] not in _EVENT_KEYS:
            raise InvalidTemplate(f"event.{path[1]} is not known")
    return Template(template, looks_at, named)


def new_liquid() -> Environment:
    """An environment with the limits on; templates of one configuration share it."""
    return _Liquid(undefined=_Missing, autoescape=False)


_ODD = re.compile("[\r\ud800-\udfff]")
_MOST = MAX_TEXT // 4
"""Characters that always fit into the limit: none takes more than four bytes."""


def _plain_parts(template: BoundTemplate) -> tuple[str | Path, ...] | None:
    """Texts and paths in turn, if the template is nothing else, as most are: Liquid takes ten times
    as long to render one as it takes to join them."""
    parts: list[str | Path] = []
    for node in template.nodes:
        if isinstance(node, ContentNode):
            parts.append(node.text)
        elif (path := _plain_path(node)) is not None:
            parts.append(path)
        else:
            return None
    return tuple(parts)


def _plain_path(node: Node) -> Path | None:
    written_out = node.expression if isinstance(node, _OutputNode) else None
    if not isinstance(written_out, FilteredExpression) or written_out.filters:
        return None
    looked_up = written_out.left
    if not isinstance(looked_up, LiquidPath):
        return None
    path = tuple(part for part in looked_up.path if isinstance(part, str))
    return path if len(path) == len(looked_up.path) else None


def _joined(parts: tuple[str | Path, ...], names: Mapping[str, Any]) -> str | None:
    """None: something is not as simple as that, and Liquid knows what to make of it."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        value: Any = names
        for name in part:
            if not isinstance(value, dict) or name not in value:
                return None
            value = value[name]
        if type(value) is not str and type(value) is not int:
            return None
        texts.append(str(value))
    text = "".join(texts)
    # Liquid makes every kind of line end the same one, and refuses half of a surrogate pair.
    return text if len(text) <= _MOST and not _ODD.search(text) else None


def _segments(variables: Mapping[str, list[Any]]) -> set[Path]:
    """The static beginning of every path that a template names."""
    found: set[Path] = set()
    for uses in variables.values():
        for use in uses:
            path: list[str | int] = []
            for segment in use.segments:
                if not isinstance(segment, str | int):
                    break
                path.append(segment)
            if path:
                found.add(tuple(path))
    return found
