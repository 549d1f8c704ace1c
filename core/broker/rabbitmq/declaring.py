"""Making the topology stand at RabbitMQ, on a connection of its own, and reading how deep a queue
is.

Only this declares, and only when asked: a declaration repeated at every reconnect would turn one
changed argument into an outage. Arguments cannot be changed on a queue that stands; whoever needs
that deletes the queue when it is empty and declares again.
"""

from __future__ import annotations

import re
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.channel import Channel

from core.broker.topology import (
    DEAD_EXCHANGE,
    DEAD_QUEUE,
    DEAD_QUEUE_LENGTH,
    DELIVERY_LIMIT,
    EXCHANGE,
    WORK_QUEUE_LENGTH,
    Topology,
)
from core.errors import TopologyMismatch

# RabbitMQ 4 drops a message of the last queue after twenty deliveries unless told otherwise, and
# 3.10 does not know "never": so a number that is never reached.
_NEVER = 1_000_000_000
_REPLICAS = 3
_TRIES = 5
_DIFFERENCE = re.compile(r"inequivalent arg '([^']+)' for (queue|exchange) '([^']+)'[^:]*: (.+)")


def work_queue_arguments() -> dict[str, Any]:
    """Of every queue but the dead one. At-least-once dead lettering needs a bound and
    reject-publish."""
    return {
        "x-queue-type": "quorum",
        "x-quorum-initial-group-size": _REPLICAS,
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-max-length": WORK_QUEUE_LENGTH,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-dead-letter-routing-key": DEAD_QUEUE,
        "x-dead-letter-strategy": "at-least-once",
    }


def dead_queue_arguments() -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-quorum-initial-group-size": _REPLICAS,
        "x-delivery-limit": _NEVER,
        "x-max-length": DEAD_QUEUE_LENGTH,
        "x-overflow": "reject-publish",
    }


async def declare(connection: AbstractConnection, topology: Topology) -> None:
    """Idempotent; the dead queue first, so that nothing dies before it has a place to go. One queue
    that stands otherwise does not keep the others from being declared."""
    wanted = [(DEAD_EXCHANGE, DEAD_QUEUE, dead_queue_arguments())]
    wanted += [(EXCHANGE, queue, work_queue_arguments()) for queue in topology.queues]
    refused: ChannelPreconditionFailed | None = None
    for exchange, queue, arguments in wanted:
        try:
            await _declare_queue(connection, exchange, queue, arguments)
        except ChannelPreconditionFailed as error:
            refused = refused or error
    if refused is not None:
        raise TopologyMismatch(_difference(refused)) from refused


async def ready(channel: Channel, queue: str) -> int:
    """How many messages are ready. Ends the channel: it is the question's own, since a missing
    queue closes it."""
    found = await channel.queue_declare(queue, passive=True)
    await channel.close()
    return found.message_count or 0


async def _declare_queue(
    connection: AbstractConnection, exchange: str, queue: str, arguments: dict[str, Any]
) -> None:
    """On a channel of its own: a refusal closes it. What is deleted between the declaration and the
    binding is declared once more, since a process that could not start then would stay down."""
    for again in reversed(range(_TRIES)):
        channel = await connection.channel()
        try:
            await _declare_once(channel, exchange, queue, arguments)
        except ChannelNotFoundEntity:
            if not again:
                raise
        else:
            await channel.close()
            return


async def _declare_once(
    channel: AbstractChannel, exchange_name: str, queue_name: str, arguments: dict[str, Any]
) -> None:
    exchange = await channel.declare_exchange(exchange_name, ExchangeType.DIRECT, durable=True)
    queue = await channel.declare_queue(queue_name, durable=True, arguments=arguments)
    await queue.bind(exchange, routing_key=queue_name)


def _difference(error: ChannelPreconditionFailed) -> str:
    text = " ".join(str(error).split())
    found = _DIFFERENCE.search(text)
    if found is None:
        return f"the broker refuses the topology: {text}"
    argument, kind, name, values = found.groups()
    return f"{kind} {name} stands with another {argument}: {values}"
