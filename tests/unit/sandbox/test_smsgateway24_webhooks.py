"""What the gateway's simulator posts, to a server that really listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.sandbox.conftest import Sandbox
from tests.unit.sandbox.test_smsgateway24_calls import control, status_of


@dataclass
class Receiver:
    """Takes what is posted; `refusals`: how often it says no first."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    refusals: int = 0
    hang: asyncio.Event | None = None
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        if self.hang is not None:
            await self.hang.wait()
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        assert request.content_type == "application/json"
        async with self.came:
            self.bodies.append(await request.json())
            self.came.notify_all()
        return web.Response()

    async def received(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(10), self.came:
            await self.came.wait_for(lambda: len(self.bodies) >= count)
        return self.bodies


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taking = Receiver()
    app = web.Application()
    app.router.add_post("/hook", taking.take)
    async with TestServer(app) as server:
        taking.url = str(server.make_url("/hook"))
        yield taking


async def post_to(sandbox: Sandbox, receiver: Receiver, **settings: Any) -> None:
    status, _ = await control(sandbox, "PUT", "/webhooks", {"url": receiver.url, **settings})
    assert status == 200


async def sent(sandbox: Sandbox) -> int:
    """A text that the phone has brought all the way."""
    sms_id: int = (await sandbox.add())["sms_id"]
    sandbox.clock.advance(timedelta(seconds=10))
    await status_of(sandbox, sms_id, 7)
    return sms_id


async def counted(sandbox: Sandbox, expected: dict[str, int]) -> None:
    """The simulator counts a report once its answer is there, a moment after it was taken."""
    async with asyncio.timeout(5):
        while True:
            _, settings = await control(sandbox, "GET", "/webhooks")
            if settings["counts"] == expected:
                return
            await asyncio.sleep(0.02)


async def test_each_status_is_posted_in_the_shape_of_the_reference(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    await post_to(sandbox, receiver)
    sms_id = await sent(sandbox)
    bodies = await receiver.received(4)
    assert [body["status_id"] for body in bodies] == [3, 2, 6, 7]
    assert bodies[-1] == {
        "sms_id": sms_id,
        "status_id": 7,
        "status_message": "Delivered",
        "sendto": "+4915752982212",
        "senttime": "2026-11-22 10:00:10",
        "channel_id": 0,
        "device_id": 260,
    }


async def test_an_older_copy_says_sim(sandbox: Sandbox, receiver: Receiver) -> None:
    await post_to(sandbox, receiver, shape="older")
    await sent(sandbox)
    body = (await receiver.received(4))[-1]
    assert (body["sim"], "channel_id" in body) == (0, False)


async def test_the_article_says_it_in_words(sandbox: Sandbox, receiver: Receiver) -> None:
    await post_to(sandbox, receiver, shape="article")
    sms_id = await sent(sandbox)
    bodies = await receiver.received(4)
    assert [body["status"] for body in bodies] == ["queued", "sending", "sent", "delivered"]
    assert bodies[-1] == {
        "event": "delivery_status",
        "message_id": str(sms_id),
        "phone": "+4915752982212",
        "status": "delivered",
        "message": "Delivered",
        "timestamp": "2026-11-22T10:00:10Z",
        "device_id": "260",
    }


@pytest.mark.parametrize("shape", ["reference", "older", "article"])
async def test_an_incoming_text_is_posted_in_every_shape(
    sandbox: Sandbox, receiver: Receiver, shape: str
) -> None:
    await post_to(sandbox, receiver, shape=shape)
    somebody = {"from": "+4915752982212", "body": "STOP", "device_id": 260, "sim": 1}
    _, content = await control(sandbox, "POST", "/incoming", somebody)
    sms_id = content["sms_id"]
    (body,) = await receiver.received(1)
    if shape == "article":
        assert body == {
            "event": "incoming_sms",
            "message_id": str(sms_id),
            "phone": "+4915752982212",
            "message": "STOP",
            "timestamp": "2026-11-22T10:00:00Z",
            "device_id": "260",
        }
        return
    expected: dict[str, Any] = {
        "address": "+4915752982212",
        "date": "2026-11-22 10:00:00",
        "date_sent": "2026-11-22 10:00:00",
        "body": "STOP",
        "internal_id": sms_id % 100_000,
        "sms_id": sms_id,
        "device_id": 260,
        "device_name": "Pixel 6a (shop)",
    }
    if shape == "reference":
        assert body == {**expected, "channel_id": 1, "type": "text"}
    else:
        assert body == {**expected, "address": 4915752982212, "sim": 1}


async def test_reports_come_twice_if_that_is_wanted(sandbox: Sandbox, receiver: Receiver) -> None:
    await post_to(sandbox, receiver, duplicates=True)
    await sent(sandbox)
    bodies = await receiver.received(8)
    assert [body["status_id"] for body in bodies] == [3, 3, 2, 2, 6, 6, 7, 7]


async def test_reports_come_out_of_order_if_that_is_wanted(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    await post_to(sandbox, receiver, disorder=True, duplicates=True)
    await sent(sandbox)
    bodies = await receiver.received(8)
    assert [body["status_id"] for body in bodies] == [2, 3, 2, 3, 7, 6, 7, 6]


async def test_a_report_that_nothing_overtakes_comes_all_the_same(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    await post_to(sandbox, receiver, disorder=True)
    await control(sandbox, "POST", "/incoming", {"from": "Bank", "body": "Hello"})
    assert len(await receiver.received(1)) == 1


async def test_a_report_that_is_refused_is_posted_again(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.refusals = 2
    await post_to(sandbox, receiver)
    await control(sandbox, "POST", "/incoming", {"from": "Bank", "body": "Hello"})
    assert len(await receiver.received(1)) == 1
    await counted(sandbox, {"posted": 1, "failed": 0, "dropped": 0})


async def test_what_cannot_be_posted_is_counted_and_given_up(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.refusals = 3
    await post_to(sandbox, receiver)
    await control(sandbox, "POST", "/incoming", {"from": "Bank", "body": "first"})
    await control(sandbox, "POST", "/incoming", {"from": "Bank", "body": "second"})
    assert [body["body"] for body in await receiver.received(1)] == ["second"]
    await counted(sandbox, {"posted": 1, "failed": 1, "dropped": 0})


async def test_a_receiver_that_hangs_holds_up_no_phone(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.hang = asyncio.Event()
    await post_to(sandbox, receiver)
    await sent(sandbox)
    assert receiver.bodies == []
    receiver.hang.set()
    assert len(await receiver.received(4)) == 4


async def test_nothing_is_posted_any_more_once_it_is_taken_back(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    await post_to(sandbox, receiver)
    assert (await control(sandbox, "DELETE", "/webhooks"))[0] == 204
    await sent(sandbox)
    await post_to(sandbox, receiver)
    await control(sandbox, "POST", "/incoming", {"from": "Bank", "body": "Hello"})
    assert [body["body"] for body in await receiver.received(1)] == ["Hello"]


@pytest.mark.parametrize(
    "settings", [{}, {"url": "ftp://x"}, {"url": "http://x", "shape": "other"}, {"url": 7}]
)
async def test_settings_that_are_none_are_refused(
    sandbox: Sandbox, settings: dict[str, Any]
) -> None:
    status, content = await control(sandbox, "PUT", "/webhooks", settings)
    assert status == 400
    assert content["detail"].split(":")[0] in {"url", "shape"}
