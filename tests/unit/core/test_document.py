"""Configuration files: what is ambiguous is refused with its place, and values are never
repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from core.configuration import Duration, SecretRef
from core.document import Document, read_document, read_secret, validate
from core.errors import ConfigurationError


def document(tmp_path: Path, text: str | bytes, name: str = "a.yaml") -> Document:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_document(file)


def test_yaml_1_2_is_read_as_plain_data(tmp_path: Path) -> None:
    text = """
on: yes
country: NO
time: 12:30
date: 2026-11-22
int: 42
negative: -7
float: 1.5
exponent: 1e3
"true": true
"null": ~
empty:
quoted: "42"
list: [1, two, {three: 3}]
block: |
  two
  lines
phone: "+491713920001"
"""
    assert document(tmp_path, text).data == {
        "on": "yes",
        "country": "NO",
        "time": "12:30",
        "date": "2026-11-22",
        "int": 42,
        "negative": -7,
        "float": 1.5,
        "exponent": 1000.0,
        "true": True,
        "null": None,
        "empty": None,
        "quoted": "42",
        "list": [1, "two", {"three": 3}],
        "block": "two\nlines\n",
        "phone": "+491713920001",
    }


@pytest.mark.parametrize(
    ("text", "line", "field", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a", "line 1 already"),
        ("a:\n  - x: 1\n    x: 2\n", 3, "a[0].x", "line 2 already"),
        ("a: &x 1\n", 1, "a", "anchors"),
        ("a: &x {b: 1}\n", 1, "a", "anchors"),
        ("a: 1\nb: *a\n", 2, "b", "aliases"),
        ("a:\n  <<: {b: 1}\n", 2, "a.<<", "merge"),
        ("a: !!str 1\n", 1, "a", "tags"),
        ("a: !!python/object:os.system x\n", 1, "a", "tags"),
        ("&k a: 1\n", 1, None, "anchors"),
        ("1: a\n", 1, None, "keys must be text"),
        ("[a]: b\n", 1, None, "keys must be text"),
        ("true: b\n", 1, None, "keys must be text"),
        ("a: 1\n---\nb: 2\n", 2, None, "second"),
        ("%YAML 1.1\n---\na: yes\n", 2, None, "1.2"),
        ("a: .nan\n", 1, "a", "quotes"),
        ("a: -.inf\n", 1, "a", "quotes"),
        ("a: 1e999\n", 1, "a", "too big"),
        ("a: 99999999999999999999999\n", 1, "a", "too big"),
        ("a: +491713920001\n", 1, "a", "quotes"),
        ("zip: 01067\n", 1, "zip", "quotes"),
        ("a: 0x1F\n", 1, "a", "quotes"),
        ("a: [1, 2\n", 2, "a", "not YAML"),
        ("a: b: c\n", 1, None, "not YAML"),
        ("a: \x07\n", None, None, "not YAML"),
        (b"a: \xff\n", 1, None, "not UTF-8"),
        ("- a\n", 1, None, "expected a mapping"),
        ("text\n", 1, None, "expected a mapping"),
        ("", None, None, "empty"),
        ("a: " + "[" * 65 + "]" * 65, 1, None, "deeper than 64"),
        ("a: " + "[" * 100_000, 1, None, "deeper than 64"),
        ("# " + "x" * 1024 * 1024, None, None, "larger than 1 MiB"),
    ],
    ids=lambda part: ascii(part)[:24],
)
def test_what_is_ambiguous_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, line: int | None, field: str | None, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        document(tmp_path, text)
    assert problem in caught.value.problem
    assert caught.value.file == str(tmp_path / "a.yaml")
    if line is not None:
        assert caught.value.line == line
    if field is not None:
        assert caught.value.field == field


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(
        st.sampled_from("a:-[]{}&*!|>'\"#%@,? \n\t0.e\x07\x85\ufeff")
        | st.characters(exclude_categories=["Cs"])
    )
)
def test_whatever_a_file_holds_is_data_or_one_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        found = document(folder, text)
    except ConfigurationError as error:
        caught = error
    else:
        assert isinstance(found.data, dict)
        return
    assert caught.file == str(folder / "a.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_document(tmp_path / "none.yaml")
    assert caught.value.file == str(tmp_path / "none.yaml")


def test_every_path_has_its_line(tmp_path: Path) -> None:
    found = document(tmp_path, "a:\n  b:\n    - c: 1\n    - c: 2\n")
    file = str(tmp_path / "a.yaml")
    assert found.place(("a", "b", 1, "c")) == (file, 4)
    assert found.place(("a", "b", 1, "missing")) == (file, 4)
    assert found.place(("x", "y")) == (file, 1)


def test_the_files_of_a_directory_are_taken_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("providers:\n  one: {x: 1}\nrules:\n  - id: first\n")
    (tmp_path / "b.yaml").write_text("rules:\n\n  - id: second\nproviders:\n  two: {x: 2}\n")
    (tmp_path / "b.test.yaml").write_text("tests: [nothing of ours]\n")
    (tmp_path / ".hidden.yaml").write_text("not: ours\n")
    (tmp_path / "c.txt").write_text("not: ours\n")
    found = read_document(tmp_path)
    assert found.data == {
        "providers": {"one": {"x": 1}, "two": {"x": 2}},
        "rules": [{"id": "first"}, {"id": "second"}],
    }
    assert found.place(("rules", 0, "id")) == (str(tmp_path / "a.yaml"), 4)
    assert found.place(("rules", 1, "id")) == (str(tmp_path / "b.yaml"), 3)
    assert found.place(("providers", "two", "x")) == (str(tmp_path / "b.yaml"), 5)


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ("providers: {a: {x: 1}}", "providers: {b: 1, a: {y: 2}}", "providers.a"),
        ("journal: {keep: 1d}", "journal: {keep: 2d}", "journal.keep"),
        ("rules: []", "rules: {}", "rules"),
    ],
)
def test_a_name_in_two_files_is_refused_with_both_places(
    tmp_path: Path, first: str, second: str, field: str
) -> None:
    (tmp_path / "a.yaml").write_text(first)
    (tmp_path / "b.yaml").write_text(second)
    with pytest.raises(ConfigurationError) as caught:
        read_document(tmp_path)
    assert (caught.value.file, caught.value.field) == (str(tmp_path / "b.yaml"), field)
    assert f"{tmp_path / 'a.yaml'}:1" in caught.value.problem


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no \*\.yaml"):
        read_document(tmp_path)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phone: str
    wait: Duration | None = None


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    inner: list[Inner] = Field(default_factory=list)
    by_name: dict[str, Inner] = Field(default_factory=dict)
    either: int | Inner = 0
    token: SecretRef | None = None


@pytest.mark.parametrize(
    ("text", "line", "field", "problem"),
    [
        ("nam: x\n", 2, "o.nam", "unknown key; did you mean name?"),
        ("name: x\n  zzz: 1\n", 3, "o.zzz", "known here: by_name, either, inner, name, token"),
        ("inner: []\n", 1, "o.name", "this key is required"),
        ("name: 7\n", 2, "o.name", "expected a valid string"),
        ("name: x\n  inner:\n    - phone: 1\n", 4, "o.inner[0].phone", "expected a valid string"),
        ("name: x\n  inner: [{phne: a}]\n", 3, "o.inner[0].phne", "did you mean phone?"),
        ("name: x\n  by_name: {a: {phne: b}}\n", 3, "o.by_name.a.phne", "did you mean phone?"),
        (
            "name: x\n  inner: [{phone: a, wait: soon}]\n",
            3,
            "o.inner[0].wait",
            "expected a duration",
        ),
        ("name: x\n  either: {phone: 3}\n", 3, "o.either", "expected"),
        ("name: x\n  token: {}\n", 3, "o.token", "expected {env: NAME} or {file: PATH}"),
    ],
)
def test_what_a_model_does_not_take_is_one_error_with_its_place(
    tmp_path: Path, text: str, line: int, field: str, problem: str
) -> None:
    found = document(tmp_path, "o:\n  " + text)
    with pytest.raises(ConfigurationError) as caught:
        validate(Outer, found, ("o",))
    assert (caught.value.line, str(caught.value.field)[: len(field)]) == (line, field)
    assert problem in caught.value.problem


def test_a_good_value_becomes_its_model(tmp_path: Path) -> None:
    found = document(tmp_path, "o: {name: x, inner: [{phone: a, wait: 5s}]}\n")
    made = validate(Outer, found, ("o",))
    assert made.inner[0].wait is not None
    assert made.inner[0].wait.total_seconds() == 5


@pytest.mark.parametrize("value", [7, "text", [1], None])
def test_a_section_that_is_no_mapping_is_refused(tmp_path: Path, value: Any) -> None:
    found = document(tmp_path, f"o: {value if value is not None else ''}\n")
    with pytest.raises(ConfigurationError, match="expected a mapping"):
        validate(Outer, found, ("o",))


def test_a_wrong_value_is_never_repeated(tmp_path: Path) -> None:
    found = document(tmp_path, "o: {name: x, token: hunter2, either: hunter2, inner: hunter2}\n")
    with pytest.raises(ConfigurationError) as caught:
        validate(Outer, found, ("o",))
    assert "hunter2" not in str(caught.value)


def test_a_missing_secret_is_told_with_the_place_of_its_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    found = document(tmp_path, "o:\n  token: {env: NOT_THERE}\n")
    with pytest.raises(ConfigurationError) as caught:
        read_secret(found, SecretRef(env="NOT_THERE"), ("o", "token"))
    assert (caught.value.line, caught.value.field) == (2, "o.token")
