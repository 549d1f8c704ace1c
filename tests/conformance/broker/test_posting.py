"""Messages that nobody waits for: each verdict is told once, and whoever is told may post again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.broker.rabbitmq import RabbitMQBroker, publishing
from core.broker.rabbitmq.pipelined import channel
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, Unroutable
from tests.conformance.broker.conftest import QUEUE
from tests.conformance.broker.steps import eventually, messages, until_connected
from tests.conformance.broker.test_pipelined import LIMIT, keep, publishing_to, until_published
from tests.servers.scripted import Peer, Published, ScriptedBroker

Verdicts = dict[int, list[BrokerError | None]]


def poster(broker: RabbitMQBroker) -> tuple[Callable[[int], bool], Verdicts]:
    verdicts: Verdicts = {}

    def post(number: int) -> bool:
        verdicts[number] = []
        taken = broker.post(messages(QUEUE, [number]), verdicts[number].append)
        assert not verdicts[number], "told before it was posted"
        return taken

    return post, verdicts


async def until_told(verdicts: Verdicts, count: int) -> None:
    async def told() -> bool:
        return sum(map(bool, verdicts.values())) >= count

    await eventually(told)


async def test_each_verdict_is_told_once() -> None:
    def odd(peer: Peer, message: Published) -> None:
        match int(message.body):
            case 1:
                peer.nack(message.tag)
            case 2:
                peer.give_back(message)
                peer.ack(message.tag)
            case _:
                peer.ack(message.tag)

    async with publishing_to(ScriptedBroker(on_publish=odd)) as (_, broker):
        post, verdicts = poster(broker)
        assert all(post(number) for number in range(4))
        await until_told(verdicts, 4)
        assert [[type(it) for it in verdicts[number]] for number in range(4)] == [
            [type(None)],
            [PublishRefused],
            [Unroutable],
            [type(None)],
        ]


async def test_without_a_connection_or_room_nothing_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "MOST", 3)
    async with publishing_to(ScriptedBroker(on_publish=keep)) as (scripted, broker):
        post, _ = poster(broker)
        assert [post(number) for number in range(5)] == [True, True, True, False, False]
        assert not broker.posts
        await until_published(scripted, 3)
        scripted.peer.ack(3, multiple=True)

        async def again() -> bool:
            return broker.posts

        await eventually(again)
        scripted.peer.block("low on disk")
        await until_connected(broker, connected=False)
        assert not post(9)
        scripted.peer.unblock()
        await until_connected(broker)
        scripted.peer.hang_up()
        await until_connected(broker, connected=False)
        assert not post(10)


async def test_who_is_told_that_it_took_too_long_may_post_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hundreds at a time: neither a stack of calls nor a timer for each."""
    monkeypatch.setattr(publishing, "_SILENT_CALLS", 10_000)
    monkeypatch.setattr(publishing, "_SILENT_CALLS_WITH_SIGNS", 10_000)
    async with publishing_to(ScriptedBroker(on_publish=keep)) as (scripted, broker):
        first: list[BrokerError | None] = []
        second: list[BrokerError | None] = []

        def told(error: BrokerError | None) -> None:
            first.append(error)
            assert broker.post(messages(QUEUE, [1]), second.append)

        for _ in range(500):
            assert broker.post(messages(QUEUE, [0]), told)
        await asyncio.sleep(LIMIT.total_seconds() * 1.5)
        assert [type(it) for it in first] == [BrokerUnavailable] * 500
        assert not second
        timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        looks = [it for it in timers if not it.cancelled() and "_look" in repr(it)]
        assert len(looks) == 1
        scripted.peer.ack(0, multiple=True)

        async def all_told() -> bool:
            return len(second) == 500

        await eventually(all_told)
        assert second == [None] * 500
        assert len(scripted.peers) == 1


async def test_a_connection_that_ends_tells_all() -> None:
    async with publishing_to(ScriptedBroker(on_publish=keep), limit=timedelta(seconds=5)) as (
        scripted,
        broker,
    ):
        post, verdicts = poster(broker)
        assert all(post(number) for number in range(50))
        await until_published(scripted, 50)
        scripted.peer.hang_up()
        await until_told(verdicts, 50)
        assert {type(it) for each in verdicts.values() for it in each} == {BrokerUnavailable}
        assert {len(each) for each in verdicts.values()} == {1}


async def test_silence_that_only_posts_meet_costs_the_connection_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "_SIGN_LIMIT", timedelta(seconds=0.2))
    async with publishing_to(ScriptedBroker(on_publish=keep)) as (scripted, broker):
        post, verdicts = poster(broker)
        assert post(0)
        await until_published(scripted, 1)
        scripted.peer.stop_reading()
        number = 0

        async def left() -> bool:
            nonlocal number
            number += 1
            post(number)
            return len(scripted.peers) > 1

        await eventually(left)
        await until_told(verdicts, 1)
