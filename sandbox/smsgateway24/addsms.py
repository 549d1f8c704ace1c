"""`/getdata/addsms`: save one text, or one for each number in a list."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from core.clock import to_text
from sandbox.smsgateway24 import moments
from sandbox.smsgateway24.envelope import Failed, Fields, handle
from sandbox.smsgateway24.texts import Text
from sandbox.world import World

CALL = "addsms"


async def addsms(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    for name in ("sendto", "body", "device_id"):
        if not fields.get(name, "").strip():
            raise Failed(f"Parameter {name} is required")
    now = world.clock.now()
    try:
        timetosend = moments.read(fields["timetosend"]) if fields.get("timetosend") else None
    except ValueError:
        raise Failed("Parameter timetosend is incorrect") from None
    customerid = _number(fields.get("customerid")) if world.switches.keep_customerid else None
    numbers = [number.replace(" ", "") for number in fields["sendto"].split(",")]
    saved = [
        world.texts.add(
            sendto=number,
            body=fields["body"],
            device_id=fields["device_id"],
            created=now,
            sim=_number(fields.get("sim")) or 0,
            customerid=customerid,
            urgent=True if fields.get("urgent") == "1" else None,
            timetosend=timetosend,
        )
        for number in numbers
        if number
    ]
    if not saved:
        raise Failed("Parameter sendto is required")
    for text in saved:
        params = {**fields, "sendto": text.sendto}
        reference = str(text.id)
        world.effects.record(
            provider="smsgateway24", call=CALL, at=now, params=params, reference=reference
        )
        world.feed.put_text(text.id, shown(text))
    return {"sms_id": saved[0].id, "message": "Sms has been saved successfully"}


def shown(text: Text) -> dict[str, Any]:
    """A text as the page shows it."""
    return {
        "id": text.id,
        "to": text.sendto,
        "body": text.body,
        "status": text.status,
        "title": text.title,
        "at": to_text(text.created),
        "later": to_text(text.timetosend) if text.timetosend else None,
        "urgent": bool(text.urgent),
    }


def _number(written: str | None) -> int | None:
    """As PHP casts: the digits in front, 0 if there are none."""
    if written is None or written == "":
        return None
    match = re.match(r"\s*(-?[0-9]{1,18})", written, re.ASCII)
    return int(match[1]) if match else 0
