"""The `postern` command as people run it: as a process, in a directory, with an environment.

What must not go in: any expectation.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 60.0


def environment(**added: str) -> dict[str, str]:
    """Ours, without any setting of Postern's that the shell may have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTERN_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "200", **added}


def postern(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)],
        cwd=cwd,
        env=dict(env) if env is not None else environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


class Running:
    """A command that stays up; its output can be waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in what has been printed; fails loudly if it does not come."""
        while (found := re.search(pattern, self.output)) is None:
            try:
                self.output += self._lines.get(timeout=LIMIT)
            except Empty:
                raise AssertionError(f"no {pattern!r} in:\n{self.output}") from None
        return found

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(LIMIT)


@contextmanager
def running(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "cli", *map(str, arguments)],
        cwd=cwd,
        env=dict(env) if env is not None else environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.kill()
