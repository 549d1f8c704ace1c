"""`/_sandbox/smsgateway24/...`: phones that go silent, texts that fail, tokens that end, webhooks.

For tests and demos on loopback: nothing here asks who is there. What must not go in: the vendor's
own calls.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core.web import answer_json
from sandbox.control import parsed, problem
from sandbox.smsgateway24 import statuses
from sandbox.smsgateway24.outcomes import OutcomeOrder
from sandbox.smsgateway24.savepaket import start
from sandbox.smsgateway24.seed import SeedAccount
from sandbox.smsgateway24.shown import shown
from sandbox.smsgateway24.webhooks import WebhookSettings
from sandbox.world import WORLD, World

_ROOT = "/_sandbox/smsgateway24"


class _Turn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    online: bool


class _Incoming(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sender: str = Field(alias="from", min_length=1, max_length=200)
    body: str = Field(max_length=10_000)
    device_id: int | str = 260
    sim: int = 0


def smsgateway24_routes() -> list[web.RouteDef]:
    return [
        web.get(_ROOT, _state),
        web.post(f"{_ROOT}/accounts", _add_account),
        web.post(f"{_ROOT}/tokens/revoke", _revoke),
        web.patch(_ROOT + "/devices/{id:[0-9]{1,18}}", _turn),
        web.post(f"{_ROOT}/outcomes", _order_outcome),
        web.delete(f"{_ROOT}/outcomes", _clear_outcomes),
        web.post(_ROOT + "/pakets/{id:[0-9]{1,9}}/start", _start),
        web.get(f"{_ROOT}/webhooks", _webhooks),
        web.put(f"{_ROOT}/webhooks", _set_webhooks),
        web.delete(f"{_ROOT}/webhooks", _stop_webhooks),
        web.post(f"{_ROOT}/incoming", _receive),
    ]


async def _state(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    now, contacts = world.clock.now(), world.sms.contacts
    by_status = Counter(text.title for text in world.texts)
    return answer_json(
        {
            "accounts": world.sms.tokens.emails,
            "devices": [
                {"online": device.online, **device.shown(now)} for device in world.sms.devices
            ],
            "tags": [{"id": tag.id, "title": tag.title} for tag in contacts.tags.values()],
            "contacts": [
                {"id": it.id, "phone": it.phone, "tag_id": it.tag_id, "fullname": it.fullname}
                for it in contacts.contacts.values()
            ],
            "pakets": [paket.shown() for paket in contacts.pakets.values()],
            "outcomes": world.sms.outcomes.shown(),
            "webhooks": _webhooks_shown(world),
            "counts": {
                "texts": by_status.total(),
                "statuses": dict(by_status),
                "contacts": len(contacts.contacts),
                "webhooks": world.sms.webhooks.counts,
            },
        }
    )


async def _add_account(request: web.Request) -> web.Response:
    account = parsed(SeedAccount, await request.read())
    if isinstance(account, web.Response):
        return account
    request.app[WORLD].sms.tokens.add_account(account.email, account.password)
    return web.Response(status=204)


async def _revoke(request: web.Request) -> web.Response:
    request.app[WORLD].sms.tokens.revoke()
    return web.Response(status=204)


async def _turn(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    turn = parsed(_Turn, await request.read())
    if isinstance(turn, web.Response):
        return turn
    device = world.sms.devices.get(request.match_info["id"])
    if device is None:
        return problem("no such device", status=404)
    now = world.clock.now()
    world.sms.devices.turn(device, online=turn.online, now=now)
    return answer_json({"online": device.online, **device.shown(now)})


async def _order_outcome(request: web.Request) -> web.Response:
    order = parsed(OutcomeOrder, await request.read())
    if isinstance(order, web.Response):
        return order
    outcomes = request.app[WORLD].sms.outcomes
    outcomes.add(order)
    return answer_json(outcomes.shown()[0], status=201)


async def _clear_outcomes(request: web.Request) -> web.Response:
    request.app[WORLD].sms.outcomes.clear()
    return web.Response(status=204)


async def _start(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    paket = world.sms.contacts.pakets.get(int(request.match_info["id"]))
    if paket is None:
        return problem("no such paket", status=404)
    if paket.started:
        return problem("it was started before", status=409)
    return answer_json({"id": paket.id, "texts": start(world, paket)})


async def _webhooks(request: web.Request) -> web.Response:
    return answer_json(_webhooks_shown(request.app[WORLD]))


async def _set_webhooks(request: web.Request) -> web.Response:
    settings = parsed(WebhookSettings, await request.read())
    if isinstance(settings, web.Response):
        return settings
    request.app[WORLD].sms.webhooks.settings = settings
    return await _webhooks(request)


async def _stop_webhooks(request: web.Request) -> web.Response:
    request.app[WORLD].sms.webhooks.settings = None
    return web.Response(status=204)


async def _receive(request: web.Request) -> web.Response:
    """Somebody texts us."""
    world = request.app[WORLD]
    given = parsed(_Incoming, await request.read())
    if isinstance(given, web.Response):
        return given
    device_id = str(given.device_id)
    device = world.sms.devices.get(device_id)
    text = world.texts.add(
        sendto=given.sender,
        body=given.body,
        device_id=device_id,
        created=world.clock.now(),
        sim=given.sim,
        status=statuses.INCOME,
        ending=statuses.INCOME,
    )
    world.feed.put_text(text.id, shown(text))
    world.sms.webhooks.tell_incoming(text, device.title if device is not None else "")
    return answer_json({"sms_id": text.id}, status=201)


def _webhooks_shown(world: World) -> dict[str, Any] | None:
    webhooks = world.sms.webhooks
    if webhooks.settings is None:
        return None
    return {**webhooks.settings.model_dump(mode="json"), "counts": webhooks.counts}
