"""The platform's own RabbitMQ: the same calls as messages, and imports of single profiles.

Queues as the vendor names them; results of imports live for a day. What must not go in: what any
call does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError

from core.errors import ConfigurationError
from sandbox.altcraft.calls import ALTCRAFT_CALLS, carry_out
from sandbox.altcraft.errors import Incorrect
from sandbox.faults import FaultKind, FaultOrder, Way
from sandbox.world import World

RESULT_TTL = timedelta(days=1)
_QUEUES: dict[str, dict[str, int]] = {
    "api_req": {},
    "api_resp": {},
    "database_import": {},
    "database_import_result": {"x-message-ttl": int(RESULT_TTL.total_seconds() * 1000)},
}
_PREFIX = "api/v1.1/"
_AT_A_TIME = 50


@asynccontextmanager
async def serve_queues(world: World, amqp_url: str) -> AsyncIterator[None]:
    """Take requests from the broker for as long as the context is open.

    Raises ConfigurationError if there is no broker.
    """
    try:
        connection = await aio_pika.connect(
            amqp_url, client_properties={"connection_name": "postern sandbox"}
        )
    except (AMQPError, OSError, ValueError) as error:
        problem = f"no RabbitMQ can be reached there ({type(error).__name__})"
        raise ConfigurationError(problem, field="--amqp") from None
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.set_qos(prefetch_count=_AT_A_TIME)
        for name, arguments in _QUEUES.items():
            await channel.declare_queue(name, durable=True, arguments=dict(arguments))
        served = _Served(world, channel)
        for name, take in (("api_req", served.call), ("database_import", served.import_profile)):
            queue = await channel.get_queue(name)
            await queue.consume(take)
        yield


class _Served:
    """Requests of one channel, answered on it."""

    def __init__(self, world: World, channel: AbstractChannel) -> None:
        self._world = world
        self._channel = channel

    async def call(self, message: AbstractIncomingMessage) -> None:
        """A call of the API. It is answered only where the message names a request."""
        asked = _object(message.body)
        body = asked.get("body")
        params = body if isinstance(body, dict) else {}
        call = str(asked.get("request", "")).strip("/").removeprefix(_PREFIX).strip("/")
        request_id = asked.get("request_id")
        self._world.effects.count_request(call if call in ALTCRAFT_CALLS else "unknown")
        content = await self._carried_out(call, params, request_id, checks_token=True)
        await message.ack()
        if content is not None and isinstance(request_id, str) and request_id:
            await self._answer("api_resp", {"request_id": request_id, "body": content})

    async def import_profile(self, message: AbstractIncomingMessage) -> None:
        """One profile. The shape of the result is partly documented: the rest is ours."""
        asked = _object(message.body)
        call = "profiles/update" if asked.get("update_only") is True else "profiles/import"
        feedback_id = asked.get("feedback_id")
        self._world.effects.count_request(call)
        content: Any = {"error": 400, "error_text": "Incorrect request: account_id is required"}
        if isinstance(asked.get("account_id"), int):
            content = await self._carried_out(call, asked, feedback_id, checks_token=False)
        await message.ack()
        if content is not None:
            result = content if isinstance(content, dict) else {"error_text": content}
            await self._answer("database_import_result", {**result, "feedback_id": feedback_id})

    async def _carried_out(
        self, call: str, params: dict[str, Any], request_id: Any, *, checks_token: bool
    ) -> Any:
        """The envelope, or what a fault makes of it; None: there is no answer."""
        order = self._world.faults.take(call, params)
        if order is None:
            return self._act(call, params, request_id, checks_token=checks_token)
        self._world.effects.count_fault(call)
        acted = None
        if order.fault.after_effect:
            acted = self._act(call, params, request_id, checks_token=checks_token)
        if order.fault.way in {Way.DROP, Way.HANG}:
            return None
        if order.fault.way is Way.SLOW:
            await asyncio.sleep(order.delay)
            return acted or self._act(call, params, request_id, checks_token=checks_token)
        return _broken(order)

    def _act(
        self, call: str, params: dict[str, Any], request_id: Any, *, checks_token: bool
    ) -> dict[str, Any]:
        """In one step of the loop: nothing else runs in between."""
        if checks_token and not self._world.takes(params.get("token")):
            return {"error": 401, "error_text": "API token required"}
        try:
            name = request_id if isinstance(request_id, str) else None
            return carry_out(self._world, call, params, name)
        except Incorrect as incorrect:
            return incorrect.envelope()

    async def _answer(self, queue: str, content: dict[str, Any]) -> None:
        message = aio_pika.Message(
            orjson.dumps(content, option=orjson.OPT_SORT_KEYS),
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await self._channel.default_exchange.publish(message, routing_key=queue)


def _broken(order: FaultOrder) -> Any:
    if order.fault.way is Way.HTML:
        return "<!doctype html><h1>Bad gateway</h1>"
    in_body = order.fault is FaultKind.ERROR_BODY
    code = order.status or (500 if in_body else 503)
    return {"error": code, "error_text": order.message}


def _object(raw: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}
