"""What a process takes of the machine, read from /proc."""

from __future__ import annotations

from pathlib import Path


def open_files(pid: int) -> int:
    """Its file descriptors: files, connections, pipes."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def megabytes(pid: int) -> int:
    """Its resident memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(
        int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS")
    )
