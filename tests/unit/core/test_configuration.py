"""Durations and secrets as configuration files hold them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.configuration import Secret, SecretRef, parse_duration
from core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("10s", timedelta(seconds=10)),
        ("1.5m", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("30d", timedelta(days=30)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_are_written_with_their_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "value", ["10", "10 s", "-1s", "1w", "", "s", "1e3s", 10, None, "9" * 30 + "d"]
)
def test_anything_else_is_refused_with_what_was_expected(value: object) -> None:
    with pytest.raises(ValueError, match=r"duration"):
        parse_duration(value)


def test_a_secret_shows_stars_in_every_way_of_printing_it() -> None:
    secret = Secret("tell-tale")
    assert "tell-tale" not in f"{secret} {secret!r} {[secret]} {secret!s}"
    assert secret.reveal() == "tell-tale"


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "tell-tale")
    assert SecretRef(env="SHOP_KEY").read(field="sources.shop") == Secret("tell-tale")


def test_a_secret_is_read_from_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("tell-tale\n")
    assert SecretRef(file=str(tmp_path / "key")).read(field="x").reveal() == "tell-tale"


def test_a_missing_or_empty_secret_is_told_by_field_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for ref in (
        SecretRef(env="EMPTY"),
        SecretRef(file=str(tmp_path / "none")),
        SecretRef(file=str(tmp_path / "binary")),
    ):
        with pytest.raises(ConfigurationError) as caught:
            ref.read(field="sources.shop.verify")
        assert caught.value.field == "sources.shop.verify"


@pytest.mark.parametrize("content", [{}, {"env": "A", "file": "b"}, {"value": "tell-tale"}])
def test_a_secret_itself_cannot_stand_in_the_file(content: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        SecretRef.model_validate(content)
    assert "tell-tale" not in str(caught.value)
