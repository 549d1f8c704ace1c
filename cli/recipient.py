"""A phone number as a person types it, to the form the journal keeps (E.164)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import phonenumbers

from cli.options import providers_of
from core.errors import ConfigurationError
from vendors.provider import Provider

_NUMBER = re.compile(r"\+?[0-9 ()./-]+")


def regions_of(providers: Iterable[Provider]) -> tuple[str, ...]:
    """The regions that the providers read national numbers in, in their order."""
    found = (getattr(provider, "region", None) for provider in providers)
    return tuple(dict.fromkeys(region for region in found if isinstance(region, str)))


def configured_regions(config: Path | None) -> tuple[str, ...]:
    """Of the configuration if there is one: international numbers can be searched without it."""
    try:
        return regions_of(providers_of(config).values())
    except ConfigurationError:
        return ()


def recipient(text: str, regions: Iterable[str]) -> str:
    """`0151 23456789` with region DE is `+4915123456789`; an address or an id stays as it is."""
    if not _NUMBER.fullmatch(text.strip()):
        return text
    for region in (*regions, None):
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return text
