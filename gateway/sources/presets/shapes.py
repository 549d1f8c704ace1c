"""The business events that presets make, in the words of the catalogue.

What is not known is left out: a rule can test for it. What must not go in: the fields of any
system.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from core.clock import to_text
from core.messages import JsonObject


def present(**fields: Any) -> JsonObject:
    """The fields that are there."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def first(*values: Any) -> Any:
    """The first that says something."""
    return next((value for value in values if value not in (None, "", 0, "0")), None)


def part(value: Any) -> JsonObject:
    """An object inside another one; empty if it is not there or is none."""
    return value if isinstance(value, dict) else {}


def parts(value: Any) -> Iterable[JsonObject]:
    """The objects of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def utc(value: Any) -> str | None:
    """A time that its system writes in UTC and without saying so, as RFC 3339."""
    if not isinstance(value, str) or not value:
        return None
    return value.replace(" ", "T", 1) + ("" if value[-1] in "Zz" or "+" in value[10:] else "Z")


def seconds(value: Any) -> str | None:
    """Seconds since 1970, as RFC 3339."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**11:
        return None
    return to_text(datetime.fromtimestamp(value, UTC))
