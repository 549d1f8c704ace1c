"""`/getdata/gettoken`: a token for an email and a password."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24.envelope import Fields, by_login, handle
from sandbox.world import World

CALL = "gettoken"


async def gettoken(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform, enter=by_login)


def _perform(world: World, fields: Fields) -> dict[str, Any]:  # noqa: ARG001 - who calls was asked before
    token = world.sms.tokens.issue(rotate=world.switches.rotate_tokens)
    return {"message": "OK", "token": token}
