"""The broker goes away, and a source whose sender would not send again is served all the same."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.broker.connect import open_broker
from core.broker.port import Broker
from core.broker.topology import RECORDER_QUEUE
from core.errors import ConfigurationError
from core.messages import decode_record
from core.settings import read_settings
from gateway.app import open_gateway
from tests.servers.rabbitmq import RabbitMQNode

CONFIG = """
sources:
  once:
    verify: {scheme: bearer, secrets: [{env: ONCE_KEY}]}
    events: ["order.*"]
    durability: spool
  again: {verify: {scheme: bearer, secrets: [{env: AGAIN_KEY}]}, events: ["order.*"]}
providers:
  sms: {kind: smsgateway24, token: {env: TOKEN}, device_id: 260, region: DE}
rules:
  - id: thanks
    on: order.placed
    do: [{call: sms.send, with: {to: "+4915112345678", text: "Thanks"}}]
"""
ONE_TEXT_AT_MOST = (
    'rabbit_policy:parse_set(<<"spool">>, <<"full">>, <<"^postern[.]sms[.]normal$">>,'
    ' <<"{\\"max-length\\": 1}">>, <<"0">>, <<"queues">>, <<"tests">>)'
)
KEYS = {"ONCE_KEY": "once-key-0123456789-0123456789", "AGAIN_KEY": "again-key-0123456789-012345678"}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def node() -> Iterator[RabbitMQNode]:
    """A node that no other test uses: these stop it."""
    with RabbitMQNode() as node:
        yield node


@pytest.fixture
def node_url(node: RabbitMQNode) -> str:
    return node.add_vhost("spool")


@dataclass(frozen=True, kw_only=True)
class Served:
    url: str
    admin: str
    http: aiohttp.ClientSession
    broker: Broker

    async def post(self, number: int, key: str = "ONCE_KEY") -> tuple[int, dict[str, Any]]:
        event = {"id": f"o-{number}", "type": "order.placed"}
        headers = {"Authorization": f"Bearer {KEYS[key]}"}
        url = f"{self.url}/v1/events"
        async with self.http.post(url, json=event, headers=headers) as answer:
            return answer.status, await answer.json()

    async def metric(self, name: str) -> float:
        async with self.http.get(f"{self.admin}/metrics") as answer:
            text = await answer.text()
        return next(
            float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")
        )

    async def until(self, name: str, value: float) -> None:
        async with asyncio.timeout(40):
            while await self.metric(name) != value:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.1)


@asynccontextmanager
async def served(
    folder: Path,
    broker_url: str,
    *,
    config_text: str = CONFIG,
    more: str = "",
    ready: bool = True,
    spool: bool = True,
) -> AsyncIterator[Served]:
    """With `ready` once its queues stand."""
    config = folder / "postern.yaml"
    config.write_text(config_text + more, encoding="utf-8")
    settings = read_settings(
        {
            "POSTERN_LISTEN": "127.0.0.1:0",
            "POSTERN_ADMIN": "127.0.0.1:0",
            "POSTERN_BROKER": broker_url,
            **({"POSTERN_SPOOL": str(folder / "spool")} if spool else {}),
        },
        config=config,
        data=folder,
    )
    async with (
        open_broker(settings.broker) as broker,
        open_gateway(settings, broker, None) as gateway,
        aiohttp.ClientSession() as http,
    ):
        async with asyncio.timeout(30):
            while ready and not gateway.readiness.declared:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)
        yield Served(
            url=f"http://{gateway.listen}",
            admin=f"http://{gateway.admin}",
            http=http,
            broker=broker,
        )


async def recorded(broker: Broker, count: int) -> list[str]:
    """The ids of the events at the broker, in their order there."""
    ids = []
    async with broker.subscribe(RECORDER_QUEUE, prefetch=count) as deliveries:
        async for delivery in deliveries:
            ids.append(decode_record(delivery.body).event.id)
            await delivery.ack()
            if len(ids) == count:
                return ids
    raise AssertionError("the queue was closed")


async def test_while_the_broker_is_away_events_go_to_the_spool_and_out_again_in_order(
    tmp_path: Path, node: RabbitMQNode, node_url: str
) -> None:
    async with served(tmp_path, node_url) as gateway:
        assert (await gateway.post(0))[0] == 202
        await asyncio.to_thread(node.stop)
        try:
            for number in range(1, 9):
                status, receipt = await gateway.post(number)
                assert (status, receipt["actions"][0]["state"]) == (202, "queued")
            status, problem = await gateway.post(99, "AGAIN_KEY")
            assert (status, problem["code"]) == (503, "broker-unavailable")
            assert await gateway.metric("postern_spool_messages") == 16
        finally:
            await asyncio.to_thread(node.start)
        await gateway.until("postern_spool_messages", 0)
        assert (await gateway.post(9))[0] == 202
        assert await recorded(gateway.broker, 10) == [f"o-{number}" for number in range(10)]
        assert await gateway.metric("postern_spool_drained_total") == 16


async def test_a_broker_that_does_not_answer_costs_the_sender_no_more_than_its_time(
    tmp_path: Path, node: RabbitMQNode, node_url: str
) -> None:
    """A black hole: the connection stands, and no confirm comes."""
    async with served(tmp_path, node_url) as gateway:
        await gateway.post(0)
        node.pause()
        try:
            async with asyncio.timeout(4):
                assert (await gateway.post(1))[0] == 202
        finally:
            node.resume()
        await gateway.until("postern_spool_messages", 0)
        assert set(await recorded(gateway.broker, 2)) == {"o-0", "o-1"}


async def test_a_gateway_that_ends_with_a_spool_goes_on_with_it(
    tmp_path: Path, node: RabbitMQNode, node_url: str
) -> None:
    async with served(tmp_path, node_url) as gateway:
        await asyncio.to_thread(node.stop)
        assert (await gateway.post(1))[0] == 202
    await asyncio.to_thread(node.start)
    async with served(tmp_path, node_url) as gateway:
        await gateway.until("postern_spool_messages", 0)
        assert await recorded(gateway.broker, 1) == ["o-1"]


@pytest.mark.fault(26)
async def test_a_full_spool_refuses_and_keeps_what_it_has(
    tmp_path: Path, node: RabbitMQNode, node_url: str
) -> None:
    async with served(tmp_path, node_url, more="spool: {messages: 3}\n") as gateway:
        await asyncio.to_thread(node.stop)
        try:
            assert (await gateway.post(1))[0] == 202
            status, problem = await gateway.post(2)
            assert (status, problem["code"]) == (503, "spool-full")
            assert await gateway.metric("postern_spool_refused_total") == 2
        finally:
            await asyncio.to_thread(node.start)
        await gateway.until("postern_spool_messages", 0)
        assert await recorded(gateway.broker, 1) == ["o-1"]


async def test_a_message_of_a_provider_that_is_gone_does_not_hold_up_the_others(
    tmp_path: Path, node: RabbitMQNode, node_url: str
) -> None:
    """Its event record carries the action whole; only the action's own message finds no queue."""
    await asyncio.to_thread(node.stop)
    async with served(tmp_path, node_url, ready=False) as gateway:
        for number in (1, 2):
            assert (await gateway.post(number))[0] == 202
    await asyncio.to_thread(node.start)
    other = CONFIG.replace("  sms:", "  other:").replace("sms.send", "other.send")
    async with served(tmp_path, node_url, config_text=other) as gateway:
        await gateway.until("postern_spool_messages", 2)
        assert await recorded(gateway.broker, 2) == ["o-1", "o-2"]


@pytest.mark.fault(6)
async def test_a_full_queue_does_not_hold_up_what_is_spooled_for_others(
    tmp_path: Path, node: RabbitMQNode, node_url: str
) -> None:
    await asyncio.to_thread(node.evaluate, ONE_TEXT_AT_MOST)
    async with served(tmp_path, node_url) as gateway:
        numbers = itertools.count(1)
        while (await gateway.post(next(numbers), "AGAIN_KEY"))[0] == 202:
            pass
        assert (await gateway.post(1000))[0] == 202
        assert (await gateway.post(1001))[0] == 202
        await gateway.until("postern_spool_messages", 2)
        written = await gateway.broker.depth(RECORDER_QUEUE)
        assert {"o-1000", "o-1001"} <= set(await recorded(gateway.broker, written))


@pytest.mark.fault(26)
async def test_a_spool_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where a folder belongs")
    with pytest.raises(ConfigurationError):
        async with served(tmp_path, "amqp://127.0.0.1:1/"):
            pass


async def test_a_source_that_wants_a_spool_and_has_none_stops_the_start(tmp_path: Path) -> None:
    """Otherwise its events would be refused one night, and nobody sends them again."""
    with pytest.raises(ConfigurationError, match=r"once.*durability: spool"):
        async with served(tmp_path, "amqp://127.0.0.1:1/", spool=False):
            pass
