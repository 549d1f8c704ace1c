"""Phone numbers: to E.164, mobile only, and which country they belong to.

Texts cost money and go to real people, so a number that is not certainly a mobile one is refused
rather than repaired. What must not go in: which countries are allowed.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

_WRITTEN = re.compile(r"\+?[0-9 ()./-]{3,40}", re.ASCII)
_NOT_DIGITS = re.compile(r"[^0-9]", re.ASCII)
_REACHABLE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def to_e164(written: str, region: str) -> str:
    """`0157 52982212` in DE to `+4915752982212`. Raises ValueError without repeating the number.

    Refused: letters and extensions, digits of other scripts, short, premium and fixed-line numbers.
    """
    written = written.strip()
    if not _WRITTEN.fullmatch(written):
        raise ValueError("expected a phone number: digits, spaces and + ( ) . / - only")
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        raise ValueError("is not a phone number") from None
    if number.extension:
        raise ValueError("is a number with an extension")
    # Unknown is what the library tells of a number that is not valid: it is asked once.
    match phonenumbers.number_type(number):
        case PhoneNumberType.UNKNOWN:
            raise ValueError("is not a number that exists in its country")
        case kind if kind not in _REACHABLE:
            raise ValueError("is not a mobile number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def country(e164: str) -> str | None:
    """The country an E.164 number belongs to, or None if that is unclear."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(e164, None))
    except NumberParseException:
        return None


def digits(number: str) -> str:
    """Only the digits of an international number, so that ways of writing it compare equal."""
    return _NOT_DIGITS.sub("", number).removeprefix("00")


def as_known(written: str, region: str) -> str:
    """Who a text came from: E.164 where it is a number of its country, else as it was given (names
    and short numbers send texts too).

    Digits alone may be of either kind, national or without their `+`: a mobile number comes first.
    """
    written = written.strip()
    spellings = (written, f"+{written}") if written.isdigit() else (written,)
    read = [number for spelling in spellings if (number := _valid(spelling, region)) is not None]
    read.sort(key=lambda number: phonenumbers.number_type(number) not in _REACHABLE)
    return phonenumbers.format_number(read[0], PhoneNumberFormat.E164) if read else written


def _valid(written: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(written, region) if _WRITTEN.fullmatch(written) else None
    except NumberParseException:
        return None
    return number if number is not None and phonenumbers.is_valid_number(number) else None
