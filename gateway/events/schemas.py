"""What the data of each type of event look like, as JSON Schemas, and whether an event keeps to
its own.

The catalogue stands beside this file, one file a type. Nothing is ever fetched, patterns run in
linear time, and what is told about a refusal comes out of the schema alone. What must not go in:
where files of the user's stand (`own_schemas`), and which source is held to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jsonschema_rs
import orjson
from jsonschema_rs import ValidationError, ValidationErrorKind

from core.errors import InvalidEvent
from core.messages import JsonObject

SUFFIX = ".json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CATALOGUE = "catalogue"
_MOST_CHOICES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One compiled schema. `names` are all names of fields in it: no other may be repeated."""

    type: str
    document: JsonObject
    validator: jsonschema_rs.Validator
    names: frozenset[str]

    @property
    def title(self) -> str:
        return str(self.document.get("title") or "")

    def check(self, data: JsonObject) -> None:
        """Raises InvalidEvent for the first thing in `data` that the schema does not take."""
        try:
            self.validator.validate(data)
        except ValidationError as error:
            raise self._refusal(error) from None
        except ValueError:
            problem = "The field data cannot be held against its schema."
            raise InvalidEvent(problem, field="data", code="schema") from None

    def _refusal(self, error: ValidationError) -> InvalidEvent:
        field = "data" + "".join(map(self._part, error.instance_path))
        match error.kind:
            case ValidationErrorKind.Required(property=name):
                field += self._part(name)
                problem = f"The field {field} is required."
            case (
                ValidationErrorKind.AdditionalProperties(unexpected=[name, *_])
                | ValidationErrorKind.UnevaluatedProperties(unexpected=[name, *_])
            ):
                problem = f"The field {field} holds a field that its schema does not name."
                field += self._part(name)
            case kind:
                problem = f"The field {field}: {_expected(kind)}."
        return InvalidEvent(problem, field=field, code="schema")

    def _part(self, part: str | int) -> str:
        if isinstance(part, int):
            return f"[{part}]"
        return f".{part}" if part in self.names else ".?"


class Schemas:
    """The schemas by the type of event that they describe."""

    def __init__(self, schemas: Iterable[Schema]) -> None:
        self._by_type = {schema.type: schema for schema in schemas}

    def __iter__(self) -> Iterator[Schema]:
        return iter(self._by_type.values())

    def get(self, event_type: str) -> Schema | None:
        return self._by_type.get(event_type)

    def check(self, event_type: str, data: JsonObject) -> None:
        """Raises InvalidEvent naming the field: `schema` for data that a schema does not take,
        `no-schema` for a type that there is none of."""
        schema = self._by_type.get(event_type)
        if schema is None:
            problem = "There is no schema for events of this type."
            raise InvalidEvent(problem, field="type", code="no-schema")
        schema.check(data)


def compile_schema(event_type: str, document: JsonObject) -> Schema:
    """Raises ValueError saying what is wrong; the text repeats the schema, never any event."""
    dialect = document.get("$schema", DIALECT)
    if dialect != DIALECT:
        raise ValueError(f"$schema: expected {DIALECT}")
    for reference in _references(document):
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise ValueError("$ref: expected a part of this file, such as #/$defs/money")
    try:
        validator = jsonschema_rs.Draft202012Validator(
            document,
            validate_formats=True,
            ignore_unknown_formats=False,
            pattern_options=jsonschema_rs.RegexOptions(),
            offline=True,
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(_first_line(error)) from None
    return Schema(
        type=event_type,
        document=document,
        validator=validator,
        names=frozenset(_names(document)),
    )


def read_catalogue() -> dict[str, JsonObject]:
    """The schemas that come with the package, as they are written. Blocking."""
    folder = resources.files(__package__) / _CATALOGUE
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(SUFFIX)),
        key=lambda file: file.name,
    )
    return {file.name.removesuffix(SUFFIX): orjson.loads(file.read_bytes()) for file in files}


def load_catalogue() -> Schemas:
    """The schemas that come with the package. Blocking."""
    return Schemas(compile_schema(name, document) for name, document in read_catalogue().items())


def _expected(kind: ValidationErrorKind) -> str:
    """What a schema asks for, in words, out of the schema's own values."""
    match kind:
        case ValidationErrorKind.Type(types=types):
            wanted = " or ".join(sorted(types))
        case ValidationErrorKind.Enum(options=options) if len(options) <= _MOST_CHOICES:
            wanted = f"one of: {', '.join(map(_json, options))}"
        case ValidationErrorKind.Constant(expected_value=value):
            wanted = _json(value)
        case ValidationErrorKind.Format(format=name):
            wanted = f"the format {name}"
        case ValidationErrorKind.Pattern(pattern=pattern):
            wanted = f"text that matches {pattern}"
        case ValidationErrorKind.FalseSchema():
            wanted = "no value here"
        case _ if kind.name in _LIMITS:
            wanted = _LIMITS[kind.name].format(kind.value)
        case _:
            wanted = f"what {kind.name} in its schema asks for"
    return f"expected {wanted}"


_LIMITS: Mapping[str, str] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} elements",
    "maxItems": "at most {} elements",
    "minProperties": "at least {} fields",
    "maxProperties": "at most {} fields",
}


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def _names(value: Any) -> Iterator[str]:
    """Every name of a field in a schema, at any depth."""
    if isinstance(value, dict):
        if isinstance(properties := value.get("properties"), dict):
            yield from properties
        if isinstance(required := value.get("required"), list):
            yield from (name for name in required if isinstance(name, str))
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)


def _references(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            # A field may be named $ref; then what stands there is a schema, not a text.
            if key in {"$ref", "$dynamicRef"} and not isinstance(inner, dict | bool):
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
