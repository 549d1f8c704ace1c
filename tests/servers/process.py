"""Child processes that cannot outlive the Python process that started them, and ports for them.

A guard, a small shell, sleeps on a pipe whose other end only this process holds. When this process
ends, by whatever cause (an exception, SIGTERM, kill -9), the pipe closes and the guard does its one
command.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

# Below the range that the system gives to outgoing connections: there, a client that tries again
# while the server is down can be given the server's own port and connect to itself.
_PORTS = range(15_000, 32_000)
_LOG_TAIL = 4_000


class ServerError(Exception):
    """A private server is not installed, did not start, or did not stop."""


class _PortBlocks:
    """Hands out each port once. Between the choice of a port and the listening on it lies the
    start of a server, and another test's process may choose then: so a process takes a whole
    block, by a lock that no other process can take and that ends with it."""

    _BLOCK = 100

    def __init__(self) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"postern-test-ports-{os.getuid()}"
        self._left: list[int] = []
        self._locks: list[int] = []
        self._turn = threading.Lock()

    def take(self) -> int:
        """Raises ServerError when every block is taken."""
        with self._turn:
            while True:
                if not self._left:
                    self._left = list(self._block())
                port = self._left.pop()
                with socket.socket() as probe, contextlib.suppress(OSError):
                    probe.bind(("127.0.0.1", port))
                    return port

    def _block(self) -> range:
        self._folder.mkdir(exist_ok=True)
        starts = _PORTS[:: self._BLOCK]
        for start in random.sample(starts, len(starts)):
            lock = os.open(self._folder / str(start), os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._locks.append(lock)
            return range(start, start + self._BLOCK)
        raise ServerError(f"every block of loopback ports is taken: see {self._folder}")


_port_blocks = _PortBlocks()


def free_ports(count: int) -> tuple[int, ...]:
    """Loopback ports that nobody listens on now, and that no other process is given before this
    one ends."""
    return tuple(_port_blocks.take() for _ in range(count))


class Started(ABC):
    """Something that is started on entering a context and closed on leaving it, also if it did not
    start."""

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Guard:
    """Does one shell command as soon as this Python process is gone, unless dismissed before."""

    def __init__(self, command: str) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", f"read -r _; {command}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        self._shell.kill()
        self._shell.wait()
        if self._shell.stdin is not None:
            self._shell.stdin.close()


class GuardedProcess:
    """A child in its own session (Ctrl-C does not reach it) with a guard beside it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
        group: int | None = None,
        last_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                env=dict(environment) if environment is not None else None,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=[] if user is not None else None,
            )
        self._guard = Guard(f"kill -s {last_signal.name.removeprefix('SIG')} {self._child.pid}")

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def send(self, number: signal.Signals) -> None:
        """A SIGSTOP is waited for: it takes hold once one of the threads is given a processor, and
        on a busy machine the process works on until then."""
        if not self.running:
            return
        self._child.send_signal(number)
        if number == signal.SIGSTOP:
            limit = time.monotonic() + 20
            while not self._stands_still():
                if time.monotonic() > limit:
                    raise ServerError(f"process {self.pid} does not stand still")
                time.sleep(0.001)

    def end(self, number: signal.Signals, *, within: timedelta = timedelta(seconds=20)) -> int:
        """Signal the process and wait until it is gone; after `within` it is killed. Returns its
        exit code (-9: it was killed)."""
        self.send(number)
        if number == signal.SIGKILL:
            # Its children stand in the same group unless they made their own (PostgreSQL's do, and
            # leave by themselves when their parent is gone).
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
        try:
            self._child.wait(within.total_seconds())
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._guard.dismiss()
        return self._child.returncode

    def wait(self, within: timedelta) -> int:
        """Wait for the process to end by itself; returns its exit code."""
        try:
            return self._child.wait(within.total_seconds())
        finally:
            self._guard.dismiss()

    def wait_until(self, ready: Callable[[], bool], *, within: timedelta, what: str) -> None:
        """Raises ServerError with the end of the log if the process ends first or takes too
        long."""
        limit = time.monotonic() + within.total_seconds()
        while not ready():
            if not self.running:
                raise ServerError(f"{what} ended while starting:\n{self._log_tail()}")
            if time.monotonic() > limit:
                raise ServerError(f"{what} did not start within {within}:\n{self._log_tail()}")
            time.sleep(0.05)

    def _stands_still(self) -> bool:
        threads = Path("/proc", str(self.pid), "task").iterdir()
        return all(state_of(thread) in {"T", "Z", None} for thread in threads)

    def _log_tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]


def state_of(process: Path) -> str | None:
    """The letter of a process or thread, by its folder under /proc (proc_pid_stat(5): T is stopped,
    Z has ended); None: there is none any more."""
    try:
        stat = (process / "stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat.rpartition(")")[2].split()[0]


def removal(directory: Path) -> str:
    """The guard's command that removes a directory, after its writers have had a moment to end."""
    return f"sleep 1; rm -rf {shlex.quote(str(directory))}"
