"""The table of bad inputs in docs/security.md and the tests that send them hold each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.marked import marked_tests

ROOT = Path(__file__).resolve().parents[2]
COUNT = 44
_ROW = re.compile(r"^\| (\d+) \|(.+)\|$", re.MULTILINE)
_FILE = re.compile(r"`(test_[a-z_]+\.py)`")
_OTHERWISE = re.compile(r"^\* (\d+(?:, \d+)*): ", re.MULTILINE)


def section(heading: str) -> str:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    return page.partition(f"\n{heading}\n")[2].partition("\n#")[0]


def rows() -> dict[int, list[str]]:
    """By number: input, outcome, the files of the tests."""
    found = {
        int(number): [cell.strip() for cell in cells.split(" | ")]
        for number, cells in _ROW.findall(section("## Bad inputs"))
    }
    assert {len(cells) for cells in found.values()} == {3}
    return found


def test_every_bad_input_has_its_row_and_no_other() -> None:
    assert list(rows()) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_every_bad_input_is_sent_by_the_tests_that_its_row_names(number: int) -> None:
    sent, outcome, tests = rows()[number]
    assert sent
    assert outcome
    files = {name.partition("::")[0] for name in marked_tests("bad_input")[number]}
    assert files, "no test is marked with it"
    assert set(_FILE.findall(tests)) == files


def test_no_test_sends_an_input_that_the_table_does_not_know() -> None:
    assert marked_tests("bad_input").keys() <= rows().keys()


def test_every_difference_is_about_inputs_of_the_table() -> None:
    numbers = {
        int(number)
        for found in _OTHERWISE.findall(section("### Where this differs"))
        for number in found.split(", ")
    }
    assert numbers
    assert numbers <= rows().keys()
