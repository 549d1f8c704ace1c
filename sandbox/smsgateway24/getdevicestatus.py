"""`/getdata/getdevicestatus`: whether one phone is online."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24 import moments
from sandbox.smsgateway24.envelope import Failed, Fields, handle, required
from sandbox.world import World

CALL = "getdevicestatus"


async def getdevicestatus(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    required(fields, "device_id")
    device = world.sms.devices.get(fields["device_id"])
    if device is None:
        raise Failed("Device not found")
    now = world.clock.now()
    lastseen = device.lastseen(now)
    return {
        "online": device.online,
        "message": "OK",
        "device_id": device.id,
        "lastseen": moments.php(lastseen),
        "diffseconds": int((now - lastseen).total_seconds()),
        "title": device.title,
    }
