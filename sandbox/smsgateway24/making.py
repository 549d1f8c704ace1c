"""The effect of a call that makes something that is no text. What must not go in: making it."""

from __future__ import annotations

from sandbox.smsgateway24.envelope import Fields
from sandbox.world import World


def made(world: World, call: str, fields: Fields, number: int) -> None:
    world.effects.record(
        provider="smsgateway24",
        call=call,
        at=world.clock.now(),
        params=fields,
        reference=str(number),
    )
