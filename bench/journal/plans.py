"""PostgreSQL's own account of each query (`auto_explain`), read from its log.

What must not go in: asking anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg

_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
}

_PLAN = re.compile(r"duration: (?P<took>[0-9.]+) ms  plan:\n(?P<text>(?:\t.*\n)+)")
_SHORTER = (
    (re.compile(r"cost=[0-9.]+ rows=[0-9]+ width=[0-9]+\) \((?:actual )?"), ""),
    (re.compile(r"'\{[^']{60,}\}'"), "'{...}'"),
    (re.compile(r"::(?:text|bigint)(?:\[\])?"), ""),
    (re.compile(r"\((\w+)\)(?= [=<>])"), r"\1"),
)
"""Costs that were only guessed, long lists, casts."""
_OTHERS = ("pg_catalog", "typeinfo_tree", "alembic_version", "clock_timestamp", "erasure_key")


async def explain_all(url: str) -> None:
    """From now on, whoever connects to this database has each query explained as it ran."""
    connection = await asyncpg.connect(url)
    try:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute("LOAD 'auto_explain'")  # its settings are known only then
        for setting, value in _SETTINGS.items():
            await connection.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")
    finally:
        await connection.close()


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
        shown = "\n".join(map(_shortened, _without_query(plan["text"].splitlines())))
        query = plan["text"].partition("\n")[0]
        told = shown in seen or query in seen or any(each in plan["text"] for each in _OTHERS)
        if not told and "Scan" in shown:
            seen |= {shown, query}
            yield shown


def _shortened(line: str) -> str:
    for pattern, by in _SHORTER:
        line = pattern.sub(by, line)
    return line


def _without_query(lines: list[str]) -> list[str]:
    """The plan begins at the first line that tells a node."""
    lines = [line.removeprefix("\t") for line in lines]
    return next((lines[at:] for at, line in enumerate(lines) if "(cost=" in line), lines)
