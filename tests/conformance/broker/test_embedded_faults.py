"""What happens to the embedded broker's process, file and disk, and what must be left of it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.broker.connect import open_broker
from core.broker.embedded import EmbeddedBroker, embedded_depths
from core.broker.embedded.store import Store
from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE
from core.errors import BrokerUnavailable, ConfigurationError, PublishRefused
from tests.conformance.broker.conftest import OTHER, QUEUE, TOPOLOGY
from tests.conformance.broker.steps import messages, take, take_bodies

_PUBLISHES_FOR_EVER = """
import asyncio, sys
from core.broker.connect import open_broker
from tests.conformance.broker.conftest import QUEUE, TOPOLOGY
from tests.conformance.broker.steps import messages

async def one_after_the_other(broker, start):
    for number in range(start, 10_000_000, 8):
        await broker.publish(messages(QUEUE, [number]))
        print(number, flush=True)

async def main():
    async with open_broker(sys.argv[1]) as broker:
        await broker.declare(TOPOLOGY)
        await asyncio.gather(*(one_after_the_other(broker, start) for start in range(8)))

asyncio.run(main())
"""

_TAKES_AND_HOLDS = """
import asyncio, sys
from core.broker.connect import open_broker
from tests.conformance.broker.conftest import QUEUE
from tests.conformance.broker.steps import take

async def main():
    async with open_broker(sys.argv[1]) as broker:
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            first, second = await take(subscription, 2)
            await first.ack()
            print("held", flush=True)
            await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "broker.db"


@contextmanager
def child(program: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program on the file in another process, killed with -9 at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, f"embedded:{path}"], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def _limit_pages(broker: EmbeddedBroker, pages: int) -> None:
    """Make SQLite meet what it meets on a full disk: no page can be added to the file."""

    def limit(store: Store) -> None:
        store._database.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    assert broker._rounds is not None
    await broker._rounds.do(limit)


def _foreign_file(path: Path, content: bytes | None) -> Path:
    """A file with these bytes, or a database of a later version."""
    if content is not None:
        path.write_bytes(content)
    else:
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 9")
        database.close()
    return path


async def test_a_publisher_killed_with_9_loses_nothing_that_was_confirmed(path: Path) -> None:
    with child(_PUBLISHES_FOR_EVER, path) as process:
        assert process.stdout is not None
        confirmed = [int(process.stdout.readline()) for _ in range(500)]
    async with open_broker(f"embedded:{path}") as broker:
        depth = await broker.depth(QUEUE)
        stored = await take_bodies(broker, QUEUE, depth)
    assert set(confirmed) <= set(stored)
    assert len(stored) == len(set(stored))


async def test_a_consumer_killed_with_9_leaves_its_message_for_the_next_process(
    path: Path,
) -> None:
    async with open_broker(f"embedded:{path}") as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(3)))
    with child(_TAKES_AND_HOLDS, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert embedded_depths(path)[QUEUE] == 2
        with pytest.raises(ConfigurationError, match=r"broker\.db: .* in use by another process"):
            async with open_broker(f"embedded:{path}"):
                pass
    async with open_broker(f"embedded:{path}") as broker:
        assert await take_bodies(broker, QUEUE, 2) == [1, 2]


async def test_depths_are_read_beside_a_running_broker_and_after_it(path: Path) -> None:
    async with open_broker(f"embedded:{path}") as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish([*messages(QUEUE, range(3)), *messages(OTHER, range(2))])
        async with broker.subscribe(QUEUE, prefetch=2) as subscription:
            await take(subscription, 2)
            depths = embedded_depths(path)
            assert await broker.depth(QUEUE) == 1
    assert depths[QUEUE] == 3
    assert depths[OTHER] == 2
    assert depths[RECORDER_QUEUE] == depths[DEAD_QUEUE] == 0
    assert embedded_depths(path) == depths


async def test_a_full_queue_refuses_the_whole_call_and_the_others_go_on(path: Path) -> None:
    async with EmbeddedBroker(path, queue_length=3) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, range(2)))
        with pytest.raises(PublishRefused):
            await broker.publish(messages(QUEUE, range(2, 4)))
        await broker.publish(messages(OTHER, range(3)))
        assert await take_bodies(broker, QUEUE, 2) == [0, 1]
        await broker.publish(messages(QUEUE, range(4, 7)))
        assert await broker.depth(QUEUE) == 3


@pytest.mark.fault(26)
async def test_a_full_disk_is_unavailable_and_heals(path: Path) -> None:
    async with EmbeddedBroker(path) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
        await _limit_pages(broker, 1)
        with pytest.raises(BrokerUnavailable, match="full"):
            await broker.publish(messages(QUEUE, range(10_000)))
        await _limit_pages(broker, 1_000_000)
        depth = await broker.depth(QUEUE)
        await broker.publish(messages(QUEUE, [2]))
        assert await broker.depth(QUEUE) == depth + 1
    assert embedded_depths(path)[QUEUE] == depth + 1


async def test_a_consumer_waiting_through_a_disk_error_is_served_when_it_is_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_out = Store.hand_out
    failures = [sqlite3.OperationalError("disk I/O error"), sqlite3.OperationalError("again")]

    def failing(store: Store, queue: str, limit: int) -> object:
        if failures:
            raise failures.pop()
        return hand_out(store, queue, limit)

    async with EmbeddedBroker(path) as broker:
        await broker.declare(TOPOLOGY)
        await broker.publish(messages(QUEUE, [1]))
        monkeypatch.setattr(Store, "hand_out", failing)
        assert await take_bodies(broker, QUEUE, 1) == [1]
    assert failures == []


async def test_work_asked_for_after_closing_is_refused(path: Path) -> None:
    async with EmbeddedBroker(path) as broker:
        await broker.declare(TOPOLOGY)
    assert not broker.connected
    with pytest.raises(BrokerUnavailable):
        await broker.publish(messages(QUEUE, [1]))


async def test_publishers_that_wait_together_are_all_answered(path: Path) -> None:
    async with EmbeddedBroker(path) as broker:
        await broker.declare(TOPOLOGY)
        await asyncio.gather(*(broker.publish(messages(QUEUE, [n])) for n in range(500)))
        assert sorted(await take_bodies(broker, QUEUE, 500)) == list(range(500))


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"not a database, but long enough to be read as one" * 40, "cannot be used"), (None, "9")],
    ids=["another file", "a newer version"],
)
async def test_a_file_that_is_not_ours_is_refused_by_name(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    path = _foreign_file(tmp_path / "broker.db", content)
    with pytest.raises(ConfigurationError, match=expected) as caught:
        async with EmbeddedBroker(path):
            pass
    assert caught.value.file == str(path)


def test_depths_of_a_file_that_is_not_there_are_an_error_naming_it(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"broker\.db: there is no embedded broker here"):
        embedded_depths(path)
    assert not path.exists()
