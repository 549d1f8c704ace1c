"""`/getdata/smstosend`: as `addsms`, with email and password in place of the token."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24.envelope import Fields, by_login, handle
from sandbox.smsgateway24.saving import save
from sandbox.world import World

CALL = "smstosend"


async def smstosend(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform, enter=by_login)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    saved = save(world, CALL, fields, unset=None)
    return {"sms_id": saved[0].id, "message": "Sms has been saved successfully"}
