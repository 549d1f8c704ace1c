"""What SQLite and PostgreSQL, or SQLAlchemy's view of them, spell differently."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    Table,
    UnaryExpression,
    any_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.operators import custom_op

from core.journal.direct import Direct

Rows = Sequence[dict[str, Any]]


def among(
    connection: AsyncConnection, column: ColumnElement[str], values: Sequence[str]
) -> ColumnElement[bool]:
    """`column` is one of `values`. On PostgreSQL the text of the statement does not depend on how
    many there are, so it is prepared once and not once for every size of a batch."""
    if connection.dialect.name == "sqlite":
        return column.in_(values)
    return column == any_(literal(list(values), postgresql.ARRAY(String)))


def bound_among(dialect: str, column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The same for a statement that is written out once: the values are bound by `name`."""
    if dialect == "sqlite":
        return column.in_(bindparam(name, expanding=True))
    return column == any_(bindparam(name, type_=postgresql.ARRAY(String)))


def pairs_among(
    connection: AsyncConnection,
    columns: tuple[ColumnElement[str], ColumnElement[str]],
    pairs: Sequence[tuple[str, str]],
) -> ColumnElement[bool]:
    """The two columns together are one of `pairs`. PostgreSQL would look each pair up by a scan of
    its own, all of them planned anew each time; so it joins them."""
    if connection.dialect.name == "sqlite":
        return tuple_(*columns).in_(pairs)
    halves = (literal([pair[i] for pair in pairs], postgresql.ARRAY(String)) for i in (0, 1))
    asked = func.unnest(*halves).table_valued("one", "other").render_derived()
    return tuple_(*columns).in_(select(asked.c.one, asked.c.other))


def in_code_order(dialect: str, column: ColumnElement[str]) -> ColumnElement[str]:
    """The column, to sort by as Python sorts. Rows that are locked in the order of a database's
    language, and elsewhere in Python's, are locked crosswise: a deadlock."""
    return column if dialect == "sqlite" else column.collate("C")


def shared_by_many(connection: AsyncConnection, column: ColumnElement[str]) -> ColumnElement[str]:
    """The column, in a condition that a large part of a table fulfils. SQLite, which counts
    nothing, would take an index that begins with it and sort all of those rows for one page."""
    if connection.dialect.name == "sqlite":
        # What is not the bare column has no index: https://sqlite.org/optoverview.html#uplus
        return UnaryExpression(column, operator=custom_op("+"), type_=column.type)
    return column


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    if dialect == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


async def insert_missing(connection: AsyncConnection, table: Table, rows: Rows) -> None:
    """Insert what is not there, sorted by primary key so that two batches cannot deadlock."""
    if rows:
        key = [column.name for column in table.primary_key]
        ordered = sorted(rows, key=lambda row: tuple(row[name] for name in key))
        statement = _missing(connection.dialect.name, table, tuple(ordered[0]))
        await statement.many(connection, ordered)


async def upsert(connection: AsyncConnection, table: Table, rows: Rows) -> None:
    """Insert or overwrite by primary key; the rows come sorted by it."""
    if rows:
        statement = _overwriting(connection.dialect.name, table, tuple(rows[0]))
        await statement.many(connection, list(rows))


@lru_cache
def _missing(dialect: str, table: Table, columns: tuple[str, ...]) -> Direct:
    return Direct(_insert(dialect, table).on_conflict_do_nothing(), columns=columns)


@lru_cache
def _overwriting(dialect: str, table: Table, columns: tuple[str, ...]) -> Direct:
    key = [column.name for column in table.primary_key]
    statement = _insert(dialect, table)
    rest = {name: statement.excluded[name] for name in columns if name not in key}
    return Direct(statement.on_conflict_do_update(index_elements=key, set_=rest), columns=columns)
