"""Opening the embedded broker's file: who may, its schema, and what an earlier process left in it.

A queue lives in one process at a time. A lock file beside the database holds others off; the kernel
frees it whatever ends the process. Reading depths needs no lock.

What must not go in: statements that move messages.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from core.errors import ConfigurationError, FileInUse

SCHEMA_VERSION = 1

_SCHEMA = f"""
BEGIN;
CREATE TABLE queue (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue      INTEGER NOT NULL REFERENCES queue (id),
    handed     INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    body       BLOB NOT NULL
);
CREATE INDEX message_in_order ON message (queue, handed, id);
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


class FileLock:
    """The right to run on a file; held until released or until the process ends."""

    def __init__(self, path: Path) -> None:
        lock = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(path, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise FileInUse(
                "the embedded broker's file is in use by another process", file=str(path)
            ) from error

    def release(self) -> None:
        os.close(self._descriptor)


def open_database(
    path: Path, *, schema: str = _SCHEMA, expected: int = SCHEMA_VERSION
) -> sqlite3.Connection:
    """Open for running, making the file if it is not there. Raises ConfigurationError.

    The connection belongs to the thread that opens it.
    """
    try:
        # Messages hold personal data: the file is made for its owner only, before SQLite makes it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(path, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # Without FULL the last commits before a power failure may be lost, after they were
        # confirmed.
        database.execute("PRAGMA synchronous = FULL")
        # A message that was taken out is gone from the file, too.
        database.execute("PRAGMA secure_delete = ON")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            database.executescript(schema)
        elif version != expected:
            raise ConfigurationError(
                f"the embedded broker's file has version {version}, this program reads {expected}",
                file=str(path),
            )
    except sqlite3.Error as error:
        database.close()
        raise unusable(path, error) from error
    except ConfigurationError:
        database.close()
        raise
    return database


def embedded_depths(path: Path) -> dict[str, int]:
    """How many messages each queue of a file holds, ready and handed out; read beside a running
    process.

    Raises ConfigurationError if there is no such file or it is not an embedded broker's.
    """
    if not path.is_file():
        raise ConfigurationError("there is no embedded broker here", file=str(path))
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
            rows = database.execute(
                "SELECT queue.name, count(message.id) FROM queue"
                " LEFT JOIN message ON message.queue = queue.id GROUP BY queue.id ORDER BY queue.id"
            )
            return {str(name): int(count) for name, count in rows}
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the embedded broker's file cannot be used ({error})", file=str(path)
    )
