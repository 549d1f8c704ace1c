"""Who may operate over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.configuration import Secret
from core.errors import ConfigurationError, Unauthenticated
from core.settings import read_settings
from gateway.operator.keys import FIELD, Operators, read_operators

ADA = "key-of-ada-0123456789-012"
NEW = "new-key-of-ada-0123456789"
BOB = "key:of:bob:0123456789-0123"


def operators(text: str) -> Operators:
    found = read_operators(Secret(text))
    assert found is not None
    return found


def test_a_key_says_who_it_is_and_several_may_be_in_force() -> None:
    found = operators(f"ada:{ADA}, ada:{NEW},bob:{BOB}")
    assert [found.by_bearer(f"Bearer {key}") for key in (ADA, NEW, BOB)] == ["ada", "ada", "bob"]


@pytest.mark.parametrize("header", [None, "", ADA, "Bearer", f"Bearer {ADA}x", f"Basic {ADA}"])
def test_anything_else_is_nobody(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        operators(f"ada:{ADA}").by_bearer(header)


def test_a_file_holds_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "operators"
    file.write_text(f"# who may\n\nada:{ADA}\r\nbob:{BOB}\n")
    found = operators(f"file:{file}")
    assert [found.by_bearer(f"Bearer {key}") for key in (ADA, BOB)] == ["ada", "bob"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tell-tale", "entry 1: expected NAME:KEY"),
        (f"ada:{ADA},bob:tell-tale", "entry 2: expected NAME:KEY"),
        (f"ada:{ADA},", "entry 2: expected NAME:KEY"),
        (f":{ADA}", "entry 1: expected NAME:KEY"),
        (f"ada smith:{ADA}", "entry 1: expected NAME:KEY"),
        (f"ada:{'ü' * 30}", "entry 1: expected NAME:KEY"),
        (f"ada:{ADA},bob:{ADA}", "entry 2: somebody else has this key"),
        ("file:/nowhere/tell-tale", "the file cannot be read"),
    ],
)
def test_what_is_wrong_stops_the_start_and_names_no_key(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_operators(Secret(text))
    assert said in str(raised.value)
    assert raised.value.field == FIELD
    assert "tell-tale" not in str(raised.value)
    assert ADA not in str(raised.value)


def test_an_empty_file_is_no_setting(tmp_path: Path) -> None:
    file = tmp_path / "operators"
    file.write_text("# nobody yet\n")
    with pytest.raises(ConfigurationError, match="names nobody"):
        read_operators(Secret(f"file:{file}"))


def test_without_the_setting_nobody_may() -> None:
    assert read_operators(read_settings({}).operators) is None
    assert read_operators(read_settings({FIELD: ""}).operators) is None


def test_settings_do_not_show_the_keys() -> None:
    assert ADA not in repr(read_settings({FIELD: f"ada:{ADA}"}))
