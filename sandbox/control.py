"""`/_sandbox/...`: reading the effects, ordering faults, turning switches, starting over.

For tests and demos on loopback: nothing here asks who is there. What must not go in: the vendors'
own calls.
"""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from core.web import answer_json
from sandbox.faults import FaultOrder
from sandbox.switches import Switches
from sandbox.world import WORLD

Model = TypeVar("Model", bound=BaseModel)


def control_routes(calls: frozenset[str]) -> list[web.RouteDef]:
    """`calls`: what can be named in a fault."""

    async def order_fault(request: web.Request) -> web.Response:
        order = parsed(FaultOrder, await request.read())
        if isinstance(order, web.Response):
            return order
        if order.call not in calls:
            return problem(f"call: expected one of {', '.join(sorted(calls))}")
        return answer_json(request.app[WORLD].faults.add(order).shown(), status=201)

    return [
        web.get("/_sandbox/effects", _effects),
        web.get("/_sandbox/counts", _counts),
        web.post("/_sandbox/faults", order_fault),
        web.get("/_sandbox/faults", _list_faults),
        web.delete("/_sandbox/faults", _clear_faults),
        web.delete("/_sandbox/faults/{id:[0-9]{1,9}}", _remove_fault),
        web.get("/_sandbox/switches", _switches),
        web.patch("/_sandbox/switches", _turn),
        web.post("/_sandbox/reset", _reset),
        web.get("/_sandbox/altcraft", _altcraft),
    ]


async def _effects(request: web.Request) -> web.Response:
    since = request.query.get("since", "0")
    if not since.isdecimal() or len(since) > 9:
        return problem("since: expected a number")
    written = request.app[WORLD].effects.written(call=request.query.get("call"), since=int(since))
    return web.Response(body=written, content_type="application/json")


async def _counts(request: web.Request) -> web.Response:
    return answer_json(request.app[WORLD].effects.counts())


async def _list_faults(request: web.Request) -> web.Response:
    return answer_json({"faults": request.app[WORLD].faults.shown()})


async def _clear_faults(request: web.Request) -> web.Response:
    request.app[WORLD].faults.clear()
    return web.Response(status=204)


async def _remove_fault(request: web.Request) -> web.Response:
    found = request.app[WORLD].faults.remove(int(request.match_info["id"]))
    return web.Response(status=204 if found else 404)


async def _switches(request: web.Request) -> web.Response:
    return answer_json(request.app[WORLD].switches.model_dump(mode="json"))


async def _turn(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    turned = parsed(Switches, await request.read())
    if isinstance(turned, web.Response):
        return turned
    world.switches = world.switches.model_copy(update=turned.model_dump(exclude_unset=True))
    return await _switches(request)


async def _altcraft(request: web.Request) -> web.Response:
    """Everything that platform knows: databases, profiles, subscriptions, senders, sends, ..."""
    return answer_json(request.app[WORLD].altcraft.shown())


async def _reset(request: web.Request) -> web.Response:
    request.app[WORLD].reset()
    return web.Response(status=204)


def parsed(model: type[Model], raw: bytes) -> Model | web.Response:
    """What was sent, or the answer that says what is wrong with it."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return problem(": ".join((".".join(str(part) for part in first["loc"]), first["msg"])))


def problem(detail: str, *, status: int = 400) -> web.Response:
    return answer_json({"status": status, "detail": detail}, status=status)
