"""The API's description, for programs (`/openapi.json`) and for people (`/docs`): one page, made
when the gateway starts, that needs nothing from anywhere else.

What must not go in: what the description says (see `openapi`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from typing import Any

import orjson
from aiohttp import web

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
body { color: #1c2430; background: #fff; }
h2 { border-top: 1px solid #d5dbe3; margin-top: 2.5rem; padding-top: 1.2rem; }
h2, td { overflow-wrap: anywhere; }
code, pre { font: .875rem/1.45 ui-monospace, monospace; }
pre { background: #f3f5f8; padding: .8rem; overflow: auto; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #d5dbe3; padding: .35rem .6rem .35rem 0; }
td, th { text-align: left; vertical-align: top; }
a, .method { color: #0b57a4; }
.method { font-weight: 700; white-space: nowrap; }
summary { cursor: pointer; }
@media (prefers-color-scheme: dark) {
  body { background: #14181f; color: #dbe2ea; }
  pre { background: #1e242d; }
  h2, td, th { border-color: #333c48; }
  a, .method { color: #7db8f5; }
}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'"

Json = dict[str, Any]


class Described:
    """Serves one description in both forms."""

    def __init__(self, description: Json) -> None:
        self._json = orjson.dumps(description)
        self._page = "".join(_page(description)).encode()

    async def as_json(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._json, content_type="application/json")

    async def as_page(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._page,
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": _POLICY},
        )


def _page(description: Json) -> Iterator[str]:
    title = escape(description["info"]["title"])
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{title}: the API</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{title} {escape(description['info']['version'])}</h1>"
    for paragraph in description["info"]["description"].strip().split("\n\n"):
        yield f"<p>{_marked(paragraph)}</p>"
    yield '<p>For programs: <a href="/openapi.json">/openapi.json</a></p><nav><table>'
    for path, method, operation in _operations(description):
        link = f'<a href="#{escape(operation["operationId"])}"><code>{escape(path)}</code></a>'
        yield f'<tr><td class="method">{method}</td><td>{link}</td>'
        yield f"<td>{_marked(operation['summary'])}</td></tr>"
    yield "</table></nav>"
    for path, method, operation in _operations(description):
        yield from _operation(path, method, operation)
    yield "<h2>Shapes</h2>"
    for name, schema in description["components"]["schemas"].items():
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>'
        yield f"<p>{_marked(schema['description'])}</p>" if "description" in schema else ""
        yield _shown(schema)
    yield "</body></html>"


def _operations(description: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _operation(path: str, method: str, operation: Json) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<h2 id="{name}"><span class="method">{method}</span> <code>{escape(path)}</code></h2>'
    yield f"<p>{_marked(operation['summary'])}</p>"
    for security in operation.get("security", []):
        for who in security:
            key = "an operator's" if who == "operator" else "a source's"
            yield f"<p>With {key} key: <code>Authorization: Bearer KEY</code></p>"
    if "parameters" in operation:
        yield "<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>"
        for each in operation["parameters"]:
            required = "" if each["required"] else " (optional)"
            yield f"<tr><td><code>{escape(each['name'])}</code>{required}</td><td>{each['in']}</td>"
            yield f"<td>{_marked(each.get('description', ''))}</td></tr>"
        yield "</table>"
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body, <code>{escape(kind)}</code>: {_links(content['schema'])}</p>"
    yield "<table><tr><th>Status</th><th>Meaning</th><th>Shape</th></tr>"
    for status, answer in operation["responses"].items():
        shapes = ", ".join(
            _links(content["schema"]) or escape(kind)
            for kind, content in answer.get("content", {}).items()
        )
        meaning = _marked(answer["description"])
        yield f"<tr><td>{status}</td><td>{meaning}</td><td>{shapes}</td></tr>"
    yield "</table>"


def _links(schema: Json) -> str:
    named = [schema, *schema.get("anyOf", [])]
    names = [escape(each["$ref"].rpartition("/")[2]) for each in named if "$ref" in each]
    return " or ".join(f'<a href="#{name}">{name}</a>' for name in names)


def _shown(schema: Json) -> str:
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return f"<details><summary>JSON Schema</summary><pre>{text}</pre></details>"


def _marked(text: str) -> str:
    """Text with what stands in back ticks as code."""
    parts = escape(text).split("`")
    return "".join(
        f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts)
    )
