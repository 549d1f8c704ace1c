"""The simulated platform behind its own RabbitMQ: requests, imports, and answers that never
come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aio_pika
import orjson
import pytest

from core.clock import ManualClock
from core.errors import ConfigurationError
from sandbox.altcraft.queues import serve_queues
from sandbox.faults import FaultKind, FaultOrder
from sandbox.world import World

SET = {
    "token": "t",
    "db_id": 1,
    "resource_id": 1,
    "profile_id": "p-1",
    "channel": "email",
    "email": "john@example.com",
    "status": "subscribed",
}


@dataclass(kw_only=True)
class Client:
    """The other side of the broker: publishes, and collects what is answered."""

    world: World
    channel: aio_pika.abc.AbstractChannel
    answers: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    async def send(self, queue: str, content: Any) -> None:
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        await self.channel.default_exchange.publish(
            aio_pika.Message(body), routing_key=queue, mandatory=True
        )

    async def call(self, request_id: str | None, call: str, body: dict[str, Any]) -> None:
        message = {"request": f"api/v1.1/{call}", "body": body}
        await self.send(
            "api_req", message if request_id is None else {**message, "request_id": request_id}
        )

    async def answer(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return await self.answers.get()

    async def collect(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        content = orjson.loads(message.body)
        await message.ack()
        self.answers.put_nowait(content)


@asynccontextmanager
async def client_of(broker_url: str) -> AsyncIterator[Client]:
    world = World(clock=ManualClock(), pace=timedelta(seconds=1))
    async with serve_queues(world, broker_url):
        connection = await aio_pika.connect(broker_url)
        async with connection:
            client = Client(world=world, channel=await connection.channel())
            for name in ("api_resp", "database_import_result"):
                queue = await client.channel.get_queue(name)
                await queue.consume(client.collect)
            yield client


async def test_a_request_is_carried_out_and_answered_by_its_id(broker_url: str) -> None:
    async with client_of(broker_url) as client:
        await client.call("r-1", "subscriptions/set", SET)
        answer = await client.answer()
        assert answer["request_id"] == "r-1"
        assert answer["body"]["error"] == 0
        assert answer["body"]["data"]["action"] == "subscribed"
        await client.call("r-2", "subscriptions/set", {**SET, "status": "nonsense"})
        assert (await client.answer())["body"]["error"] == 400
        await client.call("r-3", "subscriptions/set", {**SET, "token": ""})
        assert (await client.answer())["body"]["error"] == 401
        assert client.world.effects.counts()["effects"] == {"subscriptions/set": 1}


async def test_a_request_without_an_id_is_carried_out_and_not_answered(broker_url: str) -> None:
    async with client_of(broker_url) as client:
        await client.call(None, "subscriptions/set", SET)
        await client.call("r-2", "subscriptions/set", SET)
        assert (await client.answer())["request_id"] == "r-2"
        assert client.world.effects.counts()["effects"] == {"subscriptions/set": 2}


async def test_a_profile_is_imported_or_only_updated(broker_url: str) -> None:
    message = {"account_id": 1, "db_id": 1, "email": "a@b", "data": {"_fname": "A"}}
    async with client_of(broker_url) as client:
        await client.send("database_import", {**message, "update_only": True, "feedback_id": "f-1"})
        failed = await client.answer()
        assert (failed["feedback_id"], failed["error"]) == ("f-1", 400)
        await client.send("database_import", {**message, "feedback_id": "f-2"})
        done = await client.answer()
        assert (done["feedback_id"], done["error"]) == ("f-2", 0)
        assert len(done["profile_id"]) == 24
        del message["account_id"]
        await client.send("database_import", {**message, "feedback_id": "f-3"})
        assert (await client.answer())["error"] == 400
        assert client.world.effects.counts()["effects"] == {"profiles/import": 1}


@pytest.mark.parametrize(
    ("fault", "effects"),
    [
        (FaultKind.DROP_AFTER_EFFECT, 1),
        (FaultKind.HANG_AFTER_EFFECT, 1),
        (FaultKind.HANG, 0),
        (FaultKind.DROP_BEFORE, 0),
    ],
)
async def test_an_answer_that_never_comes_says_nothing_about_the_effect(
    broker_url: str, fault: FaultKind, effects: int
) -> None:
    async with client_of(broker_url) as client:
        client.world.faults.add(FaultOrder(call="subscriptions/set", fault=fault))
        await client.call("r-1", "subscriptions/set", SET)
        await client.call("r-2", "vsenders/list", {"token": "t"})
        assert (await client.answer())["request_id"] == "r-2"
        assert client.world.effects.counts()["effects"].get("subscriptions/set", 0) == effects


@pytest.mark.parametrize(
    ("fault", "error", "effects"),
    [
        (FaultKind.STATUS, 503, 0),
        (FaultKind.STATUS_AFTER_EFFECT, 503, 1),
        (FaultKind.ERROR_BODY, 500, 0),
    ],
)
async def test_other_faults_are_answered(
    broker_url: str, fault: FaultKind, error: int, effects: int
) -> None:
    async with client_of(broker_url) as client:
        client.world.faults.add(FaultOrder(call="subscriptions/set", fault=fault))
        await client.call("r-1", "subscriptions/set", SET)
        assert (await client.answer())["body"]["error"] == error
        assert client.world.effects.counts()["effects"].get("subscriptions/set", 0) == effects


async def test_what_cannot_be_read_holds_nothing_up(broker_url: str) -> None:
    async with client_of(broker_url) as client:
        for junk in (b"{", b"[]", b"\xff", {"request": 5, "body": [], "request_id": "r-1"}):
            await client.send("api_req", junk)
        assert (await client.answer())["body"]["error"] == 401
        await client.send("database_import", b"null")
        assert (await client.answer())["error"] == 400
        await client.call("r-2", "subscriptions/set", SET)
        assert (await client.answer())["body"]["error"] == 0


async def test_a_broker_that_is_not_there_is_told() -> None:
    world = World(clock=ManualClock(), pace=timedelta(seconds=1))
    with pytest.raises(ConfigurationError, match="--amqp"):
        async with serve_queues(world, "amqp://guest:pw@127.0.0.1:1/"):
            pass
