"""A person as somebody types one: phone numbers in any form, e-mail addresses, profile ids.

What must not go in: showing any of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click
import phonenumbers

from cli.recipient import recipient
from core.person import Person, digits_of, forms_of

SHORTEST_ID = 5
"""A shorter one is also a quantity, a status or a year."""

_FEWEST_NATIONAL = 9
"""Digits of a number without its 0: with fewer it could be anything."""


_SHORTEST_TEXT = 12
"""Characters of a profile id that is looked for inside texts: a shorter one would be found by
chance."""


def person_of(addresses: Iterable[str], regions: Iterable[str]) -> tuple[Person, list[str]]:
    """The person and what each address was taken for. Raises UsageError, without the address."""
    forms: set[str] = set()
    texts: set[str] = set()
    kinds: list[str] = []
    known = tuple(regions)
    for number, given in enumerate(addresses, start=1):
        kind = _add(given.strip(), known, forms, texts)
        if kind is None:
            raise click.UsageError(
                f"address {number} is no phone number or e-mail address, and as a profile id it is "
                f"too short to be told from other values: at least {SHORTEST_ID} characters"
            )
        kinds.append(kind)
    return Person(forms=frozenset(forms), texts=tuple(sorted(texts))), kinds


def _add(given: str, regions: tuple[str, ...], forms: set[str], texts: set[str]) -> str | None:
    """What it was taken for; None: it says too little."""
    # A few bare digits could be dialled in some country, and are an id all the same.
    is_id = given.isdigit() and not given.startswith("0") and len(given) < _FEWEST_NATIONAL
    number = given if is_id else recipient(given, regions)
    if _is_possible(number):
        digits = set(_spellings(number, regions))
        forms |= {f"phone {each}" for each in digits} | {f"id {given}"}
        # Inside a text only those that are nobody else's.
        texts |= {number[1:]} | {each for each in digits if len(each) > _FEWEST_NATIONAL}
        return "phone"
    if len(given) < SHORTEST_ID:
        return None
    if given.startswith(("0", "+")) and digits_of(given):
        raise click.UsageError(
            "a number was given that is none in the providers' regions: write it with + and its "
            "country"
        )
    forms |= set(forms_of(given))
    if "@" in given:
        texts.add(given.lower())
        return "email"
    if len(given) >= _SHORTEST_TEXT:
        texts.add(given.lower())
    return "profile"


def _is_possible(number: str) -> bool:
    if not (number.startswith("+") and number[1:].isdigit()):
        return False
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(number)))
    except phonenumbers.NumberParseException:
        return False


def _spellings(number: str, regions: tuple[str, ...]) -> Iterator[str]:
    """The digits of a number in every form that means it here. National ones not where all
    providers read them as numbers of other countries; where no provider says, too much is erased
    rather than too little."""
    parsed = phonenumbers.parse(number)
    national = phonenumbers.national_significant_number(parsed)
    country = str(parsed.country_code)
    yield country + national
    yield "00" + country + national
    yield country + "0" + national
    codes = {phonenumbers.country_code_for_region(region) for region in regions}
    if not codes or parsed.country_code in codes:
        as_dialled = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        yield "".join(each for each in as_dialled if each.isdecimal())
        if len(national) >= _FEWEST_NATIONAL:
            yield national
