"""The embedded broker's counting of deliveries, over lives of the process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.broker.embedded.file import open_database
from core.broker.embedded.store import Store
from core.broker.port import Outgoing
from core.broker.topology import DEAD_QUEUE, DELIVERY_LIMIT
from core.errors import PublishRefused

QUEUE = "postern.sms.normal"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = open_database(tmp_path / "broker.db")
    store = Store(database, queue_length=100)
    store.take_over()
    store.declare([DEAD_QUEUE, QUEUE])
    yield store
    database.close()


def handed(store: Store, queue: str) -> list[bytes]:
    return [message.body for message in store.hand_out(queue, 10)]


def test_what_kills_the_process_again_and_again_ends_in_the_dead_queue(store: Store) -> None:
    store.publish([Outgoing(queue=QUEUE, body=b"poison")])
    for _ in range(DELIVERY_LIMIT + 1):
        assert handed(store, QUEUE) == [b"poison"]
        store.take_over()
    assert handed(store, QUEUE) == []
    assert handed(store, DEAD_QUEUE) == [b"poison"]


def test_the_dead_queue_keeps_its_messages_however_often_they_are_taken(store: Store) -> None:
    store.publish([Outgoing(queue=DEAD_QUEUE, body=b"dead")])
    for _ in range(DELIVERY_LIMIT * 2):
        assert handed(store, DEAD_QUEUE) == [b"dead"]
        store.take_over()
    assert store.ready(DEAD_QUEUE) == 1


def test_a_message_that_no_consumer_has_seen_is_given_back_uncounted(store: Store) -> None:
    store.publish([Outgoing(queue=QUEUE, body=b"buffered")])
    for _ in range(DELIVERY_LIMIT * 2):
        (message,) = store.hand_out(QUEUE, 1)
        store.give_back([], [message.id])
    assert store.ready(QUEUE) == 1


def test_the_bound_counts_what_is_handed_out_and_forgets_what_is_acknowledged(
    store: Store,
) -> None:
    store.publish([Outgoing(queue=QUEUE, body=b"1")] * 100)
    taken = store.hand_out(QUEUE, 100)
    with pytest.raises(PublishRefused):
        store.publish([Outgoing(queue=QUEUE, body=b"2")])
    store.acknowledge(QUEUE, taken[0].id)
    store.acknowledge(QUEUE, taken[0].id)
    store.publish([Outgoing(queue=QUEUE, body=b"2")])
    with pytest.raises(PublishRefused):
        store.publish([Outgoing(queue=QUEUE, body=b"3")])
