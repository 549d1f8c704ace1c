"""A journal with many actions, as a month of orders would leave it: rows are made here and copied
in, and the indexes are built afterwards, since nobody could wait for ten million claims.

Every order has two actions, a subscription and a text. Nearly all are done; some are superseded,
one in two hundred is parked, one in a thousand waits. Of every text it is known that it arrived.
What must not go in: measuring.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import Table

from core.clock import to_micros
from core.identity import action_id, event_ref
from core.journal import tables
from core.journal.connect import is_embedded_journal, migrate_journal
from core.journal.engine import parse_journal_url
from core.journal.rows import new_row
from core.journal.states import State
from core.messages import (
    Action,
    ActionMessage,
    Event,
    EventRecord,
    Lane,
    RuleDecision,
    encode_action,
    encode_record,
)
from tests.load import order

KEPT = timedelta(days=30)
SOURCE, RULE = "shop", "welcome"
ACTIONS_EACH = 2
_AT_A_TIME = 10_000
_ORDERS_EACH = 5
"""Orders of one customer, by which profiles have their marks and leases."""

_DIGEST = hashlib.sha256(b"an order").digest()

_FILLED = (
    tables.events,
    tables.planned,
    tables.actions,
    tables.attempts,
    tables.marks,
    tables.order_leases,
    tables.receipts,
)

Row = tuple[Any, ...]


def an_order(number: int, at: datetime) -> EventRecord:
    """The order of this number and its two actions, as the gateway would have planned them."""
    body, event_id = order(number), f"load-{number}"
    customer = body["data"]["customer"]
    event = Event(
        source=SOURCE,
        id=event_id,
        type="order.placed",
        received_at=at,
        time=at,
        data=body["data"],
    )
    subscription = Action(
        id=action_id(SOURCE, event_id, RULE, "altcraft.subscriptions/set"),
        ref=event.ref,
        source=SOURCE,
        event_id=event_id,
        event_type=event.type,
        rule=RULE,
        step="altcraft.subscriptions/set",
        position=0,
        provider="altcraft",
        operation="subscriptions/set",
        lane=Lane.NORMAL,
        params={"email": customer["email"], "resource_id": 1, "status": "subscribed"},
        occurred_at=at,
        accepted_at=at,
        recipient=customer["email"],
    )
    text = replace(
        subscription,
        id=action_id(SOURCE, event_id, RULE, "sms.send"),
        step="sms.send",
        position=1,
        provider="sms",
        operation="send",
        params={"to": customer["phone"], "text": f"Thank you for your order {event_id}."},
        recipient=customer["phone"],
    )
    decision = RuleDecision(rule=RULE, matched=True, values={"event.data.total": 20})
    return EventRecord(
        event=event, rules_version="r1", decision=(decision,), actions=(subscription, text)
    )


def profile_of(number: int) -> str:
    """The order key of whoever placed this order."""
    customer = hashlib.sha256(b"%d" % (number // _ORDERS_EACH)).hexdigest()
    return f"altcraft:{customer[:40]}"


async def fill(url: str, actions: int, now: datetime) -> None:
    """Tables of a new journal with so many actions in them, the last of them from `now`."""
    await migrate_journal(url)
    if is_embedded_journal(url):
        _fill_sqlite(str(parse_journal_url(url).database), actions, now)
    else:
        await _fill_postgres(url, actions, now)


async def _fill_postgres(url: str, actions: int, now: datetime) -> None:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        await connection.execute("SET maintenance_work_mem = '512MB'")
        rebuilt = await _drop_indexes(connection)
        for made in _contents(actions, now):
            for table, rows in made.items():
                await connection.copy_records_to_table(
                    table.name, records=rows, columns=_columns(table)
                )
        for statement in rebuilt:
            await connection.execute(statement, timeout=None)
        await connection.execute("VACUUM ANALYZE", timeout=None)
    finally:
        await connection.close()


async def _drop_indexes(connection: asyncpg.Connection[Any]) -> list[str]:
    """Every index and primary key goes; returns what makes them again."""
    keys = await connection.fetch(
        "SELECT conrelid::regclass::text AS owner, conname AS name, pg_get_constraintdef(oid) AS is"
        " FROM pg_constraint WHERE contype = 'p' AND connamespace = 'public'::regnamespace"
    )
    again = []
    for key in keys:
        await connection.execute(f"ALTER TABLE {key['owner']} DROP CONSTRAINT {key['name']}")
        again.append(f"ALTER TABLE {key['owner']} ADD CONSTRAINT {key['name']} {key['is']}")
    others = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    for index in others:
        await connection.execute(f"DROP INDEX {index['indexname']}")
        again.append(index["indexdef"])
    return again


def _fill_sqlite(path: str, actions: int, now: datetime) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for made in _contents(actions, now):
            for table, rows in made.items():
                columns = _columns(table)
                marks = ", ".join("?" for _ in columns)
                connection.executemany(
                    f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})", rows
                )
            connection.commit()
        for _, statement in indexes:
            connection.execute(statement)
        connection.commit()
        # No ANALYZE: the program never does it, and SQLite chooses other indexes after it.
    finally:
        connection.close()


Rows = dict[Table, list[Row]]


def _contents(actions: int, now: datetime) -> Iterator[Rows]:
    """Some orders at a time, in the order in which they came."""
    orders = actions // ACTIONS_EACH
    made = _Made(orders, now)
    for first in range(0, orders, _AT_A_TIME):
        yield made.rows(range(first, min(first + _AT_A_TIME, orders)))


class _Made:
    """By one order as it really is: in its rows and messages, what belongs to its number is
    changed."""

    def __init__(self, orders: int, now: datetime) -> None:
        self._orders = orders
        self._now = now
        first = an_order(0, now)
        self._record = encode_record(replace(first, actions=()))
        self._columns = _columns(tables.actions)
        empty = {column.name: _default(column) for column in tables.actions.columns}
        self._models = [
            (action, empty | new_row(action, now=0), encode_action(ActionMessage(action=action)))
            for action in first.actions
        ]

    def rows(self, numbers: Iterable[int]) -> Rows:
        made: Rows = {table: [] for table in _FILLED}
        for number in numbers:
            self._add_order(number, made)
        return made

    def _add_order(self, number: int, made: Rows) -> None:
        # Orders came evenly over the time that a journal is kept.
        at = to_micros(self._now - KEPT * (self._orders - number) / self._orders)
        event_id = f"load-{number}"
        ref = event_ref(SOURCE, event_id)
        record = self._record.replace(b"load-0", event_id.encode())
        made[tables.events].append(
            (ref, SOURCE, event_id, "order.placed", at, at, at, "r1", record, _DIGEST, 0, 0)
        )
        names = [action_id(SOURCE, event_id, RULE, model.step) for model, _, _ in self._models]
        made[tables.planned] += [(name, ref) for name in names]
        made[tables.actions] += self._action_rows(number, event_id, ref, names, at)
        made[tables.attempts] += [(name, 1, 0, 1, at, 40_000, "done", "", False) for name in names]
        text = 2 * number + 1
        if reference := self._standing(text, at).get("reference"):
            made[tables.receipts].append(
                ("sms", reference, "delivered", 3, "delivered", True, at, 0, None)
            )
        if number % _ORDERS_EACH == 0:
            profile = profile_of(number)
            made[tables.marks].append((profile, "status", at, 0, event_id, names[0], None, None))
            made[tables.order_leases].append((profile, "", 0, None))

    def _action_rows(
        self, number: int, event_id: str, ref: str, names: list[str], at: int
    ) -> Iterator[Row]:
        phone = f"+49151{10_000_000 + number}"
        for name, (model, row, message) in zip(names, self._models, strict=True):
            changed = row | self._standing(2 * number + model.position, at)
            changed |= {
                "id": name,
                "ref": ref,
                "event_id": event_id,
                "occurred_at": at,
                "created_at": at,
                "updated_at": at,
                "recipient": phone if model.position else f"customer-{number}@example.com",
                "order_keys": None if model.position else profile_of(number),
                "message": message.replace(model.id.encode(), name.encode())
                .replace(model.ref.encode(), ref.encode())
                .replace(b"load-0", event_id.encode())
                .replace(b"customer-0@", b"customer-%d@" % number)
                .replace(b"+4915110000000", phone.encode()),
            }
            yield tuple(changed[column] for column in self._columns)

    def _standing(self, number: int, at: int) -> dict[str, object]:
        """What became of the action of this number."""
        if number % 200 == 7:
            return {"state": State.PARKED.value, "reason": "HTTP 400: no such resource", "seq": 1}
        if number % 1000 == 11:
            due_at = to_micros(self._now + timedelta(hours=1))
            return {
                "state": State.WAITING.value,
                "reason": "HTTP 503",
                "seq": 1,
                "due_at": due_at,
            }
        if number % 50 == 3:
            return {"state": State.SUPERSEDED.value, "reason": "a newer event set it"}
        return {
            "state": State.DONE.value,
            "seq": 1,
            "tries": 1,
            "claimed_at": at,
            "called_at": at,
            "reference": str(10_000_000 + number),
        }


def _default(column: Any) -> object:
    if column.nullable:
        return None
    return False if column.name == "unknown" else 0


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.autoincrement is not True]
