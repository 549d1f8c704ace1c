"""What comes back after a call was taken: receipts of texts, and what people send to us.

Some providers post it, others have to be asked. What must not go in: HTTP, and keeping any of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from vendors.provider import Provider
from vendors.wire import Answer, Request


class Stage(StrEnum):
    """How far a text has come, as the handset or the network reported it."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was reported of one text. `rank` orders reports of the same text: of two, whatever the
    order they came in, the higher one counts. `final`: nothing more will be reported."""

    reference: str
    stage: Stage
    rank: int
    meaning: str
    final: bool


class Follow(Protocol):
    """How to ask what became of something the provider took."""

    def query(self, reference: str, provider: Provider) -> Request: ...

    def read(self, answer: Answer, reference: str, provider: Provider) -> Receipt | None:
        """None: the answer does not say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Something that somebody sent to us through a provider, to become an event of `type`.

    `id` is stable: the same thing reported twice has the same one. `time` None: unknown.
    """

    id: str
    type: str
    time: datetime | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What one callback of a provider told."""

    receipts: tuple[Receipt, ...] = ()
    incoming: tuple[Incoming, ...] = ()


class Callbacks(Protocol):
    """What a provider posts to us."""

    def read(self, body: bytes, provider: Provider) -> Called | None:
        """None: no shape that is known. Never raises, whatever the bytes."""
        ...
