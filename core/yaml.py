"""YAML 1.2 to plain data and the line of every key and item. Anything ambiguous is refused.

Built on the events of `ruamel.yaml`, so that what its constructors would silently resolve (anchors,
tags, merge keys, duplicate keys) never gets that far. What must not go in: what the data means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from core.errors import ConfigurationError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64

YamlPath = tuple[str | int, ...]
Where = tuple[str, int]

_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_AMBIGUOUS = re.compile(
    r"\+[0-9][0-9.eE+-]*|-?0[0-9]+(\.[0-9]*)?|0[xob][0-9a-fA-F_]+|[-+]?\.[0-9]+|[0-9]+\."
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def dotted(path: YamlPath) -> str:
    """`("rules", 0, "do")` as people write it: `rules[0].do`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_yaml(file: Path) -> tuple[Any, dict[YamlPath, Where]]:
    """The one document of a file and where each path was written. Raises ConfigurationError."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        problem = f"this file cannot be read ({type(error).__name__})"
        raise ConfigurationError(problem, file=str(file)) from error
    if len(raw) > MAX_BYTES:
        raise ConfigurationError("this file is larger than 1 MiB", file=str(file))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError("this is not UTF-8", file=str(file), line=line) from error
    return _Reader(str(file), text).read()


class _Reader:
    """Walks the parser's events once. The path of what is being read is handed down."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._places: dict[YamlPath, Where] = {(): (file, 1)}
        self._events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)

    def read(self) -> tuple[Any, dict[YamlPath, Where]]:
        event = self._next(())
        while isinstance(event, StreamStartEvent):
            event = self._next(())
        if isinstance(event, StreamEndEvent):
            raise ConfigurationError("this file is empty", file=self._file)
        if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
            raise self._error("only YAML 1.2 is read", event, ())
        value = self._value(self._next(()), ())
        event = self._next(())
        while isinstance(event, DocumentEndEvent):
            event = self._next(())
        if not isinstance(event, StreamEndEvent):
            raise self._error("expected one document, found a second", event, ())
        return value, self._places

    def _next(self, path: YamlPath) -> Event:
        try:
            return next(self._events)
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            raise ConfigurationError(
                f"not YAML: {getattr(error, 'problem', None) or 'a character that is not allowed'}",
                file=self._file,
                line=mark.line + 1 if mark is not None else None,
                field=dotted(path) or None,
            ) from None

    def _value(self, event: Event, path: YamlPath) -> Any:
        if len(path) > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH} levels", event, path)
        self._refuse_magic(event, path)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        raise self._error("expected a value", event, path)

    def _mapping(self, path: YamlPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := self._next(path), MappingEndEvent):
            self._refuse_magic(event, path)
            key = self._scalar(event, path) if isinstance(event, ScalarEvent) else None
            if not isinstance(key, str):
                raise self._error("keys must be text", event, path)
            if key == "<<":
                raise self._error("merge keys are not taken; write it out", event, (*path, key))
            if key in result:
                first = self._places[*path, key][1]
                problem = f"this key stands in line {first} already"
                raise self._error(problem, event, (*path, key))
            self._places[*path, key] = (self._file, event.start_mark.line + 1)
            result[key] = self._value(self._next((*path, key)), (*path, key))
        return result

    def _sequence(self, path: YamlPath) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := self._next(path), SequenceEndEvent):
            own = (*path, len(result))
            self._places[own] = (self._file, event.start_mark.line + 1)
            result.append(self._value(event, own))
        return result

    def _scalar(self, event: ScalarEvent, path: YamlPath) -> Any:
        text = str(event.value)
        if event.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _AMBIGUOUS.fullmatch(text):
            # A phone number or a postcode: as a number it would lose its first characters.
            raise self._error("write this in quotes, or as a plain decimal number", event, path)
        if _INT.fullmatch(text):
            number = int(text) if len(text) < 20 else 2**63
            if not -(2**63) <= number < 2**63:
                raise self._error("this number is too big; quotes make it text", event, path)
            return number
        if _FLOAT.fullmatch(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                raise self._error("this number is too big; quotes make it text", event, path)
            return value
        return text

    def _refuse_magic(self, event: Event, path: YamlPath) -> None:
        if isinstance(event, AliasEvent):
            raise self._error("aliases (*name) are not taken; write it out", event, path)
        if isinstance(event, NodeEvent) and event.anchor is not None:
            raise self._error("anchors (&name) are not taken; write it out", event, path)
        if getattr(event, "tag", None) is not None:
            raise self._error("tags (!name) are not taken", event, path)

    def _error(self, problem: str, event: Event, path: YamlPath) -> ConfigurationError:
        return ConfigurationError(
            problem,
            file=self._file,
            line=event.start_mark.line + 1,
            field=dotted(path) or None,
        )
