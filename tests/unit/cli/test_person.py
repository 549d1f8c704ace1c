"""A person as somebody types one, and the values of events they are found in."""

from __future__ import annotations

from typing import Any

import click
import pytest

from cli.person import person_of


@pytest.mark.parametrize(
    "value",
    [
        "0151 23456789",
        "+49 (0)151/234 567-89",
        "004915123456789",
        "4915123456789",
        4915123456789,
        15123456789,
        "tel:+4915123456789",
        {"to": [{"+4915123456789": 1}]},
        "\uff10151 23456789",
    ],
)
def test_a_number_is_found_in_every_form(value: Any) -> None:
    person, kinds = person_of(["0151 23456789"], ["DE"])
    assert kinds == ["phone"]
    assert person.is_in([{"data": value}])


@pytest.mark.parametrize(
    "value", ["+43151 23456789", "0151 234567890", "call 015123456789", 0.5, None, True, "", {}]
)
def test_another_number_is_not(value: Any) -> None:
    person, _ = person_of(["+4915123456789"], ["DE"])
    assert not person.is_in([value])


def test_a_national_number_is_nobodys_without_its_country() -> None:
    person, _ = person_of(["+4915123456789"], ["AT"])
    assert not person.is_in(["0151 23456789"])
    assert person.is_in(["+4915123456789"])


def test_without_any_region_a_national_number_is_its_countrys() -> None:
    """A command without the configuration at hand must not leave half of it."""
    person, _ = person_of(["+4915123456789"], [])
    assert person.is_in(["0151 23456789"])
    with pytest.raises(click.UsageError) as raised:
        person_of(["0151 23456789"], [])
    with pytest.raises(click.UsageError):
        person_of(["+999999"], ["DE"])
    assert "151" not in raised.value.message


def test_addresses_in_any_case_and_ids_as_text_or_number() -> None:
    person, kinds = person_of([" Anna@Example.com", "10017", "u-10017"], [])
    assert kinds == ["email", "profile", "profile"]
    assert person_of(["100170"], ["DE"])[1] == ["profile"]
    for value in ("anna@EXAMPLE.com ", "mailto:anna@example.com", 10017, "10017", 10017.0):
        assert person.is_in([value]), value
    for value in ("joanna@example.com", 100170, "U-10017", "u-100171"):
        assert not person.is_in([value]), value


def test_an_address_is_found_within_a_text_but_not_in_a_longer_one() -> None:
    person, _ = person_of(["anna@example.com", "+4915123456789"], ["DE"])
    for text in ("o-Anna@example.com-1", "to=4915123456789&", "+4915123456789"):
        assert person.is_within(text), text
    for text in ("joanna@example.com", "anna@example.community", "49151234567890"):
        assert not person.is_within(text), text


@pytest.mark.parametrize("given", ["u-1", "2026", "", "  "])
def test_what_would_be_found_everywhere_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        person_of(["anna@example.com", given], ["DE"])
    assert "address 2" in raised.value.message
    assert not given.strip() or given not in raised.value.message


def test_nothing_shows_who_it_is() -> None:
    person, _ = person_of(["anna@example.com"], [])
    assert "anna" not in repr(person)
