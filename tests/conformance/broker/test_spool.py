"""The spool's file: what was acknowledged is in it, in order, whatever ends the process; and past a
bound nothing more is taken, while nothing is thrown away."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from core.broker.embedded.spool import FILE, Spool, _Store
from core.broker.port import Outgoing
from core.broker.spool import SpoolBounds
from core.clock import ManualClock
from core.errors import BrokerUnavailable, ConfigurationError, SpoolFull

_PUTS_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from core.broker.embedded.spool import Spool
from core.broker.port import Outgoing
from core.broker.spool import SpoolBounds
from core.clock import SystemClock

async def one_after_the_other(spool, start):
    for number in range(start, 10_000_000, 4):
        await spool.put([Outgoing(queue="q", body=str(number).encode())])
        print(number, flush=True)

async def main():
    async with Spool(Path(sys.argv[1]), clock=SystemClock(), bounds=SpoolBounds()) as spool:
        await asyncio.gather(*(one_after_the_other(spool, start) for start in range(4)))

asyncio.run(main())
"""


def some(*numbers: int, queue: str = "postern.recorder") -> list[Outgoing]:
    return [Outgoing(queue=queue, body=str(number).encode()) for number in numbers]


@asynccontextmanager
async def opened(
    folder: Path, *, clock: ManualClock | None = None, **bounds: object
) -> AsyncIterator[Spool]:
    limits = SpoolBounds(**bounds)  # type: ignore[arg-type]
    async with Spool(folder, clock=clock or ManualClock(), bounds=limits) as spool:
        yield spool


async def bodies(spool: Spool) -> list[int]:
    return [int(each.message.body) for each in await spool.oldest(limit=1_000_000)]


def put_until_killed(folder: Path) -> set[int]:
    """What another process was told stands, before it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PUTS_FOR_EVER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        return {int(process.stdout.readline()) for _ in range(300)}
    finally:
        process.kill()
        process.communicate()


async def test_messages_come_out_in_the_order_of_their_arrival_until_they_are_removed(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as spool:
        await spool.put(some(1, 2))
        await spool.put(some(3, queue="postern.sms.urgent"))
        assert await bodies(spool) == [1, 2, 3]
        first = await spool.oldest(limit=1)
        await spool.remove([first[0].id])
        assert await bodies(spool) == [2, 3]
        assert [it.message.queue for it in await spool.oldest(after=first[0].id, limit=9)] == [
            "postern.recorder",
            "postern.sms.urgent",
        ]


async def test_what_is_in_it_is_there_for_the_next_process(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock=clock) as spool:
        await spool.put(some(1, 2))
    clock.advance(timedelta(hours=1))
    async with opened(tmp_path, clock=clock) as spool:
        assert (spool.holding.messages, spool.holding.size) == (2, 2)
        assert spool.holding.oldest == clock.now() - timedelta(hours=1)
        assert await bodies(spool) == [1, 2]


@pytest.mark.fault(26)
async def test_a_process_killed_with_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged = put_until_killed(tmp_path)
    async with opened(tmp_path) as spool:
        kept = await bodies(spool)
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize(
    ("bounds", "held"), [({"messages": 3}, 3), ({"size": 3}, 3), ({"age": timedelta(hours=1)}, 2)]
)
async def test_past_a_bound_nothing_is_taken_and_nothing_is_thrown_away(
    tmp_path: Path, bounds: dict[str, object], held: int
) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock=clock, **bounds) as spool:
        await spool.put(some(1, 2))
        if held == 3:
            await spool.put(some(3))
        clock.advance(timedelta(hours=2))
        with pytest.raises(SpoolFull):
            await spool.put(some(4, 5))
        assert len(await bodies(spool)) == held
        await spool.remove([each.id for each in await spool.oldest(limit=9)])
        await spool.put(some(6))


async def test_what_it_holds_is_told_while_it_is_emptied(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        for number in range(5):
            await spool.put(some(number))
        whole = spool.holding
        first, second, *rest = await spool.oldest(limit=9)
        await spool.remove([second.id, second.id, 999])
        assert (spool.holding.messages, spool.holding.oldest) == (4, whole.oldest)
        await spool.remove([first.id])
        assert spool.holding.messages == 3
        assert spool.holding.size == whole.size * 3 // 5
        await spool.remove([each.id for each in rest])
        assert (spool.holding.messages, spool.holding.size, spool.holding.oldest) == (0, 0, None)


async def test_of_one_call_all_are_kept_or_none(tmp_path: Path) -> None:
    async with opened(tmp_path, messages=3) as spool:
        with pytest.raises(SpoolFull):
            await spool.put(some(1, 2, 3, 4))
        assert await bodies(spool) == []


@pytest.mark.fault(26)
async def test_a_full_disk_is_told_and_heals(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await spool.put(some(1))
        rounds = spool._rounds
        assert rounds is not None
        await rounds.do(lambda store: store._database.execute("PRAGMA max_page_count = 1"))
        large = [Outgoing(queue="q", body=b"7" * 100_000)]
        with pytest.raises(BrokerUnavailable, match="full"):
            await spool.put(large)
        await rounds.do(lambda store: store._database.execute("PRAGMA max_page_count = 100000"))
        await spool.put(some(2))
        assert await bodies(spool) == [1, 2]


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "change", [lambda store: store.remove([1, 2]), lambda store: store.put(some(8, 9), 0)]
)
async def test_a_disk_that_fails_for_longer_than_a_round_leaves_no_wrong_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[_Store], object]
) -> None:
    """With a count of 0 too early nobody would publish what is left until the next start."""
    failing = True

    def fail(store: _Store) -> None:
        change(store)
        raise sqlite3.OperationalError("disk I/O error")

    def reload(store: _Store) -> None:
        if failing:
            raise sqlite3.OperationalError("disk I/O error")
        whole(store)

    async with opened(tmp_path) as spool:
        await spool.put(some(1, 2, 3))
        whole = _Store.reload
        monkeypatch.setattr(_Store, "reload", reload)
        rounds = spool._rounds
        assert rounds is not None
        with pytest.raises(BrokerUnavailable):
            await rounds.do(fail)
        with pytest.raises(BrokerUnavailable):
            await spool.put(some(4))
        failing = False
        await spool.put(some(5))
        assert await bodies(spool) == [1, 2, 3, 5]
        assert (spool.holding.messages, spool.holding.size) == (4, 4)


async def test_one_process_at_a_time(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(ConfigurationError, match="in use by another process"):
            async with opened(tmp_path):
                pass


@pytest.mark.fault(26)
async def test_a_damaged_file_stops_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    """It may hold accepted events: going on without them would lose them silently."""
    async with opened(tmp_path) as spool:
        await spool.put([Outgoing(queue="q", body=b"x" * 5000) for _ in range(50)])
    file = tmp_path / FILE
    raw = bytearray(file.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 8192] = b"\xff" * 8192
    file.write_bytes(raw)
    with pytest.raises(ConfigurationError, match=r"damaged.*recover"):
        async with opened(tmp_path):
            pass


async def test_puts_at_the_same_time_share_a_sync_and_all_stand(tmp_path: Path) -> None:
    async with opened(tmp_path) as spool:
        await asyncio.gather(*(spool.put(some(number)) for number in range(200)))
        assert sorted(await bodies(spool)) == list(range(200))
