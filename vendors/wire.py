"""What goes to a provider and what comes back, as data: requests, answers, outcomes.

The words that all of a vendor's descriptions share. What must not go in: the network, and what any
one call means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

Params = dict[str, Any]
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Where a request goes that travels through a vendor's own broker: to `queue`, by the default
    exchange; its answer comes on the queue `answers`, as JSON whose field `key` is `id`."""

    queue: str
    answers: str
    key: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as data. `path` is relative to the provider's URL; the method is always POST.

    With `queued` set it is no HTTP request: `body` is the whole message for the vendor's broker.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes
    queued: Queued | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole: header names in lower case, the body as received (bounded by the
    caller)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OutcomeKind(StrEnum):
    """What an attempt came to, as far as the provider's answer tells."""

    DONE = "done"
    TEMPORARY = "temporary"
    """Nothing happened there; worth another try."""
    REFUSED = "refused"
    """The provider will never take this: a person has to look."""
    UNKNOWN = "unknown"
    """The request may have taken effect."""
    UNAUTHORIZED = "unauthorized"
    """Our token is not accepted: pauses the provider."""
    FORBIDDEN = "forbidden"
    """Our token may not do this: pauses the operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`reason` holds the provider's words, shortened, for people. `reference` is the provider's own
    id of what it made. `duplicate` is True when the provider says it answered from its memory of an
    earlier call. `remaining`: the call was done in part, and these are the parameters of what is
    left; whatever is called next is called with them, as a call of its own. `throttled`: we are
    asked to call less, which says nothing of the action."""

    kind: OutcomeKind
    reason: str = ""
    reference: str | None = None
    retry_after: timedelta | None = None
    duplicate: bool = False
    remaining: Params | None = None
    throttled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes one generation of an action recognisable at the provider. `called_at`: when it was
    first called (the middle of a lookup's window). `urgent`: it came in the urgent lane."""

    request_id: str
    tag: int
    called_at: datetime
    urgent: bool = False


class InvalidParams(ValueError):
    """Parameters that an operation cannot take. `field` names which; the text never repeats the
    value."""

    def __init__(self, problem: str, *, field: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.problem = problem
        self.field = field
