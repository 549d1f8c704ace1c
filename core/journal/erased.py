"""What the journal still knows of persons who were erased: keyed hashes of their addresses, by
which a late repeat is recognised; and how a record looks from which a person was erased.

Whoever looks here holds the table until its transaction ends, so that an erasure begins between two
of them and never beside one. What must not go in: looking through what is stored (see `erasing`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.erasing import (
    emptied_action,
    emptied_record,
    moments,
    moments_of,
    values_of_action,
    values_of_record,
)
from core.journal import tables
from core.journal.dialect import among, insert_missing, upsert
from core.journal.direct import Direct
from core.messages import Action, EventRecord
from core.person import Person, forms_in

NO_DIGEST = b""
"""Of an event that was emptied: a hash of what it said would tell who it was about."""

_MOST_HASHES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Of what has come in: events and actions about somebody who was erased."""

    refs: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    def rest(self, record: EventRecord) -> EventRecord:
        """What of this record is written down."""
        if record.event.ref in self.refs:
            return emptied_record(record)
        return replace(record, actions=tuple(self.rest_of(action) for action in record.actions))

    def rest_of(self, action: Action) -> Action:
        return emptied_action(action) if self._has(action) else action

    def _has(self, action: Action) -> bool:
        return action.ref in self.refs or action.id in self.ids


async def remember(connection: AsyncConnection, person: Person, now: int) -> None:
    """From the end of this transaction on, what happened before `now` is not let in any more."""
    if connection.dialect.name == "postgresql":
        # What is being written down now was not looked at with this person in mind: it ends first,
        # so that the erasure finds it.
        await connection.execute(text("LOCK TABLE erased IN ACCESS EXCLUSIVE MODE"))
    table = tables.erasure_key
    await insert_missing(connection, table, [{"id": 1, "key": secrets.token_bytes(32)}])
    key = (await connection.execute(select(table.c.key))).scalar_one()
    hashes = sorted(_hash(key, form) for form in person.forms)
    await upsert(connection, tables.erased, [{"hash": it, "erased_at": now} for it in hashes])


async def gone_records(
    connection: AsyncConnection, records: Sequence[EventRecord], digests: Mapping[str, bytes]
) -> Gone:
    """`digests`: of the events that are known already, by ref."""
    key = await _key(connection)
    if key is None:
        return Gone()
    refs = [record.event.ref for record in records]
    earliest = [min(moments(record)) for record in records]
    values = [values_of_record(record) for record in records]
    actions = [action for record in records for action in record.actions]
    found = await _gone(connection, key, zip(refs, earliest, values, strict=True))
    return Gone(
        # A first telling counts: what is known of an event does not go because of a repeat.
        refs=frozenset(ref for ref in found if ref not in digests)
        | frozenset(ref for ref, digest in digests.items() if digest == NO_DIGEST),
        ids=await _gone_actions(connection, key, actions),
    )


async def rest_of(connection: AsyncConnection, actions: Sequence[Action]) -> list[Action]:
    """The actions as they may be written down: those about somebody who was erased are emptied."""
    key = await _key(connection)
    if key is None:
        return list(actions)
    events = tables.events
    refs = sorted({action.ref for action in actions})
    query = select(events.c.ref).where(
        among(connection, events.c.ref, refs), events.c.digest == NO_DIGEST
    )
    gone = Gone(
        refs=frozenset((await connection.execute(query)).scalars().all()),
        ids=await _gone_actions(connection, key, actions),
    )
    return [gone.rest_of(action) for action in actions]


async def _key(connection: AsyncConnection) -> bytes | None:
    """None: nobody is remembered, as nearly always."""
    found = await _KEY.rows(connection)
    return found[0].key if found else None


_KEY = Direct(select(tables.erasure_key.c.key).where(select(tables.erased.c.hash).exists()))


async def _gone_actions(
    connection: AsyncConnection, key: bytes, actions: Sequence[Action]
) -> frozenset[str]:
    asked = ((action.id, min(moments_of(action)), values_of_action(action)) for action in actions)
    return await _gone(connection, key, asked)


async def _gone(
    connection: AsyncConnection, key: bytes, asked: Iterable[tuple[str, int, list[Any]]]
) -> frozenset[str]:
    """Names of those in whose values an erased address is, and that happened before."""
    hashed = [
        (name, moment, {_hash(key, form) for form in forms_in(values)})
        for name, moment, values in asked
    ]
    wanted = sorted({each for _, _, hashes in hashed for each in hashes})
    table = tables.erased
    until: dict[str, int] = {}
    for start in range(0, len(wanted), _MOST_HASHES):
        part = wanted[start : start + _MOST_HASHES]
        query = select(table.c.hash, table.c.erased_at).where(among(connection, table.c.hash, part))
        until |= {row.hash: row.erased_at for row in (await connection.execute(query)).all()}
    return frozenset(
        name
        for name, moment, hashes in hashed
        if any(moment <= until[each] for each in hashes & until.keys())
    )


def _hash(key: bytes, form: str) -> str:
    return hmac.digest(key, form.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
