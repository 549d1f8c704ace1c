"""Taking a person out of the files of the embedded broker and the spool, while no process works on
them.

A message that names them stays in its place without contents: the books count it, and whoever
takes it knows that it is empty. One that nobody can read is not needed for anything, and goes. A
file that a process works on is left to it: what is in there is recognised by the journal when it
arrives. What must not go in: whom a message names (see `core.erasing`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.broker.embedded.file import FileLock, open_database, unusable
from core.broker.embedded.spool import FILE, open_spool
from core.clock import to_micros
from core.erasing import emptied_message
from core.errors import FileInUse
from core.person import Person

_SLICE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEmptied:
    """`emptied`: messages that stay without contents; `removed`: those that nobody could read.
    `in_use`: a process works on the file, nothing was touched."""

    emptied: int = 0
    removed: int = 0
    in_use: bool = False


def empty_queues(path: Path, person: Person, *, until: datetime) -> FileEmptied | None:
    """None: there is no such file. Raises ConfigurationError if it cannot be used."""
    return _empty(path, "message", person, until, open_file=open_database)


def empty_spool(directory: Path, person: Person, *, until: datetime) -> FileEmptied | None:
    """The same for the spool in a directory."""
    return _empty(directory / FILE, "spooled", person, until, open_file=open_spool)


def _empty(
    path: Path,
    table: str,
    person: Person,
    until: datetime,
    *,
    open_file: Callable[[Path], sqlite3.Connection],
) -> FileEmptied | None:
    if not path.is_file():
        return None
    try:
        lock = FileLock(path)
    except FileInUse:
        return FileEmptied(in_use=True)
    try:
        with closing(open_file(path)) as database:
            return _walk(database, table, person, to_micros(until))
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    finally:
        lock.release()


def _walk(database: sqlite3.Connection, table: str, person: Person, until: int) -> FileEmptied:
    """In slices, each of them a transaction: an interrupted one is simply run again."""
    emptied, removed, after = 0, 0, 0
    while True:
        rows = database.execute(
            f"SELECT id, body FROM {table} WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - ours
            (after, _SLICE),
        ).fetchall()
        if not rows:
            break
        after = rows[-1][0]
        bodies = [(emptied_message(body, person, until), body, number) for number, body in rows]
        gone = [(number,) for left, _, number in bodies if left is None]
        changed = [
            (left, number) for left, body, number in bodies if left is not None and left != body
        ]
        database.execute("BEGIN IMMEDIATE")
        database.executemany(f"DELETE FROM {table} WHERE id = ?", gone)  # noqa: S608 - as above
        database.executemany(f"UPDATE {table} SET body = ? WHERE id = ?", changed)  # noqa: S608
        database.execute("COMMIT")
        emptied, removed = emptied + len(changed), removed + len(gone)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return FileEmptied(emptied=emptied, removed=removed)
