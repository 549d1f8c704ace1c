"""A gateway that really serves, in this process: real HTTP, the embedded broker, the SQLite
journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook

from core.broker.connect import open_broker
from core.broker.counted import BrokerMetrics, CountedBroker
from core.broker.port import Broker, Outgoing, Told
from core.broker.topology import RECORDER_QUEUE, Topology, work_queue
from core.errors import BrokerError, BrokerUnavailable
from core.journal.connect import open_journal
from core.journal.sql import SqlJournal
from core.messages import EventRecord, Lane, decode_record
from core.settings import read_settings
from gateway.app import Gateway, open_gateway
from gateway.settings import Limits

KEYS = {
    "SHOP_KEY": "shop-key-0123456789-0123456789",
    "OTHER_KEY": "other-key-0123456789-0123456789",
    "HOOK_OLD": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "HOOK_NEW": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "SMS_TOKEN": "not-read-here",
}
SHOP = {"Authorization": f"Bearer {KEYS['SHOP_KEY']}"}
OTHER = {"Authorization": f"Bearer {KEYS['OTHER_KEY']}"}

CONFIG = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}
    events: ["user.*", "order.*"]
  other:
    verify: {scheme: bearer, secrets: [{env: OTHER_KEY}]}
    events: ["order.*"]
  storefront:
    verify: {scheme: standard-webhooks, secrets: [{env: HOOK_NEW}, {env: HOOK_OLD}]}
    events: ["order.*"]
providers:
  sms: {kind: smsgateway24, url: "http://127.0.0.1:9", token: {env: SMS_TOKEN}, device_id: 260,
  region: DE}
rules:
  - id: thanks
    on: order.placed
    when: data.total > 10
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Thanks for your order"}
        lane: urgent
        expires: 10m
"""

ORDER = {
    "id": "o-1001",
    "type": "order.placed",
    "time": "2026-01-22T10:00:00Z",
    "data": {"total": 20, "phone": "+4915112345678"},
}


@dataclass
class Switch:
    """A real broker behind a switch: `error` and `hold` are what a bad network would do to it."""

    broker: Broker
    error: Exception | None = None
    hold: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    declared: list[Topology] = field(default_factory=list)
    away: bool = True
    """Whether an error means that there is no connection."""
    takes_posts: bool = True
    """Whether it takes messages without anybody waiting; so events go the short way."""
    posted: int = 0
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def connected(self) -> bool:
        return (self.error is None or not self.away) and self.broker.connected

    @property
    def blocked(self) -> bool:
        return self.broker.blocked

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.entered.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        await self.broker.publish(messages)

    @property
    def posts(self) -> bool:
        return self.takes_posts and self.connected

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        if not self.posts:
            return False
        self.posted += 1
        task = asyncio.create_task(self._tell(messages, told))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return True

    async def _tell(self, messages: Sequence[Outgoing], told: Told) -> None:
        error: BrokerError | None = None
        try:
            async with asyncio.timeout(2.5):
                await self.publish(messages)
        except BrokerError as raised:
            error = raised
        except TimeoutError:
            error = BrokerUnavailable("no answer in time")
        told(error)

    async def declare(self, topology: Topology) -> None:
        if self.error is not None:
            raise self.error
        await self.broker.declare(topology)
        self.declared.append(topology)

    def subscribe(self, queue: str, *, prefetch: int) -> Any:
        return self.broker.subscribe(queue, prefetch=prefetch)

    async def depth(self, queue: str) -> int:
        return await self.broker.depth(queue)


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running gateway and the means to talk to it."""

    gateway: Gateway
    broker: Switch
    journal: SqlJournal
    session: aiohttp.ClientSession
    config: Path

    @property
    def url(self) -> str:
        return f"http://{self.gateway.listen}"

    @property
    def admin_url(self) -> str:
        return f"http://{self.gateway.admin}"

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, self.url + path, **options) as response:
            is_json = "json" in response.content_type
            body = await response.json(content_type=None) if is_json else await response.read()
            return Answer(status=response.status, headers=dict(response.headers), body=body)

    async def post(self, event: Any, *, headers: dict[str, str] | None = None) -> Answer:
        return await self.ask("POST", "/v1/events", json=event, headers=headers or SHOP)

    async def hook(self, body: str, *, secret: str = KEYS["HOOK_NEW"], **changed: str) -> Answer:
        headers = {**sign(body, secret=secret), "Content-Type": "application/json", **changed}
        return await self.ask("POST", "/v1/hooks/storefront", data=body.encode(), headers=headers)

    async def probe(self, path: str) -> Answer:
        async with self.session.get(self.admin_url + path) as response:
            is_json = "json" in response.content_type
            body = await response.json() if is_json else await response.text()
            return Answer(status=response.status, headers=dict(response.headers), body=body)

    async def published(self) -> tuple[int, int]:
        """How many event records and how many actions stand at the broker."""
        actions = [
            await self.broker.depth(work_queue(provider, lane))
            for provider in self.broker.declared[-1].providers
            for lane in Lane
        ]
        return await self.broker.depth(RECORDER_QUEUE), sum(actions)

    async def record_next(self) -> EventRecord:
        """Do the recorder's work for one event."""
        async with self.broker.subscribe(RECORDER_QUEUE, prefetch=1) as deliveries:
            async for delivery in deliveries:
                record = decode_record(delivery.body)
                await self.journal.record([record])
                await delivery.ack()
                return record
        raise AssertionError("the recorder's queue was closed")


def sign(body: str, *, secret: str, webhook_id: str = "msg_1") -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, now, body),
    }


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    limits: Limits | None = None,
    broker_error: Exception | None = None,
    config_path: Path | None = None,
    listen: str = "127.0.0.1:0",
    with_journal: bool = True,
    operators: str = "",
) -> AsyncIterator[Served]:
    path = config_path or folder / "postern.yaml"
    if config_path is None:
        path.write_text(CONFIG)
    settings = read_settings(
        {
            "POSTERN_LISTEN": listen,
            "POSTERN_ADMIN": "127.0.0.1:0",
            "POSTERN_OPERATOR_KEYS": operators,
        },
        data=folder,
        config=path,
    )
    async with open_broker(settings.broker) as broker, open_journal(settings.journal) as journal:
        switch = Switch(broker=broker, error=broker_error)
        registry = CollectorRegistry()
        counted = CountedBroker(switch, BrokerMetrics(registry))
        # The client outlives the gateway: a stopping gateway must answer what it has begun.
        async with (
            aiohttp.ClientSession() as session,
            open_gateway(
                settings,
                counted,
                journal if with_journal else None,
                limits=limits,
                registry=registry,
            ) as it,
        ):
            yield Served(gateway=it, broker=switch, journal=journal, session=session, config=path)
