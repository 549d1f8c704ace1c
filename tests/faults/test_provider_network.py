"""Everything between us and a provider that can go wrong: whether the call may have taken effect is
told exactly, and a provider that asks us to wait is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import trustme

from consumers.breaker import BreakerState
from consumers.http import ANSWER_LIMIT, Lease, open_client
from core.clock import SystemClock
from core.errors import MaybeSent, NotSent
from core.journal.states import State
from tests.faults.stage import Stage, a_text, message
from vendors.wire import Answer, Request

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Peer = Callable[[Reader, Writer], Awaitable[None]]
REQUEST = Request(path="getdata/addsms", headers={}, body=b"sendto=1")


@asynccontextmanager
async def listening(peer: Peer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that does with each connection what `peer` does."""
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: Reader, writer: Writer) -> None:
        task = asyncio.ensure_future(peer(reader, writer))
        talking.add(task)
        with contextlib.suppress(OSError):
            try:
                await task
            finally:
                writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        server.close()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        await asyncio.sleep(0)


async def called(url: str, within: timedelta = timedelta(seconds=5)) -> Answer:
    clock = SystemClock()
    async with open_client(url, clock=clock, connections=1) as client:
        return await client.call(REQUEST, within=within, lease=Lease(until=clock.monotonic() + 60))


async def read_request(reader: Reader) -> None:
    await reader.readuntil(b"sendto=1")


async def resets(reader: Reader, writer: Writer) -> None:
    await read_request(reader)
    writer.transport.abort()


async def says_nothing(reader: Reader, writer: Writer) -> None:
    await read_request(reader)
    await reader.read()
    writer.close()


async def drips(reader: Reader, writer: Writer) -> None:
    """One byte at a time, for ever."""
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.05)


async def dies_in_the_body(reader: Reader, writer: Writer) -> None:
    """It said 200, and then it was gone."""
    await read_request(reader)
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"error":0,')
    await writer.drain()
    writer.close()


@pytest.mark.fault(20)
@pytest.mark.fault(24)
@pytest.mark.parametrize("peer", [resets, says_nothing, drips, dies_in_the_body])
async def test_what_went_wrong_after_the_request_was_written_may_have_taken_effect(
    peer: Peer,
) -> None:
    async with listening(peer) as url, asyncio.timeout(5):
        with pytest.raises(MaybeSent):
            await called(url, timedelta(seconds=0.5))


@pytest.mark.fault(20)
async def test_a_provider_that_does_not_take_our_connection_was_not_called() -> None:
    with pytest.raises(NotSent, match="cannot connect"):
        await called("http://127.0.0.1:9")


@pytest.mark.fault(20)
async def test_a_certificate_that_nobody_vouches_for_gets_no_call() -> None:
    seen = bytearray()

    async def keep(reader: Reader, writer: Writer) -> None:
        seen.extend(await reader.read())
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with listening(keep, context) as url:
        with pytest.raises(NotSent, match="TLS failure"):
            await called(url)
    assert not seen, "the token must not travel"


@pytest.mark.fault(20)
async def test_a_name_that_cannot_be_resolved_gets_no_call() -> None:
    with pytest.raises(NotSent, match="cannot be resolved"):
        await called("http://nowhere.invalid")


async def test_an_answer_without_end_is_cut_off() -> None:
    async def floods(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        piece = b" " * 65536
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    async with listening(floods) as url:
        assert len((await called(url)).body) == ANSWER_LIMIT


@pytest.mark.fault(21)
@pytest.mark.parametrize(("asked", "waits"), [(2, 2), (3600, 3600), (None, 1)])
async def test_a_provider_that_asks_us_to_wait_is_waited_for_and_nothing_is_used_up(
    asked: int | None, waits: int, stage: Stage
) -> None:
    worker = await stage.sms(retry=("1s",))
    more = {} if asked is None else {"retry_after": asked}
    await stage.fault("addsms", "status", status=429, times=3, **more)
    action, other = a_text("o-1"), a_text("o-2")
    await stage.deliver(worker, message(action))
    assert stage.breakers[0].state is BreakerState.OPEN
    await stage.deliver(worker, message(other))
    due_at = (await stage.stored(action)).due_at
    assert due_at is not None
    assert due_at - stage.clock.now() >= timedelta(seconds=waits) * 0.8
    for _ in range(8):
        await stage.pass_time(waits + 70)
        await stage.deliver_due(worker)
    for each in (action, other):
        assert (await stage.stored(each)).state is State.DONE
    assert len(await stage.effects("addsms")) == 2


@pytest.mark.fault(19)
async def test_a_call_that_never_ends_gives_its_slot_back(stage: Stage) -> None:
    """The timeout ends it, long before the broker would miss an acknowledgement."""
    worker = await stage.sms(timeout=timedelta(seconds=1))
    await stage.fault("addsms", "hang", times=1)
    action = a_text()
    async with asyncio.timeout(5):
        await stage.deliver(worker, message(action))
    assert (await stage.stored(action)).state is State.WAITING
