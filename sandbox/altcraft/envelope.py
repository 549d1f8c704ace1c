"""What every call of the platform shares over HTTP: JSON or XML in and out, token, deduplication.

What must not go in: what one call does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from sandbox.altcraft import xml
from sandbox.altcraft.calls import ALTCRAFT_CALLS, READS, carry_out
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.memory import Remembered, checksum_key, duplicate_key
from sandbox.faults import FaultKind, FaultOrder
from sandbox.injection import answered
from sandbox.world import WORLD, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, read. `key` None: a repeat of it is not recognised."""

    call: str
    params: dict[str, Any] | None
    token: str
    request_id: str | None
    key: str | None
    as_xml: bool


async def handle(request: web.Request) -> web.StreamResponse:
    """One call, from bytes to answer."""
    world = request.app[WORLD]
    asked = await _read(request, world)
    world.effects.count_request(asked.call)

    def act() -> web.Response:
        # One step of the loop: of two that come at once, the second finds the first one's answer.
        if not asked.token:
            return _written(world, asked, {"error": 401, "error_text": "API token required"})
        if not world.takes(asked.token):
            return _written(world, asked, {"error": 401, "error_text": "API token is not valid"})
        if (repeat := _recalled(world, asked)) is not None:
            return repeat
        try:
            if asked.params is None:
                raise Incorrect("not an object")
            content = carry_out(world, asked.call, asked.params, asked.request_id)
        except Incorrect as incorrect:
            content = incorrect.envelope()
        return _kept(world, asked, _written(world, asked, content), content["error"])

    def refuse(order: FaultOrder) -> web.Response:
        in_body = order.fault is FaultKind.ERROR_BODY
        code = order.status or (500 if in_body else 503)
        answer = _rendered(asked, {"error": code, "error_text": order.message})
        answer.set_status(200 if in_body else code)
        return _kept(world, asked, answer, code)

    order = world.faults.take(asked.call, asked.params or {})
    if order is not None:
        world.effects.count_fault(asked.call)
    return await answered(request, world, order, act, refuse)


async def _read(request: web.Request, world: World) -> Asked:
    raw = await request.read()
    call = request.match_info["call"].strip("/")
    call = call if call in ALTCRAFT_CALLS else f"unknown: {call[:80]}"
    is_xml = "xml" in request.content_type
    params = xml.parse(raw) if is_xml else _object(raw)
    token = _token(request, params)
    request_id = request.headers.get("Request-ID") or request.headers.get("X-Request-ID")
    key = None
    if token and call not in READS:
        if request_id:
            key = duplicate_key(token, request_id)
        elif call in world.switches.checksum_paths:
            key = checksum_key(request.path, _comparable(request), raw)
    wanted = str((params or {}).get("format") or request.headers.get("Accept", ""))
    as_xml = "xml" in wanted or (is_xml and "json" not in wanted)
    return Asked(
        call=call, params=params, token=token, request_id=request_id, key=key, as_xml=as_xml
    )


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def _token(request: web.Request, params: dict[str, Any] | None) -> str:
    """From the body, the header, or (discouraged by the vendor, still working) the URL."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    in_body = (params or {}).get("token")
    if isinstance(in_body, str) and in_body:
        return in_body
    return bearer if scheme.lower() == "bearer" and bearer else request.query.get("token", "")


def _comparable(request: web.Request) -> dict[str, str]:
    """The headers without those that belong to a connection."""
    own = {"host", "connection", "content-length"}
    return {name: value for name, value in request.headers.items() if name.lower() not in own}


def _written(world: World, asked: Asked, content: dict[str, Any]) -> web.Response:
    answer = _rendered(asked, content)
    if content["error"] and world.switches.altcraft_errors == "status":
        answer.set_status(content["error"])
    return answer


def _rendered(asked: Asked, content: dict[str, Any]) -> web.Response:
    if asked.as_xml:
        return web.Response(body=xml.build(content), content_type="application/xml")
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return web.Response(body=body, content_type="application/json")


def _kept(world: World, asked: Asked, answer: web.Response, error: int) -> web.Response:
    """The answer, remembered for a repeat of the same request."""
    is_kept = error == 0 or world.switches.remember_failures
    if asked.key and world.switches.deduplication and is_kept:
        world.memory.keep(
            asked.key,
            Remembered(
                at=world.clock.now(),
                status=answer.status,
                body=bytes(answer.body) if isinstance(answer.body, bytes) else b"",
                content_type=answer.content_type,
            ),
        )
    return answer


def _recalled(world: World, asked: Asked) -> web.Response | None:
    if asked.key is None or not world.switches.deduplication:
        return None
    window = world.switches.deduplication_window
    first = world.memory.recall(asked.key, now=world.clock.now(), window=window)
    if first is None:
        return None
    world.effects.count_repeat(asked.call)
    prefix = "X-" if world.switches.duplicate_headers == "old" else ""
    return web.Response(
        status=first.status,
        body=first.body,
        content_type=first.content_type,
        headers={f"{prefix}Duplicate-Request": "true", f"{prefix}Duplicate-Key": asked.key},
    )
