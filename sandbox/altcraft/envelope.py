"""What every call of the platform shares: JSON in, token, deduplication, the error envelope.

What must not go in: what one call does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from sandbox.altcraft.memory import Remembered, duplicate_key
from sandbox.altcraft.subscriptions import Incorrect
from sandbox.faults import FaultKind, FaultOrder
from sandbox.injection import answered
from sandbox.world import WORLD, World

Perform = Callable[[World, dict[str, Any], str | None], dict[str, Any]]
"""Take effect and return what stands beside `error`. Raises Incorrect. Takes the Request-ID for the
log."""


async def handle(request: web.Request, call: str, perform: Perform) -> web.StreamResponse:
    """One call, from bytes to answer."""
    world = request.app[WORLD]
    world.effects.count_request(call)
    params = _params(await request.read())
    token = _token(request, params)
    request_id = request.headers.get("Request-ID") or request.headers.get("X-Request-ID")
    key = duplicate_key(token, request_id) if token and request_id else None

    def act() -> web.Response:
        if not token:
            return _json(*_error(world, 401, "API token required"))
        if not world.takes(token):
            return _json(*_error(world, 401, "API token is not valid"))
        if (repeat := _recalled(world, call, key)) is not None:
            return repeat
        if params is None:
            return _kept(world, key, *_error(world, 400, "Incorrect request: not a JSON object"))
        try:
            content = perform(world, params, request_id)
        except Incorrect as incorrect:
            return _kept(world, key, *_error(world, 400, f"Incorrect request: {incorrect}"))
        success = {**content, "error": 0, "error_text": "Successful operation"}
        return _kept(world, key, 200, success)

    def refuse(order: FaultOrder) -> web.Response:
        in_body = order.fault is FaultKind.ERROR_BODY
        code = order.status or (500 if in_body else 503)
        status = 200 if in_body else code
        return _kept(world, key, status, {"error": code, "error_text": order.message})

    order = world.faults.take(call, params or {})
    if order is not None:
        world.effects.count_fault(call)
    return await answered(request, world, order, act, refuse)


def _params(raw: bytes) -> dict[str, Any] | None:
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


def _error(world: World, code: int, text: str) -> tuple[int, dict[str, Any]]:
    status = code if world.switches.altcraft_errors == "status" else 200
    return status, {"error": code, "error_text": text}


def _json(status: int, content: dict[str, Any]) -> web.Response:
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return web.Response(status=status, body=body, content_type="application/json")


def _kept(world: World, key: str | None, status: int, content: dict[str, Any]) -> web.Response:
    """The answer, remembered for a repeat of the same request."""
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    is_kept = content["error"] == 0 or world.switches.remember_failures
    if key and world.switches.deduplication and is_kept:
        world.memory.keep(key, Remembered(at=world.clock.now(), status=status, body=body))
    return _json(status, content)


def _recalled(world: World, call: str, key: str | None) -> web.Response | None:
    if key is None or not world.switches.deduplication:
        return None
    window = world.switches.deduplication_window
    first = world.memory.recall(key, now=world.clock.now(), window=window)
    if first is None:
        return None
    world.effects.count_repeat(call)
    prefix = "X-" if world.switches.duplicate_headers == "old" else ""
    return web.Response(
        status=first.status,
        body=first.body,
        content_type="application/json",
        headers={f"{prefix}Duplicate-Request": "true", f"{prefix}Duplicate-Key": key},
    )
