"""Finding out whether a call that must not be repeated took effect: questions, and how answers are
read.

What must not go in: deciding whether to send again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from vendors.provider import Provider
from vendors.wire import Answer, Identity, Params, Request


class Finding(StrEnum):
    """What one lookup answer says about the text that is looked for."""

    FOUND = "found"
    EMPTY = "empty"
    FAILED = "failed"
    """The answer could not be read or is an error: it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """`proven`: the answer shows by itself that the question works, so that an empty one counts."""

    finding: Finding
    reference: str | None = None
    reason: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One form of asking a provider whether a call took effect. `form` names the form: an empty
    answer counts only once the same form has found an earlier call of this account."""

    form: str
    request: Request


class Lookup(Protocol):
    """How to find out whether a call that is not repeatable took effect."""

    def queries(self, params: Params, identity: Identity, provider: Provider) -> Sequence[Query]:
        """The questions to ask, in order; the call is provably not there only if all of them are
        empty."""
        ...

    def read(
        self, answer: Answer, params: Params, identity: Identity, claimed: frozenset[str]
    ) -> Sighting:
        """Read one answer. `claimed`: references that the journal knows as other actions', never
        matched. A match is the same tag and number, or the same number and body without a foreign
        tag."""
        ...
