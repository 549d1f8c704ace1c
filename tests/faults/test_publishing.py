"""What can happen between a publish and its confirm, through the public edge: the sender is told to
come again, comes again, and the customer gets one text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from core.broker.topology import EXCHANGE, work_queue
from core.messages import Lane
from tests.e2e.whole import KEYS, SHOP, Whole, every, whole
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQNode

CONFIG = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["order.*"]}
providers:
  sms:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
rules:
  - id: thanks
    on: order.placed
    do: [{call: sms.send, with: {to: "+4915112345678", text: "Thanks for {{ event.id }}"}}]
"""
QUEUE = work_queue("sms", Lane.NORMAL)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def network(broker_url: str) -> Iterator[Proxy]:
    with Proxy(_port(broker_url)) as proxy:
        yield proxy


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


@asynccontextmanager
async def shop(folder: Path, broker_url: str, network: Proxy) -> AsyncIterator[Whole]:
    async with whole(folder, CONFIG, broker=network.url(broker_url)) as postern:
        await ready(postern)
        yield postern


async def ready(postern: Whole) -> None:
    async with asyncio.timeout(30):
        while True:
            async with postern.http.get(f"{postern.admin}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.05)


async def post(postern: Whole, name: str) -> tuple[int, Any]:
    event = {"id": name, "type": "order.placed"}
    async with postern.http.post(f"{postern.url}/v1/events", json=event, headers=SHOP) as answer:
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) >= 1
        return answer.status, await answer.json()


async def post_until_taken(postern: Whole, name: str, *, within: float = 30) -> dict[str, Any]:
    """What a sender does that was told to come again."""
    async with asyncio.timeout(within):
        while True:
            status, receipt = await post(postern, name)
            if status == 202:
                taken: dict[str, Any] = receipt
                return taken
            assert status == 503
            await asyncio.sleep(0.2)


async def texts(postern: Whole) -> list[str]:
    return [effect["params"]["body"] for effect in await postern.effects("addsms")]


async def expect_one_text(
    postern: Whole, receipt: dict[str, Any], name: str, *, within: float = 30
) -> None:
    await postern.record(receipt["ref"], every(state="done"), within=within)
    # A second message would be carried out by now if it could be.
    await asyncio.sleep(0.5)
    assert await texts(postern) == [f"Thanks for {name}"]


@pytest.mark.fault(3)
async def test_a_reset_between_publish_and_confirm_is_503_and_the_retry_is_one_text(
    tmp_path: Path, broker_url: str, network: Proxy
) -> None:
    async with shop(tmp_path, broker_url, network) as postern:
        network.hold(forth=False)
        first = asyncio.create_task(post(postern, "o-1"))
        await asyncio.sleep(0.5)
        started = time.monotonic()
        network.reset()
        status, problem = await first
        assert (status, problem["code"]) == (503, "broker-unavailable")
        assert time.monotonic() - started < 1.5, "the loss is noticed, not waited out"
        network.let_go()
        await expect_one_text(postern, await post_until_taken(postern, "o-1"), "o-1")


@pytest.mark.fault(4)
async def test_a_black_hole_is_503_in_time_and_over_by_itself(
    tmp_path: Path, broker_url: str, network: Proxy
) -> None:
    async with shop(tmp_path, broker_url, network) as postern:
        network.hold()
        started = time.monotonic()
        answers = await asyncio.gather(*(post(postern, "o-1") for _ in range(5)))
        assert time.monotonic() - started < 3.5
        assert [status for status, _ in answers] == [503] * 5
        assert (await post(postern, "o-1"))[0] == 503
        network.let_go()
        await expect_one_text(postern, await post_until_taken(postern, "o-1"), "o-1")


@pytest.mark.fault(5)
async def test_a_confirm_that_comes_too_late_makes_no_second_text(
    tmp_path: Path, broker_url: str, network: Proxy
) -> None:
    async with shop(tmp_path, broker_url, network) as postern:
        network.hold(forth=False)
        status, _ = await post(postern, "o-1")
        assert status == 503
        network.let_go()
        await expect_one_text(postern, await post_until_taken(postern, "o-1"), "o-1")


@pytest.mark.fault(7)
@pytest.mark.fault(8)
@pytest.mark.timeout(180)
@pytest.mark.parametrize("gone", ["queue", "binding", "exchange"])
async def test_what_somebody_deleted_at_the_broker_stands_again_by_itself(
    gone: str, tmp_path: Path, broker_url: str, network: Proxy
) -> None:
    async with shop(tmp_path, broker_url, network) as postern:
        async with await aio_pika.connect(broker_url) as connection:
            channel = await connection.channel()
            if gone == "queue":
                await channel.queue_delete(QUEUE)
            elif gone == "binding":
                queue = await channel.get_queue(QUEUE, ensure=False)
                await queue.unbind(EXCHANGE, QUEUE)
            else:
                await channel.exchange_delete(EXCHANGE)
        status, problem = await post(postern, "o-1")
        assert status == 503, problem
        receipt = await post_until_taken(postern, "o-1", within=20)
        # RabbitMQ 3.10 at times loses the consumer of a queue that is deleted and declared again
        # within a moment, and does not say so: it is renewed after a minute without a message.
        await expect_one_text(postern, receipt, "o-1", within=90)


@pytest.mark.fault(9)
@pytest.mark.parametrize("alarm", ["memory", "disk"])
async def test_under_an_alarm_senders_are_told_and_what_was_taken_is_carried_out(
    alarm: str, tmp_path: Path, broker_url: str, network: Proxy, rabbitmq_node: RabbitMQNode
) -> None:
    watermark = "vm_memory_monitor:set_vm_memory_high_watermark"
    limit = "rabbit_disk_monitor:set_disk_free_limit"
    on, off = {
        "memory": (f"{watermark}(0.000001)", f"{watermark}(0.4)"),
        "disk": (f"{limit}(1000000000000000)", f"{limit}(50000000)"),
    }[alarm]
    async with shop(tmp_path, broker_url, network) as postern:
        receipts = [await post_until_taken(postern, f"o-{n}") for n in range(5)]
        await asyncio.to_thread(rabbitmq_node.evaluate, on)
        try:
            async with asyncio.timeout(20):
                # The broker blocks a connection with the first publish after the alarm.
                while True:
                    started = time.monotonic()
                    status, _ = await post(postern, "during")
                    if status == 503:
                        break
            assert time.monotonic() - started < 3.5
            for receipt in receipts:
                await postern.record(receipt["ref"], every(state="done"))
            opened = network.taken
            await asyncio.sleep(4)
            assert network.taken - opened < 8, "connections are not made in a storm"
        finally:
            await asyncio.to_thread(rabbitmq_node.evaluate, off)
        receipt = await post_until_taken(postern, "during")
        await postern.record(receipt["ref"], every(state="done"))
        await asyncio.sleep(0.5)
        assert sorted(await texts(postern)) == [
            "Thanks for during",
            *(f"Thanks for o-{n}" for n in range(5)),
        ]
