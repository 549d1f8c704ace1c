"""What every call of the gateway shares: parameters written in any way, who calls, error 0 or 1.

What must not go in: what one call does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

import orjson
from aiohttp import web

from sandbox.faults import FaultKind, FaultOrder
from sandbox.injection import answered
from sandbox.world import WORLD, World

Fields = dict[str, str]
Perform = Callable[[World, Fields], dict[str, Any]]
"""Take effect and return what stands beside `error`. Raises Failed."""

Enter = Callable[[World, Fields], None]
"""Whether this caller may. Raises Failed."""


class Failed(Exception):
    """Answered with error 1 and this message. The vendor documents one text only; the rest are
    ours."""


def by_token(world: World, fields: Fields) -> None:
    if not world.sms.tokens.takes(fields.get("token")):
        raise Failed("Token is incorrect")


def by_login(world: World, fields: Fields) -> None:
    if not world.sms.tokens.takes_login(fields.get("email", ""), fields.get("pass", "")):
        raise Failed("Login or password incorrect")


async def handle(
    request: web.Request, call: str, perform: Perform, *, enter: Enter = by_token
) -> web.StreamResponse:
    """One call, from parameters to answer."""
    world = request.app[WORLD]
    world.effects.count_request(call)
    fields = await _fields(request)

    def act() -> web.Response:
        try:
            enter(world, fields)
            return _json(world, 200, {"error": 0, **perform(world, fields)})
        except Failed as failed:
            return _failed(world, str(failed))

    def refuse(order: FaultOrder) -> web.Response:
        in_body = order.fault is FaultKind.ERROR_BODY
        status = order.status or 200 if in_body else 503
        return _json(world, status, {"error": 1, "message": order.message})

    order = world.faults.take(call, fields)
    if order is not None:
        world.effects.count_fault(call)
    return await answered(request, world, order, act, refuse)


def required(fields: Fields, *names: str) -> None:
    for name in names:
        if not fields.get(name, "").strip():
            raise Failed(f"Parameter {name} is required")


def number(written: str | None) -> int | None:
    """As PHP casts: the digits in front, 0 if there are none."""
    if written is None or written == "":
        return None
    match = re.match(r"\s*(-?[0-9]{1,18})", written, re.ASCII)
    return int(match[1]) if match else 0


async def _fields(request: web.Request) -> Fields:
    """From the query (where `+` is a space), a form, or a JSON object; later ones win. What stands
    deeper in a JSON object is kept as JSON."""
    fields = dict(request.query)
    if request.content_type == "application/json":
        try:
            content = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            content = None
        given: dict[str, Any] = content if isinstance(content, dict) else {}
    else:
        given = dict(await request.post())
    for name, value in given.items():
        if isinstance(value, str | int):
            fields[name] = str(value)
        elif isinstance(value, list | dict):
            fields[name] = orjson.dumps(value).decode()
    return fields


def _failed(world: World, message: str) -> web.Response:
    status = 400 if world.switches.sms_errors == "status" else 200
    return _json(world, status, {"error": 1, "message": message})


def _json(world: World, status: int, content: dict[str, Any]) -> web.Response:
    # The sandbox's own time: moments in an answer are counted from it.
    sent = format_datetime(world.clock.now().replace(microsecond=0), usegmt=True)
    return web.Response(
        status=status,
        headers={"Date": sent},
        body=orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS),
        content_type="application/json",
    )
