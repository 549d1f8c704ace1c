"""Carrying a fault out on a real connection, around the one step in which a call takes effect.

What must not go in: what a call does, or which fault it meets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import assert_never

from aiohttp import web

from sandbox.faults import FaultOrder, Way
from sandbox.world import World

Act = Callable[[], web.Response]
"""Take effect and make the answer, in one step of the loop: nothing else runs in between."""

Refuse = Callable[[FaultOrder], web.Response]
"""The vendor's own way of writing an error, for a fault that asks for one."""

_PAGE = b"<!doctype html><html><head><title>502</title></head><h1>Bad gateway</h1></html>"


async def answered(
    request: web.Request, world: World, order: FaultOrder | None, act: Act, refuse: Refuse
) -> web.StreamResponse:
    """The answer to a call, or what the fault makes of it."""
    if order is None:
        return act()
    acted = act() if order.fault.after_effect else None
    match order.fault.way:
        case Way.ERROR_BODY:
            return refuse(order)
        case Way.STATUS:
            return _with_status(refuse(order), order)
        case Way.HTML:
            return web.Response(status=order.status or 200, body=_PAGE, content_type="text/html")
        case Way.SLOW:
            await _pause(world, order.delay)
            return act() if acted is None else acted
        case Way.HANG | Way.DROP:
            if order.fault.way is Way.HANG:
                await _pause(world, order.delay)
            return _hang_up(request)
        case _:
            assert_never(order.fault.way)


def _with_status(answer: web.Response, order: FaultOrder) -> web.Response:
    answer.set_status(order.status or 503)
    if order.retry_after is not None:
        answer.headers["Retry-After"] = str(order.retry_after)
    return answer


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection without a byte of an answer; what is returned is never written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _pause(world: World, seconds: float) -> None:
    """Wait, but not beyond the end of the sandbox."""
    try:
        async with asyncio.timeout(seconds):
            await world.closing.wait()
    except TimeoutError:
        pass
