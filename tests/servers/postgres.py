"""A private PostgreSQL server: own port, own data directory, loopback only, with fsync as in
production.

PostgreSQL refuses to run as root, so for root it runs as the package's `postgres` user.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.servers.process import Guard, GuardedProcess, ServerError, Started, free_ports, removal

_BINARIES = Path("/usr/lib/postgresql/15/bin")
_USER = "postern"
_START_LIMIT = timedelta(seconds=30)
_CLUSTER = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
_SETTINGS = ("max_connections=100", "shared_buffers=64MB", "dynamic_shared_memory_type=mmap")


class PostgresServer(Started):
    """One server. With a `directory` its data is kept there, otherwise it goes with the server.
    `settings`: more of them, `name=value`."""

    def __init__(self, directory: Path | None = None, *, settings: Sequence[str] = ()) -> None:
        self._settings = (*_SETTINGS, *settings)
        self._binaries = _find_binaries()
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="postern-postgres-"))
        self._guard = Guard(removal(self.directory)) if self._temporary else None
        (self.port,) = free_ports(1)
        self._owner = _unprivileged() if os.geteuid() == 0 else None
        self._server: GuardedProcess | None = None

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, name: str) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    @property
    def running(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        """Start the server and return when it takes connections; initialises the data the first
        time."""
        if self._server is not None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._owner is not None:
            os.chown(self.directory, self._owner.pw_uid, self._owner.pw_gid)
        data = self.directory / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data)
        # A crash leaves the old file; the server itself judges whether it is stale.
        command = [str(self._binaries / "postgres"), "-D", str(data)]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.directory)]
        for setting in self._settings:
            command += ["-c", setting]
        self._server = GuardedProcess(
            command,
            log=self.directory / "server.log",
            environment=self._environment(),
            user=self._owner.pw_uid if self._owner else None,
            group=self._owner.pw_gid if self._owner else None,
            last_signal=signal.SIGQUIT,
        )
        self._server.wait_until(self._answers, within=_START_LIMIT, what="PostgreSQL")

    def stop(self) -> None:
        """Stop in order, ending the sessions of clients; data stays."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9: the next start recovers from the log."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def create_database(self, name: str) -> str:
        """Create an empty database; returns its URL."""
        return create_database(self.url, name)

    def drop_database(self, name: str) -> None:
        drop_database(self.url, name)

    def close(self) -> None:
        """End everything; a directory that was not given is removed."""
        self._end(signal.SIGQUIT)
        if self._guard is not None:
            self._guard.dismiss()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._server is not None:
            self._server.end(number)
            self._server = None

    def _initialise(self, data: Path) -> None:
        done = subprocess.run(
            [str(self._binaries / "initdb"), "-D", str(data), "-U", _USER, *_CLUSTER],
            env=self._environment(),
            cwd="/",
            user=self._owner.pw_uid if self._owner else None,
            group=self._owner.pw_gid if self._owner else None,
            extra_groups=[] if self._owner else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(f"initdb failed: {done.stderr[-2000:]}")

    def _environment(self) -> dict[str, str]:
        path = os.environ.get("PATH", "/usr/bin:/bin")
        return {"PATH": path, "LANG": "C", "HOME": str(self.directory), "TZ": "UTC"}

    def _answers(self) -> bool:
        done = subprocess.run(
            [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
        )
        return done.returncode == 0


def create_database(server_url: str, name: str, *, language: str | None = None) -> str:
    """Create an empty database on any server; returns its URL. Works inside and outside an event
    loop. `language`: by whose rules it sorts (`en-US`); None: as its server does."""
    sorting = f" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE '{language}'" if language else ""
    _apart(_execute(server_url, f'CREATE DATABASE "{name}"{sorting}'))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def drop_database(server_url: str, name: str) -> None:
    """Drop a database, ending the sessions that still use it."""
    _apart(_execute(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _apart(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def _find_binaries() -> Path:
    if (_BINARIES / "postgres").exists():
        return _BINARIES
    found = shutil.which("postgres")
    if found is None:
        raise ServerError("postgres is not installed (Debian package: postgresql-15)")
    return Path(found).resolve().parent


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`"
    )
