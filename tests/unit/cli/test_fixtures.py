"""Fixtures beside the rules: what counts as a difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.fixtures import Expected, differences, fixture_files, read_fixtures
from core.errors import ConfigurationError
from core.messages import Action, Lane
from tests.samples import an_action


def expected(**keys: object) -> Expected:
    return Expected.model_validate(keys)


def test_what_is_not_said_is_not_compared() -> None:
    action = an_action("a")
    assert differences([expected(rule=action.rule)], [action]) == []


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"rule": "other"}, "rule: expected other"),
        ({"step": "other"}, "step: expected other"),
        ({"lane": "bulk"}, "lane: expected bulk"),
        ({"parked": "is missing"}, "parked: expected 'is missing', is not parked"),
        ({"with": {"nothing": 1}}, "with.nothing: expected 1, is missing"),
    ],
)
def test_each_difference_is_named(keys: dict[str, object], problem: str) -> None:
    action = an_action("a")
    assert action.lane is not Lane.BULK
    found = differences([expected(**{"rule": action.rule, **keys})], [action])
    assert len(found) == 1
    assert problem in found[0]


def test_a_number_of_actions_that_differs_is_told() -> None:
    action: Action = an_action("a")
    assert "planned were 1" in differences([], [action])[0]
    assert "planned were 0: none" in differences([expected(rule="x")], [])[0]


def test_fixtures_stand_beside_a_file_and_inside_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    (tmp_path / "a.test.yaml").touch()
    (tmp_path / "b.test.yaml").touch()
    assert fixture_files(tmp_path / "a.yaml") == [tmp_path / "a.test.yaml"]
    assert fixture_files(tmp_path) == [tmp_path / "a.test.yaml", tmp_path / "b.test.yaml"]


def test_no_fixtures_at_all_is_an_error(tmp_path: Path) -> None:
    """ "All passed" would be the wrong answer to a mistyped name."""
    with pytest.raises(ConfigurationError, match=r"no a\.test\.yaml"):
        fixture_files(tmp_path / "a.yaml")


def test_a_misspelt_key_is_refused_with_its_place(tmp_path: Path) -> None:
    """An expectation that nobody reads would always be met."""
    file = tmp_path / "a.test.yaml"
    file.write_text("tests:\n  - name: x\n    event: {}\n    expect: [{rule: r, wiht: {}}]\n")
    with pytest.raises(ConfigurationError, match=r"a\.test\.yaml:4: tests\[0\]\.expect\[0\]\.wiht"):
        read_fixtures(file)
