"""`GET /openapi.json`: the API described in OpenAPI 3.1, made from the route table, the table of
problems and the shapes.

What must not go in: a fact that stands in one of those already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from core.errors import (
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    PosternError,
    RequestError,
    TooManyRequests,
)
from gateway.http.problem import CONTENT_TYPE, TABLE, UNEXPECTED, Kind
from gateway.http.route import Parameter, Route
from gateway.http.shapes import SCHEMAS, Schema, ref

_EVERY_PATH: tuple[type[PosternError], ...] = (
    MalformedRequest,
    NotFound,
    MethodNotAllowed,
    TooManyRequests,
)
_PARAMETER = re.compile(r"\{(\w+)\}")
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
_SUCCESS = {
    200: "Done.",
    202: "Accepted: it is durable, and a repeat is recognised.",
}
_DESCRIPTION = """Business events in; what the rules make of them is carried out.

A success answer means durable: all of it is kept, and sending again is safe. Errors are problem
documents (RFC 9457) with a stable `code`.
"""


def describe(routes: Iterable[Route]) -> Schema:
    """The whole description, as JSON."""
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    schemas = {name: _lifted(schema) for name, schema in SCHEMAS.items()}
    for schema in SCHEMAS.values():
        schemas |= schema.get("$defs", {})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Postern", "version": version("postern"), "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "source": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A source's key.",
                },
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An operator's key.",
                },
            },
        },
    }


def _lifted(schema: Schema) -> Schema:
    """A schema without definitions of its own: they stand beside it."""
    lifted: Schema = _repoint({key: value for key, value in schema.items() if key != "$defs"})
    return lifted


def _repoint(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: inner.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _repoint(inner)
            for key, inner in value.items()
        }
    return [_repoint(inner) for inner in value] if isinstance(value, list) else value


def _operation(route: Route) -> Schema:
    name = _PARAMETER.sub(r"\1", route.path).replace("/v1/", "").replace("/", "_")
    operation: Schema = {
        "operationId": f"{route.method.lower()}_{name}",
        "summary": route.summary,
        "responses": {**_successes(route), **_problems([*route.errors, *_EVERY_PATH])},
    }
    if route.security is not None:
        operation["security"] = [{route.security: []}]
    parameters = [_path_parameter(name) for name in _PARAMETER.findall(route.path)]
    parameters += [_parameter(each) for each in route.parameters]
    if parameters:
        operation["parameters"] = parameters
    if route.takes:
        operation["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": schema} for kind, schema in route.takes.items()},
        }
    return operation


def _path_parameter(name: str) -> Schema:
    # A dot alone or two of them are steps of a path, not names.
    schema = {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(parameter: Parameter) -> Schema:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _successes(route: Route) -> Schema:
    found: Schema = {}
    for status, names in route.answers.items():
        schemas = [ref(name) for name in names]
        answer: Schema = {"description": _SUCCESS[status]}
        if schemas:
            one = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
            answer["content"] = {"application/json": {"schema": one}}
        found[str(status)] = answer
    return found


def _problems(errors: Sequence[type[PosternError]]) -> Schema:
    by_status: dict[int, list[tuple[type[PosternError], Kind]]] = {}
    for error in dict.fromkeys(errors):
        by_status.setdefault(TABLE[error].status, []).append((error, TABLE[error]))
    found: Schema = {}
    for status, kinds in sorted(by_status.items()):
        codes = [kind.code or _code(error) for error, kind in kinds]
        answer: Schema = {
            "description": f"{kinds[0][1].title}: `{'`, `'.join(codes)}`.",
            "content": {CONTENT_TYPE: {"schema": ref("Problem")}},
        }
        if status == 429 or any(kind.retry for _, kind in kinds):
            answer["headers"] = _RETRY
        found[str(status)] = answer
    found["500"] = {
        "description": f"{UNEXPECTED.title}: a defect of ours.",
        "content": {CONTENT_TYPE: {"schema": ref("Problem")}},
    }
    return found


def _code(error: type[PosternError]) -> str:
    return error.code if issubclass(error, RequestError) else error.__name__
