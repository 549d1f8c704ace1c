"""A stage for schedules: a simulator over real HTTP, a real journal, two workers, a clock one
turns.

Each schedule is played by hand, step by step, so that what would lose or double without a rule
happens every time and not once in a thousand runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from consumers.breaker import Breaker, BreakerPolicy, BreakerState
from consumers.calls import Calls
from consumers.carrier import Carrier
from consumers.hand import Hand
from consumers.http import open_client
from consumers.metrics import ConsumerMetrics
from consumers.pauses import Pauses
from consumers.presence import Presence
from consumers.rates import Limits, RateLimit
from consumers.settings import ConsumerSettings
from core.clock import ManualClock
from core.configuration import SecretRef
from core.journal.connect import open_journal
from core.journal.port import ActionFilter, EventReport, Reported
from core.journal.sql import SqlJournal
from core.messages import Action, ActionMessage, Lane, encode_action
from sandbox.app import serve_sandbox
from tests.samples import NOON, an_action
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.provider import Provider
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.smsgateway24.provider import SmsGateway24Provider

LAG = timedelta(seconds=30)
LAGS = {"sms": LAG, "altcraft": LAG}
TIMEOUT = timedelta(seconds=2)
VENDORS = {"sms": SMSGATEWAY24, "altcraft": ALTCRAFT}


@dataclass
class Stage:
    """Everything a schedule needs. `sms` and `altcraft` make a further worker process each time."""

    sandbox: str
    journal: SqlJournal
    clock: ManualClock
    http: aiohttp.ClientSession
    opened: AsyncExitStack
    states: list[tuple[BreakerState, str]] = field(default_factory=list)
    breakers: list[Breaker] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    pauses: Pauses = field(init=False)

    def __post_init__(self) -> None:
        metrics = ConsumerMetrics(CollectorRegistry())
        presence = Presence(self.journal, metrics, ConsumerSettings().journal_pause)
        self.pauses = Pauses(self.journal, presence, metrics)

    async def sms(self, **settings: Any) -> Carrier:
        provider = self.sms_provider(**settings)
        return self.carrier("sms", provider, await self.calls("sms", provider))

    def sms_provider(self, **settings: Any) -> SmsGateway24Provider:
        given = {"token": SecretRef(env="POSTERN_TEST_TOKEN"), "device_id": 260} | settings
        return SmsGateway24Provider(
            url=f"{self.sandbox}/smsgateway24", region="DE", **self._common(given)
        )

    async def altcraft(self, **settings: Any) -> Carrier:
        provider = AltcraftProvider(
            url=f"{self.sandbox}/altcraft",
            token=SecretRef(env="POSTERN_TEST_TOKEN"),
            db_id=1,
            resource_id=1,
            **self._common(settings),
        )
        return self.carrier("altcraft", provider, await self.calls("altcraft", provider))

    def _common(self, settings: dict[str, Any]) -> dict[str, Any]:
        pauses = ("1s", "1s", "1s", "1s")
        return {"timeout": TIMEOUT, "reconcile_lag": LAG, "retry": pauses} | settings

    async def calls(self, name: str, provider: Provider) -> Calls:
        """One process's way to the provider: its token and its turns among phones."""
        client = await self.opened.enter_async_context(
            open_client(provider.url, clock=self.clock, connections=10)
        )
        return Calls(
            name=name,
            provider=provider,
            vendor=VENDORS[name],
            caller=client,
            metrics=ConsumerMetrics(CollectorRegistry()),
            clock=self.clock,
            limits=Limits(
                name,
                provider.rate,
                provider.way_rate(),
                lambda limit, rate, _: RateLimit(limit, rate, self.journal, self.clock),
            ),
        )

    def carrier(self, name: str, provider: Provider, calls: Calls) -> Carrier:
        settings = ConsumerSettings()
        breaker = Breaker(
            policy=BreakerPolicy(
                threshold=settings.breaker_threshold,
                pause=settings.breaker_pause,
                longest=settings.breaker_longest,
                refusal_pause=settings.refusal_pause,
            ),
            clock=self.clock,
            on_change=lambda state, cause, _was: self.states.append((state, cause)),
        )
        self.breakers.append(breaker)
        return Carrier(
            name=name,
            provider=provider,
            vendor=VENDORS[name],
            calls=calls,
            journal=self.journal,
            breaker=breaker,
            metrics=ConsumerMetrics(CollectorRegistry()),
            pauses=self.pauses,
            stopping=self.stopping,
            settings=settings,
            clock=self.clock,
            hands={lane: Hand(20, lane) for lane in Lane},
        )

    # What the world does.

    async def fault(self, call: str, kind: str, *, times: int = 1000, **order: Any) -> None:
        body = {"call": call, "fault": kind, "times": times, **order}
        async with self.http.post(f"{self.sandbox}/_sandbox/faults", json=body) as answer:
            assert answer.status == 201, await answer.text()

    async def effects(self, call: str) -> list[dict[str, Any]]:
        async with self.http.get(f"{self.sandbox}/_sandbox/effects", params={"call": call}) as got:
            found = await got.json()
        effects: list[dict[str, Any]] = found["effects"] if isinstance(found, dict) else found
        return effects

    async def pass_time(self, seconds: float) -> None:
        """Time passes, and the scheduler looks at leases that ran out."""
        self.clock.advance(timedelta(seconds=seconds))
        await self.journal.take_over(LAGS, limit=100)

    # What becomes of actions.

    async def deliver(self, carrier: Carrier, message: ActionMessage) -> None:
        await carrier.carry(encode_action(message), Lane.NORMAL)

    async def deliver_due(self, carrier: Carrier) -> int:
        """What the scheduler would publish now, delivered at once."""
        due = await self.journal.due(limit=100)
        for item in due:
            await self.journal.mark_queued([item])
            await self.deliver(carrier, item.message)
        return len(due)

    async def stored(self, action: Action) -> Reported:
        page = await self.journal.actions(ActionFilter(ref=action.ref, limit=1000))
        return next(found for found in page.actions if found.id == action.id)

    async def report(self, action: Action) -> EventReport:
        report = await self.journal.event(action.ref)
        assert report is not None
        return report


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    clock = ManualClock()
    async with AsyncExitStack() as opened:
        sandbox = await opened.enter_async_context(serve_sandbox("127.0.0.1:0", clock=clock))
        journal = await opened.enter_async_context(
            open_journal(f"sqlite:{folder}/journal.db", clock=clock)
        )
        http = await opened.enter_async_context(aiohttp.ClientSession())
        yield Stage(sandbox=sandbox, journal=journal, clock=clock, http=http, opened=opened)


def a_text(event_id: str = "o-1", *, to: str = "+4915123456789", **rest: Any) -> Action:
    params = {"to": to, "text": f"Order {event_id}", "device_id": 260}
    return an_action(event_id, params=params, recipient=to, **rest)


def a_text_by_any_phone(event_id: str) -> Action:
    to = "+4915123456789"
    return an_action(event_id, params={"to": to, "text": f"Order {event_id}"}, recipient=to)


def an_update(event_id: str, *, minute: int = 0, profile: str = "p1", **fields: Any) -> Action:
    params = {
        "db_id": 1,
        "resource_id": 1,
        "profile_id": profile,
        "channel": "email",
        "email": "ada@example.com",
        **fields,
    }
    return an_action(
        event_id,
        step="altcraft.subscriptions/set",
        at=NOON + timedelta(minutes=minute) - timedelta(hours=1),
        provider="altcraft",
        operation="subscriptions/set",
        params=params,
    )


def message(action: Action, seq: int = 0) -> ActionMessage:
    return ActionMessage(action=action, seq=seq)
