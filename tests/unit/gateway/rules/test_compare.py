"""What a change of the rules does to the identity of actions is told before it is in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.rules.compare import compare
from tests.unit.gateway.rules.fakes import document_of

A = "{call: box.note, with: {to: a}}"
B = "{call: box.note, with: {to: b}}"
NAMED = "{call: box.note, id: x, with: {to: a}}"
MOVED = "{call: box.other, id: x, with: {to: a}}"


def lines(tmp_path: Path, old: str, new: str) -> list[str]:
    rule = "\nrules:\n  - {{id: r, on: x, do: [{steps}]}}\n"
    before = document_of(tmp_path, rule.format(steps=old))
    return compare(before, document_of(tmp_path, rule.format(steps=new)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (A, A, []),
        (A, "{call: box.note, with: {to: changed}}", []),
        (f"{A}, {B}", A, ["rule r, step box.note#2 is gone"]),
        (A, f"{A}, {B}", ["rule r, step box.note#2 is new"]),
        (A, NAMED, ["rule r, step box.note is gone", "rule r, step x is new"]),
        (NAMED, MOVED, ["rule r, step x calls box.other instead of box.note"]),
        (
            f"{A}, {B}",
            f"{B}, {A}",
            ["rule r, step box.note does what box.note#2 did", "rule r, step box.note#2 does what"],
        ),
    ],
)
def test_ids_that_change_are_told(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    found = lines(tmp_path, old, new)
    assert len(found) == len(told)
    for line, beginning in zip(found, told, strict=True):
        assert line.startswith(beginning)


def test_rules_that_vanish_or_appear_are_told(tmp_path: Path) -> None:
    one = document_of(tmp_path, f"\nrules:\n  - {{id: one, on: x, do: [{A}]}}\n")
    two = document_of(tmp_path, f"\nrules:\n  - {{id: two, on: x, do: [{A}]}}\n")
    gone, new = compare(one, two)
    assert gone.startswith("rule one is gone")
    assert new.startswith("rule two is new")
