"""What was reported of texts after their provider took them, and whom to ask for it.

A report is kept by the provider's own id, whether or not that id is known here yet. What must not
go in: what a report means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros, to_micros
from core.journal import tables
from core.journal.dialect import insert_missing, pairs_among
from core.journal.port import Asked, Awaited
from core.journal.rows import SqlRow, indexed, micros, short_reason
from core.messages import Receipt

_PENDING = "pending"
_UNREPORTED = -1


def awaited_row(row: SqlRow, reference: str, due_at: int) -> dict[str, Any]:
    """A receipt that nobody has reported yet, to be asked for."""
    return _row(row.provider, reference) | {"due_at": due_at}


def _row(provider: str, reference: str) -> dict[str, Any]:
    return {
        "provider": provider,
        "reference": indexed(reference),
        "stage": _PENDING,
        "rank": _UNREPORTED,
        "meaning": "",
        "final": False,
        "due_at": None,
    }


async def receive(connection: AsyncConnection, receipts: Sequence[Receipt]) -> list[Receipt]:
    """See Journal.receive. Of reports in one batch the highest is written, so that each row is
    touched once and in one order."""
    highest: dict[tuple[str, str], Receipt] = {}
    for receipt in receipts:
        key = (receipt.provider, indexed(receipt.reference) or "")
        if key not in highest or highest[key].rank < receipt.rank:
            highest[key] = receipt
    await insert_missing(connection, tables.receipts, [_row(*key) for key in highest])
    table = tables.receipts
    told: list[Receipt] = []
    for (provider, reference), receipt in sorted(highest.items()):
        changed = await connection.execute(
            update(table)
            .where(
                table.c.provider == provider,
                table.c.reference == reference,
                table.c.rank < receipt.rank,
            )
            .values(
                stage=receipt.stage,
                rank=receipt.rank,
                meaning=short_reason(receipt.meaning),
                final=receipt.final,
                reported_at=to_micros(receipt.at),
                **({"due_at": None} if receipt.final else {}),
            )
        )
        if changed.rowcount:
            told.append(receipt)
    return told


async def due(connection: AsyncConnection, provider: str, *, now: int, limit: int) -> list[Awaited]:
    table = tables.receipts
    query = (
        select(table.c.reference, table.c.asked)
        .where(table.c.provider == provider, table.c.due_at <= now)
        .order_by(table.c.due_at)
        .limit(limit)
    )
    return [
        Awaited(reference=row.reference, asked=row.asked)
        for row in (await connection.execute(query)).all()
    ]


async def asked(
    connection: AsyncConnection, provider: str, questions: Sequence[Asked], *, now: int
) -> None:
    table = tables.receipts
    for question in sorted(questions, key=lambda each: each.reference):
        again = None if question.again_in is None else now + micros(question.again_in)
        await connection.execute(
            update(table)
            .where(
                table.c.provider == provider,
                table.c.reference == question.reference,
                table.c.final.is_(False),
            )
            .values(asked=table.c.asked + int(question.counts), due_at=again)
        )


async def of_actions(
    connection: AsyncConnection, rows: Iterable[SqlRow]
) -> dict[tuple[str, str], Receipt]:
    """What was reported of these actions' texts, by provider and reference."""
    keys = sorted({(row.provider, row.reference) for row in rows if row.reference is not None})
    if not keys:
        return {}
    table = tables.receipts
    query = select(table).where(
        pairs_among(connection, (table.c.provider, table.c.reference), keys),
        table.c.rank > _UNREPORTED,
    )
    return {
        (row.provider, row.reference): Receipt(
            provider=row.provider,
            reference=row.reference,
            stage=row.stage,
            rank=row.rank,
            meaning=row.meaning,
            final=bool(row.final),
            at=from_micros(row.reported_at),
        )
        for row in (await connection.execute(query)).all()
    }
