"""`POST /api/v1.1/subscriptions/set`: add or edit a subscription."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from core.clock import to_text
from sandbox.altcraft.envelope import handle
from sandbox.world import World

CALL = "subscriptions/set"


async def subscriptions_set(request: web.Request) -> web.StreamResponse:
    return await handle(request, CALL, _perform)


def _perform(world: World, params: dict[str, Any], request_id: str | None) -> dict[str, Any]:
    change = world.subscriptions.set(params)
    now = world.clock.now()
    number = world.effects.record(
        provider="altcraft",
        call=CALL,
        at=now,
        params=params,
        reference=change.data["action"],
        request_id=request_id,
    )
    world.feed.put_entry(
        number,
        {
            "n": number,
            "at": to_text(now),
            "profile": params["profile_id"],
            "db": params["db_id"],
            "resource": params["resource_id"],
            "channel": params["channel"],
            "contact": change.contact,
            "status": change.data["action"],
            "is_new": any(
                change.data[flag]
                for flag in ("is_new_subscription", "is_new_channel", "is_new_contact")
            ),
            "changed": [
                {"field": name, "old": old, "new": new}
                for name, (old, new) in change.changed.items()
            ],
        },
    )
    return {"data": change.data}
