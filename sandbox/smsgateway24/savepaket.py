"""`/getdata/savepaket`: a newsletter, which goes out when it is started on the phone."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.smsgateway24 import moments
from sandbox.smsgateway24.contacts import Paket
from sandbox.smsgateway24.envelope import Failed, Fields, handle, number, required
from sandbox.smsgateway24.making import made
from sandbox.smsgateway24.saving import put
from sandbox.world import World

CALL = "savepaket"
STARTED = "paket"
"""The call that its texts are written down under."""

_TAGS = re.compile(r"\s*[0-9]{1,15}\s*(,\s*[0-9]{1,15}\s*)*", re.ASCII)


async def savepaket(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def start(world: World, paket: Paket) -> list[int]:
    """What a tap on Start does: a text to each contact of its tags; their ids."""
    paket.started = True
    texts = [
        put(
            world,
            STARTED,
            {"body": paket.body, "device_id": paket.device_id, "paketid": paket.id},
            sendto=phone,
            body=paket.body,
            device_id=paket.device_id,
            sim=paket.sim,
            timetosend=paket.time_to_send,
            paketid=paket.id,
            pakettitle=paket.title,
            paketbody=paket.body,
        )
        for phone in world.sms.contacts.reached(paket)
    ]
    return [text.id for text in texts]


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    required(fields, "title", "device_id", "body", "tags")
    if not _TAGS.fullmatch(fields["tags"]):
        raise Failed("Parameter tags is incorrect")
    tags = tuple(int(tag) for tag in fields["tags"].split(","))
    if any(tag not in world.sms.contacts.tags for tag in tags):
        raise Failed("Tag not found")
    paket = world.sms.contacts.add_paket(
        title=fields["title"],
        device_id=fields["device_id"],
        body=fields["body"],
        tags=tags,
        sim=number(fields.get("sim")) or 0,
        time_to_send=_time_to_send(fields),
    )
    made(world, CALL, fields, paket.id)
    return {"paket_id": paket.id, "message": "OK"}


def _time_to_send(fields: Fields) -> datetime | None:
    written = fields.get("time_to_send", "0").strip()
    try:
        return None if written in {"", "0"} else moments.read_dotted(written)
    except ValueError:
        raise Failed("Parameter time_to_send is incorrect") from None
