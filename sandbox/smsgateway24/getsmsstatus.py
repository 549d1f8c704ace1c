"""`/getdata/getsmsstatus`: how far one text has come."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24 import statuses
from sandbox.smsgateway24.envelope import Failed, Fields, handle, number, required
from sandbox.world import World

CALL = "getsmsstatus"


async def getsmsstatus(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    required(fields, "sms_id")
    text = world.texts.get(number(fields["sms_id"]) or 0)
    if text is None:
        raise Failed("Sms not found")
    return {
        "sms_id": text.id,
        "status": text.status,
        "status_description": statuses.DESCRIPTIONS[text.status],
        "message": "Ok",
    }
