"""How any provider's answer is read: waiting times, codes, words for people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.vendors.cases import answer
from vendors.answers import code, retry_after, words

SENT = "Sun, 22 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2", 2),
        ("0", 0),
        ("-1", 0),
        ("1e9", 3600),
        ("999999999999", 3600),
        ("1.5", 1.5),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0),
        ("Sun, 22 Nov 2099 09:00:00 GMT", 3600),
    ],
)
def test_a_waiting_time_is_within_an_hour(written: str, seconds: float) -> None:
    """What is negative, past or absurd is brought into bounds."""
    assert retry_after(answer(503, retry_after=written, date=SENT)) == timedelta(seconds=seconds)


@pytest.mark.parametrize("written", ["", "soon", "nan", "inf", "٣", "1 2", "Sun, 99 Nov"])
def test_a_waiting_time_that_cannot_be_read_says_nothing(written: str) -> None:
    assert retry_after(answer(503, retry_after=written, date=SENT)) is None


def test_a_date_without_the_time_of_the_answer_says_nothing() -> None:
    """Our clock may differ from the provider's by more than the wait."""
    assert retry_after(answer(503, retry_after=SENT)) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        ("0", 0),
        (False, 0),
        (True, 1),
        (0.0, 0),
        (" 440 ", 440),
        ("x", None),
        ("\u0660", None),
        (0.5, None),
        (float("inf"), None),
        (None, None),
        ([], None),
    ],
)
def test_codes_are_read_as_vendors_write_them(value: object, expected: int | None) -> None:
    assert code(value) == expected


def test_words_are_one_short_line_without_personal_data() -> None:
    """Providers repeat what they were sent, and the journal keeps reasons."""
    said = (
        "No\x00 such\r\nprofile\u202e: john.doe@example.com, phone +49 157 5298-2212 " + "x" * 500
    )
    line = words(said)
    assert line.startswith("No such profile : *** phone *** xxx")
    assert len(line) <= 200
    assert line.isprintable()


@pytest.mark.parametrize("said", [None, 5, [], {"a": 1}])
def test_words_that_are_no_text_are_nothing(said: object) -> None:
    assert words(said) == ""
