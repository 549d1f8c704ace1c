"""Everything the simulators know, in memory, in one place: gone with the process, or with a reset.

What must not go in: HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from core.clock import Clock
from sandbox.altcraft.memory import Memory
from sandbox.altcraft.platform import Platform
from sandbox.effects import EffectLog
from sandbox.faults import Faults
from sandbox.feed import Feed
from sandbox.smsgateway24.account import SmsAccount
from sandbox.smsgateway24.texts import Texts
from sandbox.switches import Switches


@dataclass(slots=True, kw_only=True)
class World:
    """The state of both simulators. `tokens` None: any token that is not empty is taken."""

    clock: Clock
    tokens: frozenset[str] | None = None
    pace: timedelta
    switches: Switches = field(default_factory=Switches)
    effects: EffectLog = field(default_factory=EffectLog)
    faults: Faults = field(default_factory=Faults)
    feed: Feed = field(default_factory=Feed)
    memory: Memory = field(default_factory=Memory)
    altcraft: Platform = field(default_factory=Platform)
    texts: Texts = field(init=False)
    sms: SmsAccount = field(init=False)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    plant: Callable[[World], None] | None = None
    """Puts what is known at the start there, again after each reset."""

    def __post_init__(self) -> None:
        self.texts = Texts(self.pace)
        self.sms = SmsAccount(known=self.takes, pace=self.pace, now=self.clock.now())
        if self.plant is not None:
            self.plant(self)

    def takes(self, token: object) -> bool:
        if not isinstance(token, str) or not token:
            return False
        return self.tokens is None or token in self.tokens

    def reset(self) -> None:
        """Forget everything but the switches, and start again as at first."""
        self.effects = EffectLog()
        self.faults.clear()
        self.memory.clear()
        self.altcraft = Platform()
        self.texts.clear()
        self.sms.clear(self.clock.now())
        self.feed.reset()
        if self.plant is not None:
            self.plant(self)


WORLD = web.AppKey("world", World)
