"""The machine below a run: which cores a process may use, the processor time it has taken, a name.

All of it from /proc. Where cores cannot be chosen, a run goes on without and says so.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """`measured` is for the process that a case is about, `rest` for everything it talks to."""

    measured: frozenset[int]
    rest: frozenset[int]

    @property
    def count(self) -> int:
        return len(self.measured | self.rest)

    @property
    def apart(self) -> bool:
        return self.measured != self.rest


def share_cores() -> Cores:
    """The first core for what is measured, the others for the rest; all for both if there is only
    one."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        return Cores(measured=frozenset(usable), rest=frozenset(usable))
    return Cores(measured=frozenset(usable[:1]), rest=frozenset(usable[1:]))


def all_cores() -> Cores:
    """Every core for everything."""
    usable = frozenset(os.sched_getaffinity(0))
    return Cores(measured=usable, rest=usable)


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keep a process, its children and all their threads on these cores; what they start later
    inherits it."""
    for each in _family(pid):
        for thread in _entries(_PROC / str(each) / "task"):
            # It may have ended since it was listed.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cores)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children so far."""
    ticks = sum(_ticks(each) for each in _family(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def describe_machine(cores: int) -> str:
    """Cores, processor and Python, as it stands below the table."""
    model = "unknown processor"
    for line in (_PROC / "cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{cores} cores of {model}, Python {platform.python_version()}"


def _family(pid: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for each in _entries(_PROC):
        if fields := _stat(each):
            children.setdefault(int(fields[1]), []).append(each)
    waiting = [pid]
    while waiting:
        yield (found := waiting.pop())
        waiting += children.get(found, [])


def _ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _stat(pid: int) -> list[str] | None:
    """The fields after the name: the name may hold blanks and brackets."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _entries(folder: Path) -> list[int]:
    try:
        return [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()]
    except OSError:
        return []
