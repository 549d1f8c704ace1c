"""What a vendor is made of: operations as data. A pure vocabulary that gateway, consumers and
simulators share.

An operation knows its parameters, whether repeating it is safe, which fields of which subscriptions
it sets, how a request is made of it and how an answer is read. What must not go in: the network,
the broker, the journal, aiohttp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from pydantic import BaseModel

from vendors.effect import Effect
from vendors.examples import Examples
from vendors.gather import Gather
from vendors.login import Login
from vendors.lookup import Lookup
from vendors.provider import Provider
from vendors.report import Callbacks, Follow
from vendors.rotation import Rotation
from vendors.wire import Answer, Identity, JsonObject, Outcome, Params, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFacts:
    """What sending a text takes. `encoding` is `gsm-7` or `ucs-2`, `length` is in units of it."""

    encoding: str
    length: int
    segments: int


class Operation(Protocol):
    """One call of a vendor. What most calls do not have is given here; a vendor's own class is a
    subclass and says only what is different."""

    name: str
    """As the vendor names it, `subscriptions/set`."""
    summary: str
    """One line for people: what it does."""
    source: str
    """Where the vendor says so: the page of its documentation."""
    model: type[BaseModel]
    """The parameters, strict: unknown ones are refused."""
    repeatable: bool
    """Whether sending it twice gives the same state as sending it once."""
    window: timedelta | None = None
    """How long the provider recognises a repeated Request-ID (None: it never does)."""
    lookup: Lookup | None = None
    gather: Gather | None = None
    """How several of them share a call in the bulk lane."""
    follow: Follow | None = None
    """How what it made is followed after the provider took it."""
    rotation: Rotation | None = None
    uses_token: bool = True
    """Whether its request carries the token: a call that logs in by itself does not."""

    def prepare(self, params: Params, provider: Provider) -> Params:
        """Parameters as they travel: defaults of the provider filled in, numbers in E.164. Raises
        InvalidParams naming the parameter."""
        ...

    def recipient(self, params: Params) -> str | None:  # noqa: ARG002 - the port's signature
        """Whom it reaches (E.164 number, address or profile), for search in the journal."""
        return None

    def guard(self, params: Params, provider: Provider) -> str | None:  # noqa: ARG002
        """Why this prepared call must not be made with this configuration (a country that is not
        allowed), or None. Dry run and `only_to` are not its business."""
        return None

    def facts(self, params: Params, provider: Provider) -> tuple[TextFacts, ...]:  # noqa: ARG002
        """What sending takes, for each text that the call sends."""
        return ()

    def effect(self, params: Params, provider: Provider) -> Effect:  # noqa: ARG002
        return Effect()

    def reduce(
        self,
        params: Params,
        keep: Mapping[str, frozenset[str]],  # noqa: ARG002
        provider: Provider,  # noqa: ARG002
    ) -> Params:
        """The parameters that set only the kept fields (entity -> fields)."""
        return dict(params)

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request: ...

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:
        """Judge an answer by HTTP status *and* body. Never raises, whatever the bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor: its provider model, its operations by name, and what else it can do.

    `content` reads an answer, in whatever format, as JSON for people; None if it is not readable.
    """

    kind: str
    provider: type[Provider]
    content: Callable[[Answer], JsonObject | None]
    operations: Mapping[str, Operation] = field(default_factory=dict)
    login: Login | None = None
    callbacks: Callbacks | None = None
    examples: Examples = field(default_factory=Examples)
