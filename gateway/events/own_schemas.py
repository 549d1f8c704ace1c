"""Schemas of the user's, from the directory that the configuration names with `schemas:`.

A file `<type>.json` replaces the catalogue's schema of that type, adds one for a type that the
catalogue has not, or, with `extends: <type>` at its top, adds to one of the catalogue. What must
not go in: how data are held against a schema.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from core.document import Document
from core.errors import ConfigurationError, MalformedRequest
from core.messages import JsonObject
from gateway.events.schemas import SUFFIX, Schema, Schemas, compile_schema, read_catalogue
from gateway.events.strict_json import parse_json
from gateway.events.types import EVENT_TYPE, TYPE_EXPECTED

KEY = "schemas"
EXTENDS = "extends"


def schemas_folder(document: Document) -> Path | None:
    """Where the user's schemas stand, from the file that names it; None if it names none. Raises
    ConfigurationError."""
    if KEY not in document.data:
        return None
    written = document.data[KEY]
    if not isinstance(written, str) or not written or "\x00" in written:
        raise document.error("expected the path of a directory", (KEY,))
    return Path(document.place((KEY,))[0]).parent / written


def load_schemas(document: Document) -> Schemas:
    """The catalogue with the user's schemas over it. Raises ConfigurationError naming the file and
    what is wrong with it. Blocking."""
    catalogue = read_catalogue()
    schemas = {name: compile_schema(name, written) for name, written in catalogue.items()}
    folder = schemas_folder(document)
    if folder is not None:
        if not folder.is_dir():
            raise document.error("there is no such directory", (KEY,))
        for file in sorted(folder.glob(f"*{SUFFIX}")):
            if not file.name.startswith("."):
                schema = _load(file, catalogue)
                schemas[schema.type] = schema
    return Schemas(schemas.values())


def _load(file: Path, catalogue: dict[str, JsonObject]) -> Schema:
    name = file.name.removesuffix(SUFFIX)
    if not EVENT_TYPE.fullmatch(name):
        problem = f"the name of this file is no event type: {TYPE_EXPECTED}"
        raise ConfigurationError(problem, file=str(file))
    written = _read(file)
    if EXTENDS in written:
        extended = written.pop(EXTENDS)
        base = catalogue.get(extended) if isinstance(extended, str) else None
        if base is None:
            raise ConfigurationError(
                "expected a type of the catalogue (`postern schemas` lists them)",
                file=str(file),
                field=EXTENDS,
            )
        written = _merged(base, written)
    try:
        return compile_schema(name, written)
    except ValueError as error:
        raise ConfigurationError(f"no usable schema: {error}", file=str(file)) from None


def _read(file: Path) -> JsonObject:
    try:
        content = file.read_bytes()
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise ConfigurationError(problem, file=str(file)) from None
    try:
        orjson.loads(content)
        value = parse_json(content)
    except orjson.JSONDecodeError as error:
        problem = f"not JSON: {error.msg}"
        raise ConfigurationError(problem, file=str(file), line=error.lineno) from None
    except MalformedRequest as error:
        raise ConfigurationError(error.detail, file=str(file)) from None
    if not isinstance(value, dict):
        raise ConfigurationError("expected a JSON object", file=str(file), line=1)
    return value


def _merged(base: Any, own: Any, key: str = "") -> Any:
    """`own` over `base`: objects are merged, what is required is joined, all else is replaced."""
    if isinstance(base, dict) and isinstance(own, dict):
        return base | {name: _merged(base.get(name), value, name) for name, value in own.items()}
    if key == "required" and isinstance(base, list) and isinstance(own, list):
        return [*base, *(name for name in own if name not in base)]
    return own
