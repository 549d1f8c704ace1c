"""`/getdata/savecontact`: a number under a tag, which goes by two names."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.smsgateway24.envelope import Failed, Fields, handle, number, required
from sandbox.smsgateway24.making import made
from sandbox.world import World

CALL = "savecontact"


async def savecontact(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    required(fields, "phone")
    tag_id = number(fields.get("ctag_id") or fields.get("tag_id"))
    if tag_id is None:
        raise Failed("Parameter ctag_id is required")
    if tag_id not in world.sms.contacts.tags:
        raise Failed("Tag not found")
    contact = world.sms.contacts.add_contact(
        phone=fields["phone"].replace(" ", ""),
        tag_id=tag_id,
        fullname=fields.get("fullname", ""),
    )
    made(world, CALL, fields, contact.id)
    return {"contact_id": contact.id, "message": "ok"}
