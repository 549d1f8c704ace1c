"""`/getdata/addalotofsms`: many texts at once, from `datajson` or a JSON body; no ids come back."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from sandbox.smsgateway24.envelope import Failed, Fields, by_token, handle
from sandbox.smsgateway24.saving import check, save
from sandbox.world import World

CALL = "addalotofsms"


async def addalotofsms(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform, enter=_enter)


def _enter(world: World, fields: Fields) -> None:
    by_token(world, {"token": str(_content(fields).get("token") or "")})


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    smsdata = _content(fields).get("smsdata")
    if not isinstance(smsdata, list) or not smsdata:
        raise Failed("Parameter smsdata is required")
    refusal = None
    right = []
    for item in smsdata:
        text = _text(item)
        try:
            check(world, text)
        except Failed as failed:
            refusal = refusal or failed
        else:
            right.append(text)
    if refusal is None or world.switches.partial_bulk:
        for text in right:
            save(world, CALL, text, unset=0)
    if refusal is not None:
        raise refusal
    return {"message": "Sms has been saved successfully"}


def _content(fields: Fields) -> dict[str, Any]:
    """`datajson`, or what stood in a JSON body."""
    try:
        if "datajson" in fields:
            content = orjson.loads(fields["datajson"])
        else:
            smsdata = orjson.loads(fields.get("smsdata", "null"))
            content = {"token": fields.get("token"), "smsdata": smsdata}
    except orjson.JSONDecodeError:
        raise Failed("Parameter datajson is incorrect") from None
    return content if isinstance(content, dict) else {}


def _text(item: Any) -> Fields:
    """One of the texts, its values as a form would carry them."""
    given = item if isinstance(item, dict) else {}
    return {name: str(it) for name, it in given.items() if isinstance(it, str | int)}
