"""Saving texts, whichever call they came by: the same rules, and an effect for each text.

What must not go in: how a call carries its texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.smsgateway24 import moments
from sandbox.smsgateway24.envelope import Failed, Fields, number, required
from sandbox.smsgateway24.shown import shown
from sandbox.smsgateway24.texts import Text
from sandbox.world import World

_SECRET = {"token", "email", "pass"}


def check(world: World, fields: Fields) -> None:
    """Refuse what cannot be saved. Raises Failed."""
    required(fields, "sendto", "body", "device_id")
    if not _numbers(fields):
        raise Failed("Parameter sendto is required")
    _timetosend(fields)
    if world.switches.known_devices_only and world.sms.devices.get(fields["device_id"]) is None:
        raise Failed("Device not found")


def save(world: World, call: str, fields: Fields, *, unset: int | None) -> list[Text]:
    """One text for each number. `unset`: what `customerid` is where none is given. Raises
    Failed."""
    check(world, fields)
    customerid = number(fields.get("customerid")) if world.switches.keep_customerid else None
    return [
        put(
            world,
            call,
            {name: value for name, value in fields.items() if name not in _SECRET},
            sendto=sendto,
            body=fields["body"],
            device_id=fields["device_id"],
            sim=number(fields.get("sim")) or 0,
            customerid=unset if customerid is None else customerid,
            urgent=True if fields.get("urgent") in {"1", "True"} else None,
            timetosend=_timetosend(fields),
        )
        for sendto in _numbers(fields)
    ]


def put(world: World, call: str, params: Mapping[str, Any], *, sendto: str, **text: Any) -> Text:
    """Save one text, write the effect down and show it."""
    now = world.clock.now()
    params = {**params, "sendto": sendto}
    ending = world.sms.outcomes.ending(params)
    saved = world.texts.add(sendto=sendto, created=now, ending=ending, **text)
    world.effects.record(
        provider="smsgateway24", call=call, at=now, params=params, reference=str(saved.id)
    )
    world.feed.put_text(saved.id, shown(saved))
    return saved


def _numbers(fields: Fields) -> list[str]:
    numbers = (number.replace(" ", "") for number in fields["sendto"].split(","))
    return [number for number in numbers if number]


def _timetosend(fields: Fields) -> datetime | None:
    written = fields.get("timetosend")
    try:
        return moments.read(written) if written else None
    except ValueError:
        raise Failed("Parameter timetosend is incorrect") from None
