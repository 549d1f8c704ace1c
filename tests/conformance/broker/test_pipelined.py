"""Our own way of publishing against a broker that does what RabbitMQ does rarely."""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
import trustme
from pamqp import base, commands

from core.broker.port import Outgoing
from core.broker.rabbitmq import RabbitMQBroker, link, publishing
from core.broker.rabbitmq.pipelined import channel
from core.errors import BrokerBlocked, BrokerUnavailable, PublishRefused, Unroutable
from tests.conformance.broker.conftest import OTHER, QUEUE
from tests.conformance.broker.steps import eventually, messages, until_connected
from tests.servers.scripted import Peer, Published, ScriptedBroker, scripted_broker

LIMIT = timedelta(milliseconds=500)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (link, publishing):
        monkeypatch.setattr(module, "pause", lambda *_: 0.02)


def keep(_: Peer, __: Published) -> None:
    """Say nothing of it for now."""


@asynccontextmanager
async def publishing_to(
    scripted: ScriptedBroker | None = None, *, limit: timedelta = LIMIT
) -> AsyncIterator[tuple[ScriptedBroker, RabbitMQBroker]]:
    async with (
        scripted_broker(scripted) as peers,
        RabbitMQBroker(peers.url, publish_limit=limit) as broker,
    ):
        await until_connected(broker)
        yield peers, broker


def is_blocked(broker: RabbitMQBroker) -> bool:
    return broker.blocked


async def until_published(scripted: ScriptedBroker, count: int) -> list[Published]:
    async def reached() -> bool:
        return len(scripted.peer.published) >= count

    await eventually(reached)
    return scripted.peer.published


def numbers(scripted: ScriptedBroker) -> list[int]:
    return [int(message.body) for message in scripted.peer.published]


async def test_what_arrives_is_mandatory_persistent_in_order_and_named_anew() -> None:
    async with publishing_to() as (scripted, broker):
        await asyncio.gather(*(broker.publish(messages(QUEUE, [n, n + 1])) for n in (0, 2, 4)))
        await broker.publish(messages(OTHER, [6]))
        assert numbers(scripted) == [0, 1, 2, 3, 4, 5, 6]
        published = scripted.peer.published
        assert [message.queue for message in published] == [*[QUEUE] * 6, OTHER]
        assert all(message.mandatory and message.persistent for message in published)
        assert len({message.message_id for message in published}) == 7
        scripted.peer.hang_up()
        await until_connected(broker, connected=False)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [7]))
        assert scripted.peer.published[0].message_id not in {m.message_id for m in published}


async def test_confirms_may_come_in_any_order_singly_or_for_many() -> None:
    async with publishing_to(ScriptedBroker(on_publish=keep), limit=timedelta(seconds=5)) as (
        scripted,
        broker,
    ):
        calls = [asyncio.create_task(broker.publish(messages(QUEUE, [n]))) for n in range(6)]
        await until_published(scripted, 6)
        scripted.peer.ack(3)
        scripted.peer.ack(5)
        await asyncio.wait_for(asyncio.gather(calls[2], calls[4]), 2)
        assert not any(calls[n].done() for n in (0, 1, 3, 5))
        scripted.peer.ack(4, multiple=True)
        await asyncio.wait_for(asyncio.gather(*(calls[n] for n in (0, 1, 3))), 2)
        assert not calls[5].done()
        scripted.peer.nack(6, multiple=True)
        with pytest.raises(PublishRefused):
            await calls[5]


async def test_one_that_is_refused_or_comes_back_spoils_its_own_call_only() -> None:
    def odd(peer: Peer, message: Published) -> None:
        match int(message.body):
            case 1:
                peer.nack(message.tag)
            case 4:
                peer.give_back(message)
                peer.ack(message.tag)
            case _:
                peer.ack(message.tag)

    async with publishing_to(ScriptedBroker(on_publish=odd)) as (scripted, broker):
        verdicts = await asyncio.gather(
            broker.publish(messages(QUEUE, [0, 1])),
            broker.publish(messages(QUEUE, [2, 3])),
            broker.publish(messages(QUEUE, [4, 5])),
            return_exceptions=True,
        )
        assert [type(verdict) for verdict in verdicts] == [
            PublishRefused,
            type(None),
            Unroutable,
        ]
        assert len(scripted.peers) == 1


async def test_what_comes_back_under_a_name_that_is_not_ours_is_nobodys() -> None:
    def strange(peer: Peer, message: Published) -> None:
        for name in ("", "x", "ffffffff" + "0" * 15 + "1", "ffffffffnothing"):
            message.message_id = name
            peer.give_back(message)
        peer.ack(message.tag)

    async with publishing_to(ScriptedBroker(on_publish=strange)) as (_, broker):
        await broker.publish(messages(QUEUE, [1]))


@pytest.mark.fault(5)
async def test_a_confirm_that_comes_too_late_is_nobody_elses() -> None:
    async with publishing_to(ScriptedBroker(on_publish=keep)) as (scripted, broker):
        with pytest.raises(BrokerUnavailable, match="no answer in time"):
            await broker.publish(messages(QUEUE, [1]))
        second = asyncio.create_task(broker.publish(messages(QUEUE, [2])))
        await until_published(scripted, 2)
        scripted.peer.ack(1)
        await asyncio.sleep(0.05)
        assert not second.done()
        scripted.peer.ack(2)
        await second
        assert len(scripted.peers) == 1


async def test_a_caller_that_has_gone_leaves_nothing_behind() -> None:
    async with publishing_to(ScriptedBroker(on_publish=keep)) as (scripted, broker):
        gone = asyncio.create_task(broker.publish(messages(QUEUE, [1])))
        await until_published(scripted, 1)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        scripted.peer.nack(1)
        scripted.on_publish = lambda peer, message: peer.ack(message.tag)
        await broker.publish(messages(QUEUE, [2]))


@pytest.mark.fault(9)
async def test_a_broker_that_blocks_is_no_surprise_and_is_not_left() -> None:
    async with publishing_to(ScriptedBroker(on_publish=keep)) as (scripted, broker):
        waiting = asyncio.create_task(broker.publish(messages(QUEUE, [1])))
        await until_published(scripted, 1)
        scripted.peer.block("low on memory")
        await until_connected(broker, connected=False)
        assert is_blocked(broker)
        started = time.monotonic()
        for _ in range(20):
            with pytest.raises(BrokerUnavailable, match="low on memory"):
                await broker.publish(messages(QUEUE, [2]))
        assert time.monotonic() - started < LIMIT.total_seconds() / 2
        with pytest.raises(BrokerUnavailable, match="low on memory"):
            await waiting
        scripted.on_publish = lambda peer, message: peer.ack(message.tag)
        scripted.peer.unblock()
        await until_connected(broker)
        assert not is_blocked(broker)
        await broker.publish(messages(QUEUE, [3]))
        assert len(scripted.peers) == 1
        assert numbers(scripted) == [1, 3]


async def test_a_broker_that_stops_reading_costs_a_bounded_memory_and_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "_SILENT_CALLS", 1000)
    monkeypatch.setattr(publishing, "_SILENT_CALLS_WITH_SIGNS", 1000)
    async with publishing_to() as (scripted, broker):
        scripted.peer.stop_reading()
        body = b"x" * 1_000_000
        started = time.monotonic()
        for _ in range(3):
            verdicts = await asyncio.gather(
                *(broker.publish([Outgoing(queue=QUEUE, body=body)]) for _ in range(20)),
                return_exceptions=True,
            )
            assert {type(verdict) for verdict in verdicts} == {BrokerUnavailable}
        assert time.monotonic() - started < 6 * LIMIT.total_seconds()
        scripted.peer.read_on()
        await eventually(lambda: _is_taken(broker, body))
        # Of the sixty only the first twenty were written at all.
        assert len(scripted.peer.published) < 40


async def _is_taken(broker: RabbitMQBroker, body: bytes) -> bool:
    try:
        await broker.publish([Outgoing(queue=QUEUE, body=body)])
    except BrokerUnavailable:
        return False
    return True


async def test_no_more_than_so_many_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MOST", 10)
    async with publishing_to(ScriptedBroker(on_publish=keep), limit=timedelta(seconds=2)) as (
        scripted,
        broker,
    ):
        calls = [asyncio.create_task(broker.publish(messages(QUEUE, [n]))) for n in range(30)]
        await until_published(scripted, 10)
        await asyncio.sleep(0.1)
        assert numbers(scripted) == [*range(10)]
        scripted.peer.ack(10, multiple=True)
        await asyncio.wait_for(asyncio.gather(*calls[:10]), 1)
        verdicts = await asyncio.gather(*calls[10:], return_exceptions=True)
        assert {type(verdict) for verdict in verdicts} == {BrokerUnavailable}
        assert 10 < len(scripted.peer.published) < 30


async def test_what_cannot_be_written_takes_no_confirm_from_what_follows() -> None:
    def odd(peer: Peer, message: Published) -> None:
        if message.body != b"1":
            peer.ack(message.tag)

    async with publishing_to(ScriptedBroker(on_publish=odd)) as (_, broker):
        with pytest.raises(Unroutable):
            await broker.publish(messages("q" * 300, [0]))
        verdicts = await asyncio.gather(
            *(broker.publish(messages(QUEUE, [n])) for n in (1, 2)), return_exceptions=True
        )
        assert [type(verdict) for verdict in verdicts] == [BrokerUnavailable, type(None)]


@pytest.mark.fault(9)
async def test_a_broker_that_blocks_tells_those_who_wait_for_room_at_once() -> None:
    async with publishing_to(limit=timedelta(seconds=5)) as (scripted, broker):
        scripted.peer.stop_reading()
        body = b"x" * 1_000_000
        calls = []
        for _ in range(30):
            calls.append(asyncio.create_task(broker.publish([Outgoing(queue=QUEUE, body=body)])))
            await asyncio.sleep(0.02)
        started = time.monotonic()
        scripted.peer.block("low on disk")
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.2)
        told = [call for call in calls if call.done()]
        assert time.monotonic() - started < 1
        assert len(told) > 10
        assert all("low on disk" in str(call.exception()) for call in told)
        scripted.peer.unblock()
        scripted.peer.read_on()
        await asyncio.gather(*(call for call in calls if call not in told))
        assert len(scripted.peers) == 1


@pytest.mark.fault(9)
async def test_a_caller_without_patience_does_not_cost_a_blocked_broker_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is under way when it blocks is given up by callers with deadlines of their own."""
    monkeypatch.setattr(publishing, "_SIGN_LIMIT", timedelta(seconds=0.2))
    async with publishing_to(ScriptedBroker(on_publish=keep), limit=timedelta(seconds=1)) as (
        scripted,
        broker,
    ):
        calls = [asyncio.create_task(broker.publish(messages(QUEUE, [n]))) for n in range(5)]
        await until_published(scripted, 5)
        scripted.peer.block("low on memory")
        scripted.peer.stop_reading()
        await asyncio.sleep(0.6)
        for call in calls:
            call.cancel()
            await asyncio.wait([call])
        await asyncio.sleep(0.6)
        assert is_blocked(broker)
        assert len(scripted.peers) == 1


async def test_a_call_that_waits_for_room_takes_no_longer_than_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "MOST", 4)
    limit = timedelta(seconds=1)
    async with publishing_to(ScriptedBroker(on_publish=keep), limit=limit) as (scripted, broker):
        first = [asyncio.create_task(broker.publish(messages(QUEUE, [n]))) for n in range(4)]
        await until_published(scripted, 4)
        started = time.monotonic()
        late = asyncio.create_task(broker.publish(messages(QUEUE, [4])))
        await asyncio.sleep(0.7)
        scripted.peer.ack(2, multiple=True)
        await until_published(scripted, 5)
        with pytest.raises(BrokerUnavailable, match="no answer in time"):
            await late
        assert time.monotonic() - started < 1.4
        await asyncio.gather(*first, return_exceptions=True)


async def test_a_queue_that_confirms_nothing_does_not_hold_up_the_others_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "MOST", 20)

    def stuck(peer: Peer, message: Published) -> None:
        if message.queue != OTHER:
            peer.ack(message.tag)

    async with publishing_to(ScriptedBroker(on_publish=stuck)) as (scripted, broker):
        for first in (0, 10):
            verdicts = await asyncio.gather(
                broker.publish(messages(QUEUE, [99])),
                *(broker.publish(messages(OTHER, [first + n])) for n in range(10)),
                return_exceptions=True,
            )
            assert verdicts[0] is None
            assert {type(verdict) for verdict in verdicts[1:]} == {BrokerUnavailable}
        started = time.monotonic()
        await until_connected(broker)
        await eventually(lambda: _is_taken(broker, b"1"))
        assert time.monotonic() - started < 3 * LIMIT.total_seconds()
        assert len(scripted.peers) == 2


@pytest.mark.parametrize("is_blocked_too", [False, True])
async def test_queues_that_confirm_nothing_for_a_while_cost_no_connection(
    monkeypatch: pytest.MonkeyPatch, *, is_blocked_too: bool
) -> None:
    """They may be about to choose a leader, and this channel is told who it is."""
    monkeypatch.setattr(channel, "MOST", 20)
    monkeypatch.setattr(publishing, "_SILENT_CALLS_WITH_SIGNS", 1000)
    async with publishing_to(ScriptedBroker(on_publish=keep)) as (scripted, broker):
        calls = [asyncio.create_task(broker.publish(messages(QUEUE, [n]))) for n in range(20)]
        await until_published(scripted, 20)
        if is_blocked_too:
            scripted.peer.ack(1)
            scripted.peer.block("low on disk")
        verdicts = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(verdict) for verdict in verdicts[1:]} <= {BrokerUnavailable, BrokerBlocked}
        await asyncio.sleep(LIMIT.total_seconds())
        scripted.peer.ack(20, multiple=True)
        scripted.peer.unblock()
        scripted.on_publish = lambda peer, message: peer.ack(message.tag)
        await eventually(lambda: _is_taken(broker, b"1"))
        assert len(scripted.peers) == 1


@pytest.mark.parametrize(
    "ending",
    [
        (commands.Connection.Close(320, "CONNECTION_FORCED", 0, 0), 0),
        (commands.Channel.Close(406, "PRECONDITION_FAILED", 0, 0), 1),
    ],
    ids=["connection", "channel"],
)
async def test_an_end_that_comes_with_the_answer_to_the_opening_is_noticed(
    ending: tuple[base.Frame, int],
) -> None:
    scripted = ScriptedBroker(after_select=[ending])
    async with publishing_to(scripted) as (_, broker):

        async def opened_again() -> bool:
            return scripted.heard.count("Confirm.Select") == 2

        await eventually(opened_again)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [1]))


async def test_a_peer_that_ends_without_reading_is_noticed_at_once() -> None:
    async with publishing_to(limit=timedelta(seconds=30)) as (scripted, broker):
        scripted.peer.stop_reading()
        call = asyncio.create_task(broker.publish([Outgoing(queue=QUEUE, body=b"x" * 20_000_000)]))
        await asyncio.sleep(0.1)
        scripted.peer.end_writing()
        with pytest.raises(BrokerUnavailable, match="closed the connection"):
            await asyncio.wait_for(call, 2)
        await until_connected(broker)


async def test_a_channel_that_the_broker_closes_is_opened_again_on_the_same_connection() -> None:
    def refuse(peer: Peer, message: Published) -> None:
        if message.body == b"13":
            peer.tell(commands.Channel.Close(406, "PRECONDITION_FAILED - too large", 60, 40))

    async with publishing_to(ScriptedBroker(on_publish=refuse)) as (scripted, broker):
        verdicts = await asyncio.gather(
            *(broker.publish(messages(QUEUE, [n])) for n in (12, 13, 14)),
            return_exceptions=True,
        )
        assert {type(verdict) for verdict in verdicts} == {BrokerUnavailable}
        assert "PRECONDITION_FAILED" in str(verdicts[0])
        await until_connected(broker)
        assert len(scripted.peers) == 1
        scripted.peer.published.clear()
        scripted.on_publish = lambda peer, message: peer.ack(message.tag)
        await broker.publish(messages(QUEUE, [15]))


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (lambda peer: peer.hang_up(), "publishing: "),
        (lambda peer: peer.write(b"\x01\x00\x01\x7f\xff\xff\xff"), "larger than was agreed"),
        (lambda peer: peer.write(b"\x08\x00\x00\x00\x00\x00\x00\x00"), "does not end as it should"),
        (
            lambda peer: peer.tell(commands.Connection.Close(320, "CONNECTION_FORCED", 0, 0), 0),
            "CONNECTION_FORCED",
        ),
    ],
    ids=["reset", "too-large", "no-end", "closed"],
)
async def test_a_connection_that_ends_tells_everybody_why_and_comes_back(
    ending: object, reason: str
) -> None:
    assert callable(ending)
    async with publishing_to(ScriptedBroker(on_publish=keep), limit=timedelta(seconds=5)) as (
        scripted,
        broker,
    ):
        calls = [asyncio.create_task(broker.publish(messages(QUEUE, [n]))) for n in range(3)]
        await until_published(scripted, 3)
        started = time.monotonic()
        ending(scripted.peer)
        verdicts = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - started < 2
        assert {type(verdict) for verdict in verdicts} == {BrokerUnavailable}
        assert all(reason in str(verdict) for verdict in verdicts)
        scripted.on_publish = lambda peer, message: peer.ack(message.tag)
        await until_connected(broker)
        await broker.publish(messages(QUEUE, [3]))


async def test_a_peer_without_a_heartbeat_is_left_and_ours_are_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "HEARTBEAT", 1)
    with structlog.testing.capture_logs() as lines:
        async with publishing_to() as (scripted, broker):
            await until_connected(broker, connected=False)
            assert scripted.heard.count("Heartbeat") >= 3
            await until_connected(broker)
    assert "broker_connection_lost" in {line["event"] for line in lines}


async def test_a_login_that_is_refused_is_told_without_the_password() -> None:
    with structlog.testing.capture_logs() as lines:
        async with scripted_broker(ScriptedBroker(refuse_login=True)) as scripted:
            async with RabbitMQBroker(scripted.url) as broker:
                assert not broker.connected
                with pytest.raises(BrokerUnavailable):
                    await broker.publish(messages(QUEUE, [1]))
            assert scripted.peer.login == r"PLAIN '\x00postern\x00pa55word'"
    told = [line for line in lines if line["event"] == "broker_away"]
    assert "refused the user name or password" in told[0]["reason"]
    assert "pa55word" not in str(lines)


async def test_somebody_who_never_answers_is_left_in_time_with_nothing_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "CONNECT_LIMIT", timedelta(seconds=0.3))
    before = asyncio.all_tasks()
    with structlog.testing.capture_logs() as lines:
        async with (
            scripted_broker(ScriptedBroker(silent=True)) as scripted,
            RabbitMQBroker(scripted.url) as broker,
        ):
            assert not broker.connected
    told = [line for line in lines if line["event"] == "broker_away"]
    assert "no answer in time" in told[0]["reason"]

    async def gone() -> bool:
        return asyncio.all_tasks() == before

    await eventually(gone)


async def test_a_large_message_arrives_whole_in_the_frames_that_were_agreed_on() -> None:
    async with publishing_to(ScriptedBroker(frame_max=4096)) as (scripted, broker):
        for size in (0, 1, 4087, 4088, 4089, 8176, 8177, 100_000):
            body = bytes(n % 251 for n in range(size))
            await broker.publish([Outgoing(queue=QUEUE, body=body)])
            assert scripted.peer.published[-1].body == body


async def test_a_login_that_is_not_spoken_is_told() -> None:
    with structlog.testing.capture_logs() as lines:
        async with scripted_broker() as scripted, RabbitMQBroker(scripted.url + "?auth=amqplain"):
            assert not scripted.peer.login
    told = [line for line in lines if line["event"] == "broker_away"]
    assert "auth=plain or auth=external, not AMQPLAIN" in told[0]["reason"]


async def test_the_virtual_host_of_the_url_is_asked_for() -> None:
    async with publishing_to() as (scripted, _):
        assert "vhost shop/east" in scripted.heard


@pytest.mark.parametrize("login", ["plain", "external"])
async def test_over_tls_with_a_certificate_of_ones_own(login: str, tmp_path: Path) -> None:
    authority, folder = trustme.CA(), tmp_path
    trusted, mine = folder / "ca.pem", folder / "client.pem"
    authority.cert_pem.write_to_path(trusted)
    authority.issue_cert("postern").private_key_and_cert_chain_pem.write_to_path(mine)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert("localhost").configure_cert(context)
    given = {
        "plain": f"cafile={trusted}",
        "external": f"cadata={quote(b64encode(trusted.read_bytes()).decode())}",
    }
    async with scripted_broker(tls=context) as scripted:
        query = f"{given[login]}&certfile={mine}&auth={login}"
        url = f"amqps://postern:pa55word@localhost:{scripted.port}/?{query}"
        async with RabbitMQBroker(url) as broker:
            await until_connected(broker)
            await broker.publish(messages(QUEUE, [1]))
        assert scripted.peer.login.split()[0] == login.upper()
        assert "vhost /" in scripted.heard
