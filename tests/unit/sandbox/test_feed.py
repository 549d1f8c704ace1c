"""What the page is told: everything once, then what changed, never more than it can show."""

from __future__ import annotations

import asyncio

from sandbox.feed import KEPT, Feed


async def test_a_reader_gets_what_changed_since_it_looked() -> None:
    feed = Feed()
    feed.put_text(1, {"id": 1, "status": 1})
    first = feed.since(0, -1)
    assert (first.fresh, first.texts) == (True, [{"id": 1, "status": 1}])
    assert not feed.since(first.revision, first.epoch).texts
    feed.put_text(1, {"id": 1, "status": 3})
    feed.put_entry(1, {"n": 1})
    later = feed.since(first.revision, first.epoch)
    assert (later.fresh, later.texts, later.entries) == (
        False,
        [{"id": 1, "status": 3}],
        [{"n": 1}],
    )


async def test_a_slow_reader_gets_each_item_once() -> None:
    feed = Feed()
    for round_number in range(3):
        for key in range(KEPT * 2):
            feed.put_text(key, {"id": key, "round": round_number})
    texts = feed.since(0, 0).texts
    assert [text["id"] for text in texts] == list(range(KEPT, KEPT * 2))


async def test_a_reset_wakes_readers_and_starts_over() -> None:
    feed = Feed()
    feed.put_text(1, {"id": 1})
    seen = feed.since(0, -1)
    waiting = asyncio.create_task(feed.wait(seen.revision, seen.epoch))
    await asyncio.sleep(0)
    feed.reset()
    await asyncio.wait_for(waiting, 1)
    after = feed.since(seen.revision, seen.epoch)
    assert (after.fresh, after.texts) == (True, [])
