"""The table of faults in docs/operations.md and the tests that bring them about hold each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.marked import marked_tests

ROOT = Path(__file__).resolve().parents[2]
COUNT = 38
NOT_HERE = "does not apply: "
_ROW = re.compile(r"^\| (\d+) \|(.+)\|$", re.MULTILINE)
_EVENT = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")


def rows() -> dict[int, list[str]]:
    """By number: fault, what the sender sees, what the operator sees, what happens by itself."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page[page.index("\n## Faults\n") :]
    found = {
        int(number): [cell.strip() for cell in cells.split("|")]
        for number, cells in _ROW.findall(section)
    }
    assert {len(cells) for cells in found.values()} == {4}
    return found


def marked() -> dict[int, list[str]]:
    """By fault: the tests that say they show what becomes of it."""
    return marked_tests("fault")


def test_every_fault_has_its_row_and_no_other() -> None:
    assert list(rows()) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_every_fault_is_brought_about_or_says_why_not(number: int) -> None:
    fault, sender, operator, itself = rows()[number]
    assert fault
    if itself.startswith(NOT_HERE):
        assert number not in marked()
        return
    assert sender
    assert operator
    assert itself
    assert marked()[number], "no test is marked with it"


def test_no_test_is_about_a_fault_that_the_table_does_not_know() -> None:
    assert marked().keys() <= rows().keys()


def test_the_log_events_that_the_table_names_are_logged() -> None:
    named = {
        event
        for cells in rows().values()
        for event in _EVENT.findall(cells[2])
        if not event.startswith("postern_")
    }
    code = "".join(
        path.read_text(encoding="utf-8")
        for package in ("core", "gateway", "consumers")
        for path in (ROOT / package).rglob("*.py")
    )
    assert {event for event in named if f'"{event}"' not in code} == set()
