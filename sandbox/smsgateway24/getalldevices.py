"""`/getdata/getalldevices`: the phones of the account."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24.envelope import Fields, handle
from sandbox.world import World

CALL = "getalldevices"


async def getalldevices(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:  # noqa: ARG001 - it takes none
    now = world.clock.now()
    devices = {str(device.id): device.shown(now) for device in world.sms.devices}
    empty: Any = [] if world.switches.empty_list == "array" else {}
    return {"count": len(devices), "device": devices or empty, "message": "OK"}
