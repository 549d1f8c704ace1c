"""`make bench` in its shortest form: every case runs on real servers and has its figures.

The figures themselves are not judged: they are of this machine and of this moment.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.table import END, START, replace_between_markers
from core.errors import ConfigurationError
from tests.e2e.command_line import ROOT, environment

LIMIT = 110.0
CASES = {
    "bare aiohttp handler": "requests",
    "bare aiohttp handler, 256 connections": "requests",
    "one event, no rule matches": "events",
    "one event, no rule matches, 256 connections": "events",
    "one event, two actions": "events",
    "batch of 100, no rule matches": "events",
    "batch of 100, two actions each": "events",
    "raw publisher": "messages",
    "bare aiohttp client": "calls",
    "post to done, one consumer process": "actions",
    "post to done, its journal in SQLite": "actions",
}


def test_every_case_is_measured_and_the_table_lands_between_the_markers(tmp_path: Path) -> None:
    """One short round shows a rate for each case, and `--readme` writes what was printed."""
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--smoke", "--readme", str(readme)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name, unit in CASES.items():
        row = re.search(
            rf"^\| {re.escape(name)} +\| +([0-9,]+) {unit} \|", done.stdout, re.MULTILINE
        )
        assert row is not None, f"{name} is not in:\n{done.stdout}"
        assert int(row[1].replace(",", "")) > 0, row[0]
    assert "RabbitMQ 3" in done.stdout or "RabbitMQ 4" in done.stdout
    assert readme.read_text(encoding="utf-8") == f"before\n{START}\n{done.stdout}{END}\nafter\n"


def test_a_file_without_markers_is_left_as_it_is(tmp_path: Path) -> None:
    """The table replaces a table and never lands somewhere else."""
    file = tmp_path / "README.md"
    file.write_text(f"{END} {START}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="expected <!-- bench:start -->"):
        replace_between_markers(file, "table")
    assert file.read_text(encoding="utf-8") == f"{END} {START}\n"
