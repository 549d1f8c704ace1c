"""Several actions in one call: how such a call is made, judged, and its parts found again.

What must not go in: waiting for company.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vendors.provider import Provider
from vendors.wire import Answer, Identity, Outcome, Params, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of several actions that share a call."""

    params: Params
    identity: Identity


class Gather(Protocol):
    """Several actions of one operation in one call, all taken or none."""

    def most(self, provider: Provider) -> int:
        """How many may share a call; 1: they are called one by one."""
        ...

    def request(self, items: Sequence[Item], provider: Provider) -> Request: ...

    def read(self, answer: Answer, provider: Provider) -> Outcome:
        """What the call came to, for each of them alike."""
        ...

    def find(self, items: Sequence[Item], provider: Provider, *, wide: bool = False) -> Request:
        """Asks for the provider's ids of what one such call made. `wide`: also where its clock is
        far from ours; a busy account lists much then."""
        ...

    def found(self, answer: Answer, items: Sequence[Item]) -> Mapping[int, str]:
        """The ids by tag, as far as the answer shows them."""
        ...
