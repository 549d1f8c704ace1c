"""docs/events.md, made from the catalogue: every type of event, and every field of its data.

`make docs` writes it, and a test holds the file to it. What must not go in: a fact that is not in a
schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.messages import JsonObject
from gateway.events.schemas import read_catalogue

_TOP = """# Events

The common business events, and what stands in the `data` of each. Presets make them, and your own
systems may send them. This page is made from the schemas by `make docs`; `postern schemas TYPE`
prints one of them as JSON Schema.

Any other type of event is taken as well, with any data. A source that says `schema: strict` is held
to the schemas ([sources.md](sources.md)); `schemas: DIR` replaces them, adds to them and extends
them ([rules.md](rules.md)); `postern rules check` names the fields that a rule looks at and no
schema has.

Fields are optional unless it says otherwise.
"""


def page() -> str:
    return "".join(_lines())


def _lines() -> Iterator[str]:
    catalogue = read_catalogue()
    yield f"{_TOP}\n| Type | What happened |\n| --- | --- |\n"
    for name, schema in catalogue.items():
        yield f"| [`{name}`](#{name.replace('.', '')}) | {_cell(schema['title'])} |\n"
    for name, schema in catalogue.items():
        yield f"\n## `{name}`\n\n{schema['description']}\n\n"
        yield "| Field | Type | Meaning |\n| --- | --- | --- |\n"
        yield from _rows(schema, "")


def _rows(schema: JsonObject, before: str) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        path = f"{before}{name}"
        meaning = _cell(field["description"])
        if name in schema.get("required", ()):
            meaning += " Required."
        yield f"| `{path}` | {_type(field)} | {meaning} |\n"
        yield from _rows(field, f"{path}.")
        yield from _rows(field.get("items", {}), f"{path}[].")


def _type(field: JsonObject) -> str:
    kinds: Any = field["type"]
    text = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return f"{text}, {field['format']}" if "format" in field else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
