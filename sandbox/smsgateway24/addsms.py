"""`/getdata/addsms`: save one text, or one for each number in a list."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24.envelope import Fields, handle
from sandbox.smsgateway24.saving import save
from sandbox.world import World

CALL = "addsms"


async def addsms(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    saved = save(world, CALL, fields, unset=None)
    return {"sms_id": saved[0].id, "message": "Sms has been saved successfully"}
