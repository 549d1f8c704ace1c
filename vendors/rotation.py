"""One of several ways to reach people, chosen at the moment of the call.

What must not go in: whose turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from vendors.provider import Provider
from vendors.wire import Answer, Params, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One of several that an action may go through (a phone that sends). `seen`: how long ago the
    provider last heard of it; None: never."""

    id: str | int
    seen: timedelta | None


class Rotation(Protocol):
    """Choosing among the ways that a provider has, at the moment of the call."""

    def is_open(self, params: Params, provider: Provider) -> bool:
        """Whether these parameters leave the choice to us."""
        ...

    def query(self, provider: Provider) -> Request: ...

    def read(self, answer: Answer, provider: Provider, now: datetime) -> Sequence[Way] | None:
        """The configured ways, in their order. None: the answer cannot be read."""
        ...

    def silent_after(self, provider: Provider) -> timedelta:
        """A way that was not heard of for so long is left out."""
        ...

    def way(self, params: Params) -> str | int | None:
        """The way that the parameters name; None: they leave it open."""
        ...

    def through(self, params: Params, way: Way) -> Params: ...
