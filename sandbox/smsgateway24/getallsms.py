"""`/getdata/getallsms`: the saved texts, filtered."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from aiohttp import web

from sandbox.smsgateway24 import moments
from sandbox.smsgateway24.envelope import Failed, Fields, handle
from sandbox.smsgateway24.texts import Text
from sandbox.world import World

CALL = "getallsms"

Test = Callable[[Text], bool]


async def getallsms(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, fields: Fields) -> dict[str, Any]:
    tests = list(_tests(fields))
    found = [text for text in world.texts if all(test(text) for test in tests)]
    if fields.get("orderbydesc") == "1":
        found.reverse()
    answer: dict[str, Any] = {"message": "Ok", "count": len(found)}
    if fields.get("onlycount") == "1":
        return answer
    empty: Any = [] if world.switches.empty_list == "array" else {}
    zone = moments.zone_named(fields.get("timezone", ""))
    return {**answer, "smss": {str(text.id): _row(text, zone) for text in found} or empty}


def _tests(fields: Fields) -> list[Test]:
    tests: list[Test] = []
    if number := fields.get("phone", "").replace(" ", ""):
        digits = _digits(number)
        tests.append(lambda text: _digits(text.sendto) == digits)
    if device := fields.get("device_id"):
        tests.append(lambda text: text.device_id == device)
    readers: dict[str, Callable[[Text], int | None]] = {
        "status": lambda text: text.status,
        "sim": lambda text: text.sim,
        "customerid": lambda text: text.customerid,
    }
    tests.extend(_equals(read, fields[name]) for name, read in readers.items() if fields.get(name))
    zone = moments.zone_named(fields.get("timezone", ""))
    try:
        if begin := fields.get("begindate"):
            first = moments.read(begin, zone)
            tests.append(lambda text: text.created >= first)
        if end := fields.get("enddate"):
            last = moments.read(end, zone)
            tests.append(lambda text: text.created <= last)
    except ValueError:
        raise Failed("Date is incorrect") from None
    return tests


def _equals(read: Callable[[Text], int | None], wanted: str) -> Test:
    return lambda text: str(read(text)) == wanted


def _digits(number: str) -> str:
    return re.sub(r"[^0-9]", "", number)


def _row(text: Text, zone: tzinfo) -> dict[str, Any]:
    """As documented; note `deviceid` here and `device_id` in requests."""
    return {
        "id": text.id,
        "sendto": text.sendto,
        "body": text.body,
        "customerid": text.customerid,
        "status": text.status,
        "statustitle": text.title,
        "deviceid": text.device,
        "urgent": text.urgent,
        "created": moments.php(text.created, zone),
        "senttime": moments.php(text.senttime, zone),
        "timetosend": moments.php(text.timetosend, zone),
        "sim": text.sim,
        "paketid": text.paketid,
        "pakettitle": text.pakettitle,
        "paketbody": text.paketbody,
    }
