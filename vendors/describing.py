"""What an operation or a provider takes, for people: names, types and meanings, from the models.

The one place that turns a model into words, so that the command line, the pages and the collections
say the same. What must not go in: how any of them looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from core.configuration import SecretRef
from vendors.operation import Operation

JsonSchema = dict[str, Any]

_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "null",
    "duration": "duration",
}
_PLURAL = {"whole number": "whole numbers", "duration": "durations", "mapping": "mappings"}
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
MAX_CHOICES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter or setting. `default` is None where there is none, or it is only left out."""

    name: str
    type: str
    required: bool
    default: str | None
    meaning: str


def parameters(model: type[BaseModel]) -> Iterator[Parameter]:
    """In the order in which the model names them."""
    schema = model.model_json_schema(by_alias=True)
    shapes = schema.get("properties", {})
    known = schema.get("$defs", {})
    for name, field in model.model_fields.items():
        written = field.alias or name
        shape = shapes.get(written, {})
        default = field.get_default()
        has_default = not field.is_required() and default not in (None, PydanticUndefined, ())
        yield Parameter(
            name=written,
            type=words(shape, known),
            required=field.is_required(),
            default=_default(default, shape.get("default", default)) if has_default else None,
            meaning=field.description or "",
        )


def words(shape: JsonSchema, known: dict[str, JsonSchema]) -> str:
    """A JSON schema in words: `text`, `list of whole numbers`, `a, b or c`."""
    shape = _resolved(shape, known)
    if shape.get("title") == SecretRef.__name__:
        return "{env: NAME} or {file: PATH}"
    if "const" in shape or "enum" in shape:
        return _choice(shape.get("enum", [shape.get("const")]))
    if options := shape.get("anyOf") or shape.get("oneOf"):
        return " or ".join(
            dict.fromkeys(words(each, known) for each in options if each.get("type") != "null")
        )
    return _plain_words(shape, known)


def _plain_words(shape: JsonSchema, known: dict[str, JsonSchema]) -> str:
    kind = shape.get("type")
    if kind == "array":
        return f"list of {_PLURAL.get(inner := words(shape.get('items', {}), known), inner)}"
    if kind == "object" and shape.get("properties"):
        return "{" + ", ".join(shape["properties"]) + "}"
    kind = shape.get("format") if shape.get("format") in _WORDS else kind
    return _WORDS.get(kind, "any value") if isinstance(kind, str) else "any value"


def takes_text(model: type[BaseModel], name: str) -> bool:
    """Whether a parameter may be plain text, so that `1` may mean a word."""
    schema = model.model_json_schema(by_alias=True)
    shape = schema.get("properties", {}).get(name, {})
    return "string" in _kinds(shape, schema.get("$defs", {}))


def safety(operation: Operation) -> str:
    """What happens when the outcome of a call is unknown, in one line."""
    if operation.repeatable:
        return "repeated: it sets a state or only reads"
    if operation.lookup is not None:
        return "looked up at the provider first, and called again only if it is provably not there"
    if operation.window is not None:
        hours = round(operation.window.total_seconds() / 3600)
        return f"repeated under the same Request-ID for {hours} hours, then parked"
    return "parked: it can neither be repeated nor looked up"


def _resolved(shape: JsonSchema, known: dict[str, JsonSchema]) -> JsonSchema:
    return known.get(shape["$ref"].rpartition("/")[2], {}) if "$ref" in shape else shape


def _choice(values: list[Any]) -> str:
    shown = [_value(value) for value in values[:MAX_CHOICES]]
    if len(values) > MAX_CHOICES:
        return ", ".join(shown) + ", ..."
    return ", ".join(shown[:-1]) + f" or {shown[-1]}" if len(shown) > 1 else "".join(shown)


def _kinds(shape: JsonSchema, known: dict[str, JsonSchema]) -> set[str]:
    shape = _resolved(shape, known)
    found = {kind for kind in (shape.get("type"),) if isinstance(kind, str)}
    found |= {"string" for value in shape.get("enum", []) if isinstance(value, str)}
    for option in (*shape.get("anyOf", ()), *shape.get("oneOf", ())):
        found |= _kinds(option, known)
    return found


def _default(value: Any, written: Any) -> str:
    """As it would be written in a configuration."""
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, tuple) and all(isinstance(each, timedelta) for each in value):
        return "[" + ", ".join(_duration(each) for each in value) + "]"
    return _value(written)


def _duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{round(seconds * 1000)}ms"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
