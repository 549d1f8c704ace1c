"""The statements of the embedded broker. One thread, inside one transaction at a time.

A message's place is its id: handed out and given back, it stands where it stood. Only a move to the
dead queue gives it a new one. What must not go in: threads, transactions, waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.broker.port import Outgoing
from core.broker.topology import DEAD_QUEUE, DEAD_QUEUE_LENGTH, DELIVERY_LIMIT
from core.errors import PublishRefused, Unroutable


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A message handed out: marked so in the file before anybody sees it."""

    id: int
    body: bytes


class Store:
    """Queues and messages. Counts are kept in memory and must be reloaded after a rolled-back
    round."""

    def __init__(self, database: sqlite3.Connection, *, queue_length: int) -> None:
        self._database = database
        self._queue_length = queue_length
        self._queues: dict[str, int] = {}
        self._counts: dict[int, int] = {}

    def reload(self) -> None:
        """Read the queues and their lengths from the file."""
        rows = self._database.execute("SELECT name, id FROM queue")
        self._queues = {str(name): int(number) for name, number in rows}
        self._counts = dict.fromkeys(self._queues.values(), 0)
        counted = self._database.execute("SELECT queue, count(*) FROM message GROUP BY queue")
        self._counts.update({int(number): int(count) for number, count in counted})

    def take_over(self) -> None:
        """Make ready again what an earlier process had been handed; each of it counts as a
        delivery."""
        self._database.execute(
            "UPDATE message SET handed = 0, deliveries = deliveries + 1 WHERE handed = 1"
        )
        self.reload()
        self._bury("deliveries > ?", (DELIVERY_LIMIT,))

    def declare(self, names: Iterable[str]) -> None:
        for name in names:
            self._database.execute("INSERT OR IGNORE INTO queue (name) VALUES (?)", (name,))
        rows = self._database.execute("SELECT name, id FROM queue")
        self._queues = {str(name): int(number) for name, number in rows}
        for number in self._queues.values():
            self._counts.setdefault(number, 0)

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """All of them or, raising Unroutable or PublishRefused, none."""
        added: dict[int, int] = {}
        rows = []
        for message in messages:
            number = self._queues.get(message.queue)
            if number is None:
                raise Unroutable(f"there is no queue {message.queue}")
            added[number] = added.get(number, 0) + 1
            bound = DEAD_QUEUE_LENGTH if message.queue == DEAD_QUEUE else self._queue_length
            if self._counts[number] + added[number] > bound:
                raise PublishRefused(f"queue {message.queue} is full")
            rows.append((number, message.body))
        self._database.executemany("INSERT INTO message (queue, body) VALUES (?, ?)", rows)
        for number, count in added.items():
            self._counts[number] += count

    def hand_out(self, queue: str, limit: int) -> list[Handed]:
        """The oldest ready messages of a queue, marked as handed out; none if there is no such
        queue."""
        number = self._queues.get(queue)
        if number is None:
            return []
        rows = self._database.execute(
            "SELECT id, body FROM message WHERE queue = ? AND handed = 0 ORDER BY id LIMIT ?",
            (number, limit),
        ).fetchall()
        self._database.executemany(
            "UPDATE message SET handed = 1 WHERE id = ?", [(row[0],) for row in rows]
        )
        return [Handed(id=row[0], body=row[1]) for row in rows]

    def acknowledge(self, queue: str, message: int) -> None:
        number = self._queues[queue]
        done = self._database.execute(
            "DELETE FROM message WHERE id = ? AND queue = ?", (message, number)
        )
        self._counts[number] -= done.rowcount

    def give_back(self, seen: Sequence[int], unseen: Sequence[int]) -> None:
        """Make messages ready again in their place. What a consumer has seen counts as a
        delivery."""
        self._database.executemany(
            "UPDATE message SET handed = 0 WHERE id = ?", [(number,) for number in unseen]
        )
        self._database.executemany(
            "UPDATE message SET handed = 0, deliveries = deliveries + 1 WHERE id = ?",
            [(number,) for number in seen],
        )
        for number in seen:
            self._bury("id = ? AND deliveries > ?", (number, DELIVERY_LIMIT))

    def ready(self, queue: str) -> int:
        number = self._queues.get(queue)
        if number is None:
            raise Unroutable(f"there is no queue {queue}")
        (count,) = self._database.execute(
            "SELECT count(*) FROM message WHERE queue = ? AND handed = 0", (number,)
        ).fetchone()
        return int(count)

    def _bury(self, condition: str, values: tuple[int, ...]) -> None:
        """Move what was delivered too often to the dead queue, behind what is there. Its bound does
        not hold here: a message that has no place would be lost."""
        dead = self._queues.get(DEAD_QUEUE)
        if dead is None:
            return
        moved = self._database.execute(
            "INSERT INTO message (queue, body)"  # noqa: S608 - conditions are this module's own
            f" SELECT ?, body FROM message WHERE queue != ? AND {condition} ORDER BY id",
            (dead, dead, *values),
        )
        if moved.rowcount > 0:
            self._database.execute(
                f"DELETE FROM message WHERE queue != ? AND {condition}",  # noqa: S608 - as above
                (dead, *values),
            )
            self.reload()
