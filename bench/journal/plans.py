"""PostgreSQL's own account of each query (`auto_explain`), read from its log.

What must not go in: asking anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

SETTINGS = (
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_analyze=on",
    "auto_explain.log_buffers=off",
    "auto_explain.log_timing=off",
    "max_wal_size=8GB",
)
"""Of the server: every query is explained as it ran."""

_PLAN = re.compile(r"duration: (?P<took>[0-9.]+) ms  plan:\n(?P<text>(?:\t.*\n)+)")
_COST = re.compile(r"cost=[0-9.]+ rows=[0-9]+ width=[0-9]+\) \(actual ")
_OWN = ("pg_catalog", "alembic_version", "clock_timestamp")


class Plans:
    """What was added to a log since it was last read."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = log.stat().st_size

    def since(self) -> list[str]:
        """Each query once, without costs that were only guessed, the longest first."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            text = file.read().decode("utf-8", "replace")
        self._read += len(text.encode())
        return list(_plans(text))


def _plans(text: str) -> Iterator[str]:
    seen = set()
    found = sorted(_PLAN.finditer(text), key=lambda plan: -float(plan["took"]))
    for plan in found:
        lines = [line.removeprefix("\t") for line in plan["text"].splitlines()]
        query = lines[0]
        if query in seen or any(own in query for own in _OWN):
            continue
        seen.add(query)
        yield "\n".join(_COST.sub("", line) for line in _without_query(lines))


def _without_query(lines: list[str]) -> list[str]:
    """The plan begins at the first line that tells a node."""
    for number, line in enumerate(lines):
        if "(cost=" in line:
            return lines[number:]
    return lines
