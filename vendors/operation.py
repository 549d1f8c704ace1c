"""What a vendor is made of: operations as data. A pure vocabulary that gateway, consumers and
simulators share.

An operation knows its parameters, whether repeating it is safe, which fields of which subscriptions
it sets, how a request is made of it and how an answer is read. What must not go in: the network,
the broker, the journal, aiohttp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from vendors.provider import Provider

Params = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as data. `path` is relative to the provider's URL; the method is always
    POST."""

    path: str
    headers: Mapping[str, str]
    body: bytes


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
    earlier call."""

    kind: OutcomeKind
    reason: str = ""
    reference: str | None = None
    retry_after: timedelta | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing an action sets the state of. `entity` is an opaque stable key without personal data
    (a hash), `fields` are the names it sets there ("*": all of them)."""

    entity: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an action sets. `order_key` names the profile whose calls go one at a time (None: no
    order)."""

    order_key: str | None = None
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes one generation of an action recognisable at the provider. `called_at`: when it was
    first called (the middle of a lookup's window)."""

    request_id: str
    tag: int
    called_at: datetime


class Finding(StrEnum):
    """What one lookup answer says about the text that is looked for."""

    FOUND = "found"
    EMPTY = "empty"
    FAILED = "failed"
    """The answer could not be read or is an error: it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    finding: Finding
    reference: str | None = None
    reason: str = ""


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


class Operation(Protocol):
    """One call of a vendor."""

    @property
    def name(self) -> str:
        """As the vendor names it, `subscriptions/set`."""
        ...

    @property
    def model(self) -> type[BaseModel]:
        """The parameters, strict: unknown ones are refused."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice gives the same state as sending it once."""
        ...

    @property
    def window(self) -> timedelta | None:
        """How long the provider recognises a repeated Request-ID (None: it never does)."""
        ...

    @property
    def lookup(self) -> Lookup | None: ...

    def prepare(self, params: Params, provider: Provider) -> Params:
        """Parameters as they travel: defaults of the provider filled in, numbers in E.164. Raises
        InvalidParams naming the parameter."""
        ...

    def recipient(self, params: Params) -> str | None:
        """Whom it reaches (E.164 number, address or profile), for search in the journal."""
        ...

    def guard(self, params: Params, provider: Provider) -> str | None:
        """Why this prepared call must not be made with this configuration (a country that is not
        allowed), or None. Dry run and `only_to` are not its business."""
        ...

    def effect(self, params: Params, provider: Provider) -> Effect: ...

    def reduce(self, params: Params, keep: Mapping[str, frozenset[str]]) -> Params:
        """The parameters that set only the kept fields (entity -> fields)."""
        ...

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request: ...

    def read(self, answer: Answer, provider: Provider) -> Outcome:
        """Judge an answer by HTTP status *and* body. Never raises, whatever the bytes."""
        ...


class InvalidParams(ValueError):
    """Parameters that an operation cannot take. `field` names which; the text never repeats the
    value."""

    def __init__(self, problem: str, *, field: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.problem = problem
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor: its provider model and its operations by name."""

    kind: str
    provider: type[Provider]
    operations: Mapping[str, Operation] = field(default_factory=dict)
