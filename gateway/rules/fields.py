"""Which fields of `data` the rules look at that no schema of their events names: a mistyped field,
told before any event comes.

It can only warn: an event may hold more than its schema names. What must not go in: evaluating, or
what a schema takes (see `gateway.events.schemas`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.document import Document
from core.yaml import YamlPath, dotted
from gateway.events.schemas import Schema, Schemas
from gateway.events.types import TypeGlobs
from gateway.rules.model import RuleModel
from gateway.rules.scan import Path, closing_brace, references, written
from gateway.rules.templates import compile_template, new_liquid

ROOT = "data"
_MOST_TYPES = 3
_JOINING = ("allOf", "anyOf", "oneOf")
_BRANCHES = ("if", "then", "else")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unknown:
    """`depth` counts the parts of a path that are known; `near` are the names beside it."""

    depth: int
    near: frozenset[str]


def unknown_fields(document: Document, schemas: Schemas) -> Iterator[str]:
    """A line for each field that a rule looks at and no schema of its events names. The rules have
    been loaded: they are right."""
    liquid = new_liquid()

    def looked_at(text: str) -> Iterable[Path]:
        if "${" in text:
            return (path for source in _expressions(text) for path in references(source, (ROOT,)))
        if "{{" in text or "{%" in text:
            return (it for it in compile_template(liquid, text).looks_at if it[0] == ROOT)
        return ()

    for index, rule in enumerate(document.data.get("rules") or []):
        model = RuleModel.model_validate(rule)
        held = _schemas_of(model, schemas)
        if not held:
            continue
        place: YamlPath = ("rules", index, "when")
        for path in references(model.when or "", (ROOT,)):
            yield from _told(document, place, path, held)
        for number, step in enumerate(model.do):
            within: YamlPath = ("rules", index, "do", number, "with")
            for place, text in _texts(step.params, within):
                for path in dict.fromkeys(looked_at(text)):
                    yield from _told(document, place, path, held)


def _schemas_of(rule: RuleModel, schemas: Schemas) -> list[Schema]:
    """None if the rule names a type that has no schema: whatever it looks at may be there."""
    on = TypeGlobs(rule.on)
    if any(schemas.get(name) is None for name in on.exact):
        return []
    return [schema for schema in schemas if on.match(schema.type)]


def _told(
    document: Document, place: YamlPath, path: Path, schemas: Sequence[Schema]
) -> Iterator[str]:
    found: list[_Unknown] = []
    for schema in schemas:
        unknown = _look_up(schema, path[1:])
        if unknown is None:
            return
        found.append(unknown)
    depth = max(unknown.depth for unknown in found)
    near = frozenset().union(*(unknown.near for unknown in found if unknown.depth == depth))
    name = str(path[1 + depth])
    file, line = document.place(place)
    problem = f"no schema of {_listed([schema.type for schema in schemas])} has {name}"
    if guess := difflib.get_close_matches(name, sorted(near), n=1, cutoff=0.6):
        problem += f"; did you mean {guess[0]}?"
    yield f"{file}:{line}: {dotted(place)}: {written(path[: depth + 2])}: {problem}"


def _look_up(schema: Schema, path: Path) -> _Unknown | None:
    """None if the schema names the path, or leaves open what is there."""
    nodes = list(_facets(schema.document, schema.document, set()))
    for depth, part in enumerate(path):
        below = _below(nodes, part)
        if below is None:
            return None
        if not below:
            near = frozenset(name for node in nodes for name in node.get("properties") or ())
            return _Unknown(depth=depth, near=near)
        seen: set[int] = set()
        nodes = [facet for node in below for facet in _facets(schema.document, node, seen)]
    return None


def _below(nodes: Sequence[dict[str, Any]], part: str | int) -> list[Any] | None:
    """What is said of a part of these; None: nothing, it may be anything."""
    if isinstance(part, int) or (part in {"first", "last"} and _any_of(nodes, "items")):
        return [node["items"] for node in nodes if "items" in node] or None
    named = [node["properties"][part] for node in nodes if part in (node.get("properties") or ())]
    if named:
        return named
    is_closed = _any_of(nodes, "properties") or all(_is_scalar(node) for node in nodes)
    is_open = not nodes or any(_is_open(node) for node in nodes)
    # `size` is Liquid's word for how many there are.
    return None if is_open or not is_closed or part == "size" else []


def _any_of(nodes: Sequence[dict[str, Any]], keyword: str) -> bool:
    return any(keyword in node for node in nodes)


def _is_open(node: dict[str, Any]) -> bool:
    return "patternProperties" in node or any(
        node.get(keyword, False) is not False
        for keyword in ("additionalProperties", "unevaluatedProperties")
    )


def _is_scalar(node: dict[str, Any]) -> bool:
    """Whether it says that it is no object."""
    kinds = node.get("type", "object")
    return kinds != "object" if isinstance(kinds, str) else "object" not in kinds


def _facets(root: dict[str, Any], node: Any, seen: set[int]) -> Iterator[dict[str, Any]]:
    """A schema and all that it refers to or is put together from. A reference that leads to itself
    is followed once."""
    if not isinstance(node, dict):
        # `true` and `false`: nothing is said about what is there.
        yield {"additionalProperties": True}
        return
    if id(node) in seen:
        return
    seen.add(id(node))
    more = [inner for key in _JOINING for inner in node.get(key) or ()]
    more += [node[key] for key in _BRANCHES if key in node]
    if "$ref" in node:
        more.append(_referred(root, node["$ref"]))
    if not more or len(node) > 1:
        yield node
    for inner in more:
        yield from _facets(root, inner, seen)


def _referred(root: dict[str, Any], reference: str) -> Any:
    """What a `$ref` within the file leads to; `true` for one by anchor, which is not followed."""
    if reference != "#" and not reference.startswith("#/"):
        return True
    found: Any = root
    for part in reference.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        found = found[int(key)] if isinstance(found, list) else found.get(key, True)
        if not isinstance(found, dict | list):
            return True
    return found


def _texts(value: Any, path: YamlPath) -> Iterator[tuple[YamlPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def _expressions(text: str) -> Iterator[str]:
    """What stands in each `${...}`."""
    start = text.find("${")
    while start >= 0:
        end = closing_brace(text, start + 2)
        if end is None:
            return
        yield text[start + 2 : end]
        start = text.find("${", end)


def _listed(types: Sequence[str]) -> str:
    if len(types) <= _MOST_TYPES + 1:
        return " or ".join(types)
    return f"{', '.join(types[:_MOST_TYPES])} or {len(types) - _MOST_TYPES} others"
