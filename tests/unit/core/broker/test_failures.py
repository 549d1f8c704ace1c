"""What the RabbitMQ library raises becomes an error of ours; a cancellation only if it was one."""

from __future__ import annotations

import asyncio

import pytest
from aio_pika.exceptions import (
    AMQPConnectionError,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    DeliveryError,
    ProbableAuthenticationError,
)
from aiormq.base import FutureStore
from pamqp.commands import Basic

from core.broker.failures import library_failures
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, Unroutable


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (AMQPConnectionError("reset"), BrokerUnavailable),
        (ChannelInvalidStateError("closed"), BrokerUnavailable),
        (ConnectionResetError(104, "reset"), BrokerUnavailable),
        (OSError(-2, "Name or service not known"), BrokerUnavailable),
        (TimeoutError(), BrokerUnavailable),
        (asyncio.CancelledError(), BrokerUnavailable),
        (ProbableAuthenticationError("ACCESS_REFUSED"), BrokerUnavailable),
        (ChannelNotFoundEntity("NOT_FOUND - no exchange"), Unroutable),
        (DeliveryError(None, Basic.Nack(delivery_tag=1)), PublishRefused),
        (Unroutable("already ours"), Unroutable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_a_failure_of_the_library_comes_out_as_ours(
    raised: BaseException, expected: type[BrokerError]
) -> None:
    with pytest.raises(expected), library_failures("testing"):
        raise raised


async def test_a_mistake_of_ours_is_not_taken_for_a_broker_failure() -> None:
    with pytest.raises(KeyError), library_failures("testing"):
        raise KeyError("ours")


async def test_a_task_that_was_really_cancelled_stays_cancelled() -> None:
    async def work() -> None:
        with library_failures("testing"):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_inside_is_a_failure_and_a_limit_outside_is_not_ours() -> None:
    with pytest.raises(BrokerUnavailable), library_failures("testing"):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    async def wait_inside() -> None:
        with library_failures("testing"):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wait_inside(), 0.01)


async def test_what_the_library_rejects_without_a_reason_is_a_lost_connection() -> None:
    """An acknowledgement under way when the connection ended: it was a bare Exception, and the
    recorder's process ended with it."""
    store = FutureStore(loop=asyncio.get_running_loop())
    under_way = store.create_future()
    await store.reject_all(None)
    lost = pytest.raises(BrokerUnavailable, match="testing: the connection was lost")
    with lost, library_failures("testing"):
        await under_way
