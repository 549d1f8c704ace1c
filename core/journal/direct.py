"""Statements of what happens with every action, written out once and handed to the driver as they
are.

SQLAlchemy takes a few hundred microseconds for each statement that it is given, and a claim with
its outcome is twenty; for a batch of a dozen that is most of what the journal costs a consumer. On
SQLite they go the ordinary way: there the disk is what is waited for. What must not go in: what a
statement is about.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncConnection

Params = Mapping[str, Any]
Rows = Sequence[Any]
"""Their columns are attributes."""

_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]
_BEGIN = text("SELECT 1")


class Direct:
    """One statement whose values are bound by name (`bindparam`), none of them a list that grows
    the text (see `dialect.among`)."""

    def __init__(self, statement: Any, *, columns: Sequence[str] | None = None) -> None:
        """`columns`: of an insert, which ones its rows have."""
        self._statement = statement
        self._columns = columns
        self._written: _Written | None = None
        self._row: Callable[[Iterable[Any]], Any] | None = None

    async def rows(self, connection: AsyncConnection, **params: Any) -> Rows:
        """What it selects."""
        driver = await _driver(connection)
        if driver is None:
            return (await connection.execute(self._statement, params)).all()
        written = self._write()
        found = await driver.fetch(written.text, *written.bound(params))
        if not found:
            return ()
        if self._row is None:
            self._row = _attributes(found[0].keys())
        return [self._row(each.values()) for each in found]

    async def many(self, connection: AsyncConnection, rows: Sequence[Params]) -> None:
        """Once for each of them."""
        driver = await _driver(connection)
        if driver is None:
            await connection.execute(self._statement, rows)
            return
        written = self._write()
        await driver.executemany(written.text, [written.bound(row) for row in rows])

    def _write(self) -> _Written:
        if self._written is None:
            keys = list(self._columns) if self._columns is not None else None
            compiled = self._statement.compile(dialect=_DIALECT, column_keys=keys)
            self._written = _Written(str(compiled), compiled.positiontup, compiled.params)
        return self._written


class _Written:
    """A statement as PostgreSQL takes it. `known`: the values that are the same each time."""

    def __init__(self, text: str, names: Sequence[str], known: Params) -> None:
        self.text = text
        self._names = tuple(names)
        self._known = known

    def bound(self, params: Params) -> list[Any]:
        known = self._known
        return [params[name] if name in params else known[name] for name in self._names]


def _attributes(names: Iterable[str]) -> Callable[[Iterable[Any]], Any]:
    make: Any = namedtuple  # noqa: PYI024 - the names are known here only
    attributes: Callable[[Iterable[Any]], Any] = make("Row", list(names))._make
    return attributes


async def _driver(connection: AsyncConnection) -> asyncpg.Connection[Any] | None:
    """Within the transaction that the connection is in; None: this is not PostgreSQL."""
    if connection.dialect.name != "postgresql":
        return None
    assert connection.sync_connection is not None  # noqa: S101 - it is open
    driver = connection.sync_connection.connection.driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - so `engine` opens it
    if not driver.is_in_transaction():
        # SQLAlchemy begins one with the first statement that it is given itself.
        await connection.execute(_BEGIN)
    return driver
