"""`/getdata/savetag`: a tag; saved twice it is two."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24.envelope import Fields, handle, required
from sandbox.smsgateway24.making import made
from sandbox.world import World

CALL = "savetag"


async def savetag(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    required(fields, "title")
    tag = world.sms.contacts.add_tag(fields["title"])
    made(world, CALL, fields, tag.id)
    return {"tag_id": tag.id, "message": "OK"}
