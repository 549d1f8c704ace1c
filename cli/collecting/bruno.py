"""A collection as Bruno writes it: a directory with a small text file for each request.

What must not go in: any request of ours, and writing to disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import orjson

from cli.collecting.checks import checks
from cli.collecting.model import Collection, Folder, Form, Json, Request

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")

_EVERY_TIME = (
    'const { v4 } = require("uuid");',
    'bru.setVar("request_id", v4());',
    'bru.setVar("tag", Math.floor(Math.random() * 2147483646) + 1);',
)
"""A provider that recognises a repeated id would answer the next run from its memory."""

_SIGNING = (
    'const CryptoJS = require("crypto-js");',
    'const secret = bru.interpolate("{{%s}}").replace("whsec_", "");',
    "const time = String(Math.floor(Date.now() / 1000));",
    "const body = req.getBody({ raw: true });",
    'const signed = [bru.getVar("request_id"), time, body].join(".");',
    "const digest = CryptoJS.HmacSHA256(signed, CryptoJS.enc.Base64.parse(secret));",
    'req.setHeader("webhook-id", bru.getVar("request_id"));',
    'req.setHeader("webhook-timestamp", time);',
    'req.setHeader("webhook-signature", "v1," + CryptoJS.enc.Base64.stringify(digest));',
)
"""Standard Webhooks 1.0: base64 of HMAC-SHA256 over id, time and body."""


def bruno(collection: Collection) -> dict[str, str]:
    """The files by their paths."""
    about = {"version": "1", "name": collection.name, "type": "collection"}
    variables = {name: str(it.value) for name, it in collection.variables.items()}
    docs = [*collection.description.splitlines(), ""] if collection.description else []
    docs += [f"* `{name}`: {it.meaning}" for name, it in collection.variables.items()]
    return {
        "bruno.json": orjson.dumps(about, option=orjson.OPT_INDENT_2).decode() + "\n",
        "collection.bru": _file(
            _text("script:pre-request", _EVERY_TIME),
            _text("docs", docs),
        ),
        "environments/sandbox.bru": _file(_fields("vars", variables)),
        **dict(_files(collection, "")),
    }


def _files(folder: Folder, place: str) -> Iterator[tuple[str, str]]:
    for number, item in enumerate(folder.items, start=1):
        path = place + _UNFIT.sub("-", item.name).strip("-")
        if isinstance(item, Folder):
            meta = _fields("meta", {"name": item.name, "seq": str(number)})
            docs = (_text("docs", item.description.splitlines()),) if item.description else ()
            yield f"{path}/folder.bru", _file(meta, *docs)
            yield from _files(item, f"{path}/")
        else:
            yield f"{path}.bru", _file(*_request(item, number))


def _request(request: Request, number: int) -> Iterator[str]:
    yield _fields("meta", {"name": request.name, "type": "http", "seq": str(number)})
    mode = {Json: "json", Form: "formUrlEncoded"}.get(type(request.body), "none")
    yield _fields(request.method.lower(), {"url": request.url, "body": mode, "auth": "none"})
    if request.headers:
        yield _fields("headers", request.headers)
    match request.body:
        case Json(text=text):
            yield _text("body:json", text.splitlines())
        case Form(fields=fields):
            yield _fields("body:form-urlencoded", fields)
        case None:
            pass
    if request.signed_with:
        yield _text(
            "script:pre-request", [line.replace("%s", request.signed_with) for line in _SIGNING]
        )
    if request.saves:
        saved = {it.variable: f"res.body{it.expression}" for it in request.saves}
        yield _fields("vars:post-response", saved)
    yield _text("tests", _tests(request))
    yield _text("docs", request.description.splitlines())


def _tests(request: Request) -> Iterator[str]:
    yield "const status = res.getStatus();"
    yield "const body = res.getBody();"
    for check in checks(request):
        yield f'test("{check.words}", () => expect({check.of}){check.holds});'


def _fields(block: str, fields: Mapping[str, str]) -> str:
    return _text(block, [f"{name}: {value}".rstrip() for name, value in fields.items()])


def _text(block: str, lines: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    """A block ends with a brace at the start of a line, so nothing inside may stand there."""
    inner = "\n".join(f"  {line}".rstrip() for line in lines)
    return f"{block} {{\n{inner}\n}}\n"


def _file(*blocks: str) -> str:
    return "\n".join(blocks)
