"""Numbers as people type them."""

from __future__ import annotations

import pytest

from cli.recipient import recipient


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("0151 23456789", "+4915123456789"),
        ("+49 151 23456789", "+4915123456789"),
        ("0049 (151) 2345-6789", "+4915123456789"),
        ("anna@example.com", "anna@example.com"),
        ("u-17", "u-17"),
    ],
)
def test_a_number_becomes_what_the_journal_keeps(typed: str, found: str) -> None:
    """National numbers are read in the region; what is no number stays as it is."""
    assert recipient(typed, ["DE"]) == found


def test_an_international_number_needs_no_region() -> None:
    assert recipient("+43 664 1234567", []) == "+436641234567"
