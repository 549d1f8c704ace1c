"""What the recorder writes: events and the actions they planned. It inserts what is missing,
nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import to_micros
from core.journal import tables
from core.journal.dialect import bound_among, insert_missing
from core.journal.direct import Direct
from core.journal.erased import NO_DIGEST, gone_records
from core.journal.erasing import empty, full_rows
from core.journal.port import Recorded
from core.journal.rows import new_row, short_reason
from core.journal.states import State
from core.messages import Event, EventRecord, encode_record


async def record_all(
    connection: AsyncConnection, records: Sequence[EventRecord], now: int
) -> Recorded:
    known = await _digests(connection, sorted({record.event.ref for record in records}))
    gone = await gone_records(connection, records, known)
    records = [gone.rest(record) for record in records]
    rows = [_event_row(record, now) for record in records]
    fresh: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for row in rows:
        if row["ref"] in known:
            # What an emptied event said is not known any more.
            conflict = known[row["ref"]] not in (NO_DIGEST, row["digest"])
            again.append({"b_ref": row["ref"], "conflict": int(conflict)})
        else:
            known[row["ref"]] = row["digest"]
            fresh.append(row)
    # Another recorder may insert the same event between the look and the insert: the first one
    # wins, and only the count of repeats is off by one.
    await insert_missing(connection, tables.events, fresh)
    if again:
        await connection.execute(
            update(tables.events)
            .where(tables.events.c.ref == bindparam("b_ref"))
            .values(
                repeats=tables.events.c.repeats + 1,
                conflicts=tables.events.c.conflicts + bindparam("conflict"),
            ),
            sorted(again, key=lambda row: str(row["b_ref"])),
        )
    actions = [action for record in records for action in record.actions]
    await insert_missing(
        connection,
        tables.planned,
        [{"action_id": action.id, "ref": action.ref} for action in actions],
    )
    await insert_missing(
        connection, tables.actions, [new_row(action, now=now) for action in actions]
    )
    if gone.refs:
        # A worker may have claimed some of them before their event was recorded.
        claimed = await full_rows(connection, sorted(gone.refs))
        ended = [row for row in claimed if row.state != State.RUNNING.value]
        await empty(connection, ended, now)
    return Recorded(
        new_events=len(fresh),
        repeated_events=len(again),
        new_actions=len(actions),
        conflicting=tuple(sorted({str(row["b_ref"]) for row in again if row["conflict"]})),
    )


async def park_unreadable(
    connection: AsyncConnection, body: bytes, *, queue: str, reason: str, now: int
) -> str:
    """A message that nobody can read, kept whole for a person to look at."""
    name = "ac_unreadable_" + hashlib.sha256(body).hexdigest()[:24]
    await insert_missing(
        connection,
        tables.actions,
        [
            {
                "id": name,
                "ref": "",
                "source": "",
                "event_id": "",
                "rule": "",
                "step": "",
                "position": 0,
                "provider": "",
                "operation": queue,
                "lane": "",
                "state": State.PARKED.value,
                "seq": 0,
                "occurred_at": now,
                "reason": short_reason(reason),
                "message": body,
                "created_at": now,
                "updated_at": now,
            }
        ],
    )
    return name


async def _digests(connection: AsyncConnection, refs: Sequence[str]) -> dict[str, bytes]:
    found = await _digests_of(connection.dialect.name).rows(connection, b_refs=list(refs))
    return {row.ref: row.digest for row in found}


@lru_cache
def _digests_of(dialect: str) -> Direct:
    table = tables.events
    query = select(table.c.ref, table.c.digest)
    return Direct(query.where(bound_among(dialect, table.c.ref, "b_refs")))


def _event_row(record: EventRecord, now: int) -> dict[str, Any]:
    event = record.event
    return {
        "ref": event.ref,
        "source": event.source,
        "event_id": event.id,
        "type": event.type,
        "occurred_at": to_micros(event.occurred_at),
        "received_at": to_micros(event.received_at),
        "recorded_at": now,
        "rules_version": record.rules_version,
        # The actions stand in rows of their own.
        "record": encode_record(replace(record, actions=())),
        "digest": NO_DIGEST if event.erased else _digest(event),
    }


def _digest(event: Event) -> bytes:
    """What an event says, for telling a repeat from another event under the same id."""
    if event.restated:
        return hashlib.sha256(event.type.encode("utf-8")).digest()
    said = [event.type, event.subject, event.time.isoformat() if event.time else None, event.data]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()
