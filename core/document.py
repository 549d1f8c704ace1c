"""A configuration file as plain data that remembers where everything stands.

YAML 1.2, read strictly (`core.yaml`). What is wrong is told with file, line, field and what was
expected. What must not go in: what any key means (see the loaders).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from core.configuration import Secret, SecretRef
from core.errors import ConfigurationError
from core.yaml import Where, YamlPath, dotted, read_yaml

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain data, and for each path in it the file and line where it was written."""

    data: dict[str, Any]
    places: dict[YamlPath, Where]
    file: str

    def place(self, path: YamlPath) -> Where:
        """File and line of a path; of its nearest written ancestor if it is not there itself."""
        for length in range(len(path), -1, -1):
            if (place := self.places.get(path[:length])) is not None:
                return place
        return self.file, 1

    def at(self, path: YamlPath) -> Any:
        """The value at a path, or None."""
        value: Any = self.data
        for part in path:
            if not _holds(value, part):
                return None
            value = value[part]
        return value

    def error(self, problem: str, path: YamlPath) -> ConfigurationError:
        file, line = self.place(path)
        return ConfigurationError(problem, file=file, line=line, field=dotted(path) or None)


def read_document(path: Path) -> Document:
    """A file, or every `*.yaml` of a directory taken together (not its fixtures, `*.test.yaml`).

    Across the files of a directory lists are joined and mappings merged; a key that stands in two
    of them is refused. Raises ConfigurationError.
    """
    if not path.is_dir():
        data, written = read_yaml(path)
        return Document(data=_mapping(data, path), places=written, file=str(path))
    files = [
        file
        for file in sorted(path.glob("*.yaml"))
        if not file.name.startswith(".") and not file.name.endswith(".test.yaml")
    ]
    if not files:
        raise ConfigurationError("no *.yaml file in this directory", file=str(path))
    merged: dict[str, Any] = {}
    places: dict[YamlPath, Where] = {(): (str(files[0]), 1)}
    for file in files:
        data, own = read_yaml(file)
        _merge(merged, places, _mapping(data, file), own)
    return Document(data=merged, places=places, file=str(path))


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(value, list) and part < len(value)
    return isinstance(value, dict) and part in value


def _mapping(data: Any, file: Path) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigurationError("expected a mapping (key: value)", file=str(file), line=1)
    return data


def _merge(
    merged: dict[str, Any],
    places: dict[YamlPath, Where],
    data: dict[str, Any],
    own: dict[YamlPath, Where],
) -> None:
    """Add one file's data to what the files before it said; two keys deep, lists end to end."""
    shift: dict[str, int] = {}
    for key, value in data.items():
        before = merged.get(key)
        if key not in merged:
            merged[key] = value
        elif isinstance(before, list) and isinstance(value, list):
            shift[key] = len(before)
            before.extend(value)
        elif isinstance(before, dict) and isinstance(value, dict):
            for name in value:
                if name in before:
                    raise _twice((key, name), places, own)
            before.update(value)
        else:
            raise _twice((key,), places, own)
    for path, where in own.items():
        if len(path) > 1 and isinstance(path[1], int) and path[0] in shift:
            places[path[0], path[1] + shift[path[0]], *path[2:]] = where
        else:
            places.setdefault(path, where)


def _twice(
    path: YamlPath, places: dict[YamlPath, Where], own: dict[YamlPath, Where]
) -> ConfigurationError:
    file, line = own[path]
    other, first = places[path]
    return ConfigurationError(
        f"this key stands in {other}:{first} already", file=file, line=line, field=dotted(path)
    )


def validate(model: type[Model], document: Document, path: YamlPath = ()) -> Model:
    """The value at `path` as a model. Raises one ConfigurationError for the first thing wrong.

    A key that is unknown comes first: it is usually the cause of the one that is missing. Values
    are never repeated in the message, they may be secrets written in the wrong place.
    """
    value = document.at(path)
    if not isinstance(value, dict):
        raise document.error("expected a mapping (key: value)", path)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        unknown = [problem for problem in found if problem["type"] == "extra_forbidden"]
        first = (unknown or found)[0]
        raise _explain(model, document, path, dict(first)) from None


def read_secret(document: Document, ref: SecretRef, path: YamlPath) -> Secret:
    """The secret that a reference at `path` points to. Raises ConfigurationError with the place."""
    try:
        return ref.read(field=dotted(path))
    except ConfigurationError as error:
        raise document.error(error.problem, path) from error


def unknown_key(name: str, known: list[str]) -> str:
    """The text for a key that nobody reads, with a guess at what was meant."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
    return f"unknown key; {hint}"


def _explain(
    model: type[BaseModel], document: Document, path: YamlPath, problem: dict[str, Any]
) -> ConfigurationError:
    location = tuple(written_location(document.at(path), problem["loc"]))
    if problem["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        return document.error(unknown_key(str(location[-1]), known), path + location)
    if problem["type"] == "missing":
        return document.error("this key is required", path + location)
    return document.error(pydantic_words(problem), path + location)


def pydantic_words(problem: dict[str, Any]) -> str:
    """What one of pydantic's errors says was expected, in the words of our messages."""
    cause = problem.get("ctx", {}).get("error")
    text = str(cause) if cause is not None else str(problem["msg"])
    text = text.replace("Input should be", "expected")
    return text[:1].lower() + text[1:]


def written_location(value: Any, location: tuple[str | int, ...]) -> Iterator[str | int]:
    """A pydantic location without the parts that name union members: only keys and indexes of the
    data, and at its end at most one key that is missing."""
    for index, part in enumerate(location):
        if _holds(value, part):
            value = value[part]
            yield part
        elif isinstance(value, dict) and index == len(location) - 1:
            yield part


def _keys_at(kind: Any, location: tuple[str | int, ...]) -> list[str]:
    """The keys that a model knows at a location inside it; empty if that is not a model."""
    for option in _models(kind):
        if not location:
            return [field.alias or name for name, field in option.model_fields.items()]
        field = {f.alias or n: f for n, f in option.model_fields.items()}.get(str(location[0]))
        if field is not None:
            rest = location[1:]
            while rest and isinstance(rest[0], int):
                rest = rest[1:]
            if keys := _keys_at(field.annotation, rest):
                return keys
            # A mapping from free names to models: the name itself is no field.
            if rest and (keys := _keys_at(field.annotation, rest[1:])):
                return keys
    return []


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) in {list, tuple, dict, Union, UnionType, Annotated}:
        for part in get_args(kind):
            yield from _models(part)
