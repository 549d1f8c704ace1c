"""A person is taken out of the files of the spool and of the embedded broker: while nobody works on
them, message by message, and nothing of others or of the order is touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from core.broker.connect import open_broker
from core.broker.embedded.emptying import FileEmptied, empty_queues, empty_spool
from core.broker.embedded.spool import FILE, Spool
from core.broker.port import Outgoing
from core.broker.spool import SpoolBounds
from core.broker.topology import RECORDER_QUEUE, Topology, work_queue
from core.clock import ManualClock
from core.errors import ConfigurationError
from core.messages import (
    ActionMessage,
    Lane,
    encode_action,
    encode_record,
)
from core.person import Person
from tests.samples import NOON, a_record, an_action

MAIL = "anna@example.com"
ANNA = Person(forms=frozenset({f"mail {MAIL}"}), texts=(MAIL,))
LATER = NOON + timedelta(days=1)


def a_message(number: int) -> Outgoing:
    """Every third is hers."""
    whose = MAIL if number % 3 == 0 else "bob@example.com"
    action = an_action(f"o-{number}", params={"to": whose, "text": "x" * 5000})
    if number % 2:
        return Outgoing(
            queue=work_queue("sms", Lane.NORMAL),
            body=encode_action(ActionMessage(action=action)),
        )
    return Outgoing(queue=RECORDER_QUEUE, body=encode_record(a_record(f"o-{number}", action)))


MESSAGES = [a_message(number) for number in range(600)]
UNREAD = Outgoing(queue=RECORDER_QUEUE, body=b"\x00" + MAIL.encode())


@asynccontextmanager
async def spool(folder: Path) -> AsyncIterator[Spool]:
    async with Spool(folder, clock=ManualClock(), bounds=SpoolBounds()) as opened:
        yield opened


def whose(body: bytes) -> str:
    content = orjson.loads(body)
    told = content.get("action") or content["event"]
    return "nobody" if told.get("erased") else "bob"


EXPECTED = ["nobody" if number % 3 == 0 else "bob" for number in range(600)]


def bytes_of(path: Path) -> bytes:
    beside = path.with_name(path.name + "-wal")
    return path.read_bytes() + (beside.read_bytes() if beside.exists() else b"")


async def test_the_spool_of_a_process_that_is_down(tmp_path: Path) -> None:
    async with spool(tmp_path) as opened:
        await opened.put([*MESSAGES, UNREAD])
    assert empty_spool(tmp_path, ANNA, until=LATER) == FileEmptied(emptied=200, removed=1)
    assert MAIL.encode() not in bytes_of(tmp_path / FILE)
    assert empty_spool(tmp_path, ANNA, until=LATER) == FileEmptied()
    async with spool(tmp_path) as opened:
        left = await opened.oldest(limit=1000)
        assert [each.message.queue for each in left] == [each.queue for each in MESSAGES]
        assert [whose(each.message.body) for each in left] == EXPECTED
        assert opened.holding.messages == 600


async def test_the_queues_of_a_process_that_is_down(tmp_path: Path) -> None:
    path = tmp_path / "broker.db"
    async with open_broker(f"embedded:{path}") as broker:
        await broker.declare(Topology.of(["sms"]))
        await broker.publish([*MESSAGES, UNREAD])
    assert empty_queues(path, ANNA, until=LATER) == FileEmptied(emptied=200, removed=1)
    assert MAIL.encode() not in bytes_of(path)
    async with open_broker(f"embedded:{path}") as broker:
        assert await broker.depth(RECORDER_QUEUE) == 300
        async with broker.subscribe(RECORDER_QUEUE, prefetch=1) as subscription:
            async for delivery in subscription:
                assert whose(delivery.body) == "nobody"
                break


async def test_what_happens_after_an_erasure_is_new(tmp_path: Path) -> None:
    async with spool(tmp_path) as opened:
        await opened.put(MESSAGES[:6])
    before = NOON - timedelta(days=1)
    assert empty_spool(tmp_path, ANNA, until=before) == FileEmptied()


async def test_files_that_a_process_works_on_are_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "broker.db"
    async with spool(tmp_path) as opened, open_broker(f"embedded:{path}") as broker:
        await broker.declare(Topology.of(["sms"]))
        await broker.publish(MESSAGES[:3])
        await opened.put(MESSAGES[:3])
        assert empty_spool(tmp_path, ANNA, until=LATER) == FileEmptied(in_use=True)
        assert await asyncio.to_thread(empty_queues, path, ANNA, until=LATER) == FileEmptied(
            in_use=True
        )
        assert [each.message for each in await opened.oldest(limit=9)] == MESSAGES[:3]
        await opened.put(MESSAGES[3:6])


def test_where_there_is_no_file_none_is_made(tmp_path: Path) -> None:
    assert empty_spool(tmp_path / "none", ANNA, until=LATER) is None
    assert empty_queues(tmp_path / "broker.db", ANNA, until=LATER) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broker.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigurationError):
        empty_queues(path, ANNA, until=LATER)


async def test_a_message_that_was_taken_out_leaves_the_file(tmp_path: Path) -> None:
    """Whoever is forgotten later was in messages that are long gone."""
    async with spool(tmp_path) as opened:
        await opened.put(MESSAGES)
        ids = [each.id for each in await opened.oldest(limit=1000)]
        await opened.remove(ids)
    assert MAIL.encode() not in bytes_of(tmp_path / FILE)
