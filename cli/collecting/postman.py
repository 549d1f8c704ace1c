"""A collection as Postman writes it (Collection v2.1.0), which newman runs.

What must not go in: any request of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from cli.collecting.checks import checks
from cli.collecting.model import Collection, Folder, Form, Json, Request
from core.messages import JsonObject

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

_EVERY_TIME = (
    'pm.collectionVariables.set("request_id", pm.variables.replaceIn("{{$guid}}"));',
    'pm.collectionVariables.set("tag", Math.floor(Math.random() * 2147483646) + 1);',
)
"""A provider that recognises a repeated id would answer the next run from its memory."""


def postman(collection: Collection) -> str:
    """The file."""
    content = {
        "info": {
            "name": collection.name,
            "description": collection.description,
            "schema": SCHEMA,
        },
        "item": [_item(each) for each in collection.items],
        "event": [_event("prerequest", _EVERY_TIME)],
        "variable": [
            {"key": name, "value": str(it.value), "type": "string", "description": it.meaning}
            for name, it in collection.variables.items()
        ],
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n"


def _item(item: Folder | Request) -> JsonObject:
    if isinstance(item, Folder):
        shown: JsonObject = {"name": item.name, "item": [_item(each) for each in item.items]}
        return {**shown, "description": item.description} if item.description else shown
    return {
        "name": item.name,
        "event": [
            *([_event("prerequest", _signing(item.signed_with))] if item.signed_with else ()),
            _event("test", _tests(item)),
        ],
        "request": _request(item),
        "response": [],
    }


def _request(request: Request) -> JsonObject:
    headers = dict(request.headers)
    if request.signed_with:
        headers |= {
            "webhook-id": "{{request_id}}",
            "webhook-timestamp": "{{webhook_timestamp}}",
            "webhook-signature": "{{webhook_signature}}",
        }
    host, *path = request.url.split("/")
    shown: JsonObject = {
        "method": request.method,
        "header": [{"key": name, "value": value} for name, value in headers.items()],
        "url": {"raw": request.url, "host": [host], "path": path},
        "description": request.description,
    }
    if request.body is not None:
        shown["body"] = _body(request.body)
    return shown


def _body(body: Json | Form) -> JsonObject:
    if isinstance(body, Form):
        fields: list[Any] = [
            {"key": name, "value": value, "type": "text"} for name, value in body.fields.items()
        ]
        return {"mode": "urlencoded", "urlencoded": fields}
    return {"mode": "raw", "raw": body.text, "options": {"raw": {"language": "json"}}}


def _tests(request: Request) -> Iterator[str]:
    yield "const status = pm.response.code;"
    yield "const body = pm.response.json();"
    for check in checks(request):
        yield f'pm.test("{check.words}", () => pm.expect({check.of}){check.holds});'
    for saved in request.saves:
        yield f'pm.collectionVariables.set("{saved.variable}", body{saved.expression});'


def _signing(secret: str) -> Iterator[str]:
    """Standard Webhooks 1.0: base64 of HMAC-SHA256 over id, time and body."""
    yield f'const secret = pm.variables.get("{secret}").replace("whsec_", "");'
    yield "const time = String(Math.floor(Date.now() / 1000));"
    yield 'const signed = [pm.variables.get("request_id"), time, pm.request.body.raw].join(".");'
    yield "const digest = CryptoJS.HmacSHA256(signed, CryptoJS.enc.Base64.parse(secret));"
    yield 'pm.collectionVariables.set("webhook_timestamp", time);'
    yield 'const signature = "v1," + CryptoJS.enc.Base64.stringify(digest);'
    yield 'pm.collectionVariables.set("webhook_signature", signature);'


def _event(listen: str, lines: Iterator[str] | tuple[str, ...]) -> JsonObject:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": list(lines)}}
