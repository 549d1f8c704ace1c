"""How a person is recognised in JSON that came from outside: by a phone number, an e-mail address
or a profile id that is a whole value of it.

A number is compared by its digits, so that `0151 23456789` is found as well as `+4915123456789`.
What must not go in: regions, and keeping any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

_FEWEST_DIGITS = 6
_LONGEST_NUMBER = 40
_SCHEMES = ("tel:", "sms:", "mailto:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom an erasure is about. `forms`: what a value may be compared with, see `forms_of`.
    `texts`: what of it is looked for inside longer texts. Neither is ever shown."""

    forms: frozenset[str] = field(repr=False)
    texts: tuple[str, ...] = field(repr=False, default=())

    def is_in(self, values: Iterable[Any]) -> bool:
        return not self.forms.isdisjoint(forms_in(values))

    def is_within(self, text: str) -> bool:
        """Whether an address stands in a longer text, and not as a part of another one."""
        lowered = text.lower()
        return any(
            re.search(rf"(?<![a-z0-9]){re.escape(each)}(?![a-z0-9])", lowered)
            for each in self.texts
        )


def forms_in(values: Iterable[Any]) -> frozenset[str]:
    """The forms of every value in these, however deep, and of the names of keys."""
    return frozenset(form for leaf in _leaves(values) for form in forms_of(leaf))


def forms_of(text: str) -> tuple[str, ...]:
    """What a value is compared by: itself, and an address in one spelling."""
    bare = text.strip()
    for scheme in _SCHEMES:
        bare = bare.removeprefix(scheme)
    if digits := digits_of(bare):
        return (f"id {bare}", f"phone {digits}")
    if "@" in bare:
        return (f"mail {bare.lower()}",)
    return (f"id {bare}",) if bare else ()


def digits_of(text: str) -> str:
    """The digits of what may be a phone number; nothing of any other text."""
    if len(text) > _LONGEST_NUMBER or any(each.isalpha() for each in text):
        return ""
    digits = "".join(str(int(each)) for each in text if each.isdecimal())
    return digits if len(digits) >= _FEWEST_DIGITS else ""


def _leaves(value: Any) -> Iterator[str]:
    """Without recursion: how deep it is was up to a stranger."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, bool) or each is None:
            continue
        elif isinstance(each, int):
            yield str(each)
        elif isinstance(each, float):
            if each.is_integer():
                yield str(int(each))
        elif isinstance(each, dict):
            left += each.keys()
            left += each.values()
        else:
            left += each
