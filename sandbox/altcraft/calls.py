"""Every call of the platform that is simulated, and carrying one out, whichever way it came.

What must not go in: HTTP, and what any one call does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.clock import to_text
from sandbox.altcraft.done import Act, Done, Params, Shown
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.market_calls import MARKET_CALLS
from sandbox.altcraft.profile_calls import PROFILE_CALLS
from sandbox.altcraft.reading_calls import READING_CALLS
from sandbox.altcraft.start_calls import START_CALLS
from sandbox.altcraft.subscription_calls import SUBSCRIPTION_CALLS
from sandbox.altcraft.suppression_calls import SUPPRESSION_CALLS
from sandbox.altcraft.vsender_calls import VSENDER_CALLS
from sandbox.world import World

ALTCRAFT_CALLS: Mapping[str, Act] = {
    **SUBSCRIPTION_CALLS,
    **PROFILE_CALLS,
    **START_CALLS,
    **VSENDER_CALLS,
    **SUPPRESSION_CALLS,
    **MARKET_CALLS,
    **READING_CALLS,
}

READS = frozenset(
    {
        "subscriptions/get",
        "subscriptions/list",
        "subscriptions/list_all",
        "profiles/get",
        "vsenders/list",
        "admin/vsenders/list",
        "vsenders/get",
        "suppresses/email_check",
        "suppresses/phone_check",
        "market/orders/list",
        "market/orders/get_status",
        *READING_CALLS,
    }
)
"""Calls that change nothing: counted, but no effects."""


def carry_out(world: World, call: str, params: Params, request_id: str | None) -> dict[str, Any]:
    """Take effect, and return the envelope. Raises Incorrect; then nothing has changed."""
    if call in world.switches.altcraft_forbidden:
        raise Incorrect("No access to this call", 403)
    if call not in READS and world.switches.altcraft_tariff_limit:
        raise Incorrect("Tariff limit reached", 402)
    act = ALTCRAFT_CALLS.get(call)
    if act is None:
        raise Incorrect("there is no such method")
    done = act(world.altcraft, params, world.clock.now())
    if call not in READS:
        _record(world, call, params, done, request_id)
    return {**done.content, "error": 0, "error_text": done.words}


def _record(world: World, call: str, params: Params, done: Done, request_id: str | None) -> None:
    now = world.clock.now()
    number = world.effects.record(
        provider="altcraft",
        call=call,
        at=now,
        params=params,
        reference=done.reference,
        request_id=request_id,
    )
    for index, shown in enumerate(done.shown):
        # The page sorts by it: several changes of one effect stand side by side.
        entry = {"n": number + index / 1_000_000 if index else number, "at": to_text(now)}
        world.feed.put_entry(number * 1_000_000 + index, entry | _entry(shown))


def _entry(shown: Shown) -> dict[str, Any]:
    resource_id, channel, contact = shown.change.key
    return {
        "profile": shown.profile_id,
        "db": shown.db_id,
        "resource": resource_id,
        "channel": channel,
        "contact": contact,
        "status": shown.change.data["action"],
        "is_new": shown.change.is_new,
        "changed": [
            {"field": name, "old": old, "new": new}
            for name, (old, new) in shown.change.changed.items()
        ],
    }
