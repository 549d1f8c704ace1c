"""The spool: a file in which a gateway keeps messages while the broker cannot take them.

Synced before anybody is told of success, in order of arrival, bounded; what is in it is never
deleted but by whoever has published it. What must not go in: when to use it, and publishing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from core.broker.embedded.file import FileLock, open_database
from core.broker.embedded.rounds import Rounds
from core.broker.embedded.store import Handed
from core.broker.port import Outgoing
from core.broker.spool import Holding, SpoolBounds, Spooled
from core.clock import Clock, from_micros, to_micros
from core.errors import BrokerUnavailable, ConfigurationError, SpoolFull

FILE = "spool.db"
_VERSION = 1001
_SCHEMA = f"""
BEGIN;
CREATE TABLE spooled (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    at    INTEGER NOT NULL,
    queue TEXT NOT NULL,
    body  BLOB NOT NULL
);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_LIMIT = timedelta(seconds=2)


class _Store:
    """The spool's rows. Counts are kept in memory and reloaded after a rolled-back round."""

    def __init__(self, database: sqlite3.Connection, bounds: SpoolBounds) -> None:
        self._database = database
        self._bounds = bounds
        self._messages, self._size = 0, 0
        self._oldest: int | None = None

    def take_over(self) -> None:
        self.reload()

    def reload(self) -> None:
        count, size, oldest = self._database.execute(
            "SELECT count(*), coalesce(sum(length(body)), 0), min(at) FROM spooled"
        ).fetchone()
        self._messages, self._size, self._oldest = int(count), int(size), oldest

    def hand_out(self, queue: str, limit: int) -> list[Handed]:  # noqa: ARG002 - nothing is consumed here
        return []

    def put(self, messages: Sequence[Outgoing], now: int) -> Holding:
        size = sum(len(message.body) for message in messages)
        if self._messages + len(messages) > self._bounds.messages:
            raise SpoolFull("the spool holds as many messages as it may")
        if self._size + size > self._bounds.size:
            raise SpoolFull("the spool is as large as it may be")
        if self._oldest is not None and now - self._oldest > to_micros_of(self._bounds.age):
            raise SpoolFull("the oldest message of the spool is older than it may be")
        self._database.executemany(
            "INSERT INTO spooled (at, queue, body) VALUES (?, ?, ?)",
            [(now, message.queue, message.body) for message in messages],
        )
        self._messages += len(messages)
        self._size += size
        self._oldest = self._oldest if self._oldest is not None else now
        return self.holding()

    def oldest(self, after: int, limit: int, queue: str | None) -> list[Spooled]:
        rows = self._database.execute(
            "SELECT id, queue, body FROM spooled WHERE id > ? AND queue = coalesce(?, queue)"
            " ORDER BY id LIMIT ?",
            (after, queue, limit),
        )
        return [
            Spooled(id=number, message=Outgoing(queue=queue, body=body))
            for number, queue, body in rows
        ]

    def remove(self, ids: Sequence[int]) -> Holding:
        """Counted row by row: a look over all that is left, after each batch, would make emptying a
        large spool take hours, and who wants to put something in would wait for it."""
        for number in ids:
            deleted = self._database.execute(
                "DELETE FROM spooled WHERE id = ? RETURNING length(body)", (number,)
            ).fetchone()
            if deleted is not None:
                self._messages -= 1
                self._size -= deleted[0]
        first = self._database.execute("SELECT at FROM spooled ORDER BY id LIMIT 1").fetchone()
        self._oldest = first[0] if first is not None else None
        return self.holding()

    def holding(self) -> Holding:
        oldest = from_micros(self._oldest) if self._oldest is not None else None
        return Holding(messages=self._messages, size=self._size, oldest=oldest)


class Spool:
    """One process's spool in a directory. Used as a context manager."""

    def __init__(self, directory: Path, *, clock: Clock, bounds: SpoolBounds) -> None:
        self._path = directory / FILE
        self._clock = clock
        self._bounds = bounds
        self._lock: FileLock | None = None
        self._rounds: Rounds[_Store] | None = None
        self.holding = Holding(messages=0, size=0, oldest=None)
        """As of the last change."""

    async def __aenter__(self) -> Self:
        """Raises ConfigurationError if the file cannot be used, is damaged, or another process has
        it: what was acknowledged may be in it, so nobody goes on without it."""
        self._lock = FileLock(self._path)
        rounds = Rounds(self._path, open_file=open_spool, keep=partial(_Store, bounds=self._bounds))
        try:
            await rounds.start()
        except BaseException:
            await rounds.stop()
            self._lock.release()
            raise
        self._rounds = rounds
        self.holding = await rounds.do(_Store.holding)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._rounds is not None and self._lock is not None:
            rounds, self._rounds = self._rounds, None
            await rounds.stop()
            self._lock.release()

    async def put(self, messages: Sequence[Outgoing]) -> None:
        """Return once all of them are on disk; on an error none is. Raises SpoolFull, or
        BrokerUnavailable if the disk fails or is too slow."""
        now = to_micros(self._clock.now())
        putting = asyncio.ensure_future(self._running().do(lambda store: store.put(messages, now)))
        putting.add_done_callback(self._note)
        try:
            async with asyncio.timeout(_LIMIT.total_seconds()):
                await asyncio.shield(putting)
        except TimeoutError:
            raise BrokerUnavailable("the spool's disk is too slow") from None

    def _note(self, putting: asyncio.Future[Holding]) -> None:
        """Also of what nobody waits for any more: it is on disk all the same, and has to go out."""
        if not putting.cancelled() and putting.exception() is None:
            self.holding = putting.result()

    async def oldest(
        self, *, after: int = 0, limit: int, queue: str | None = None
    ) -> list[Spooled]:
        """In order of arrival, behind number `after`; of one queue, or of all."""
        found: list[Spooled] = await self._running().do(
            lambda store: store.oldest(after, limit, queue)
        )
        return found

    async def remove(self, ids: Sequence[int]) -> None:
        """They were published, with confirms."""
        self.holding = await self._running().do(lambda store: store.remove(ids))

    def _running(self) -> Rounds[_Store]:
        if self._rounds is None:
            raise BrokerUnavailable("the spool is closed")
        return self._rounds


def open_spool(path: Path) -> sqlite3.Connection:
    """Raises ConfigurationError if it cannot be used, or is damaged."""
    database = open_database(path, schema=_SCHEMA, expected=_VERSION)
    try:
        (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        told = str(error)
    if told != "ok":
        database.close()
        words = " ".join(str(told).split())
        raise ConfigurationError(
            f"the spool is damaged ({words}); it may hold accepted events: put a copy aside and "
            "recover it (sqlite3 .recover) before you start with an empty directory",
            file=str(path),
        )
    return database


def to_micros_of(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
