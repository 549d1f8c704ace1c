"""What most of the platform's calls are: a model, a path, and a few plain functions.

A new call is one `Call(...)` in the file of its family. What must not go in: what any one call
means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from vendors.altcraft import contact, xml
from vendors.altcraft.envelope import WINDOW, Judged, judged, request
from vendors.altcraft.provider import AltcraftProvider, altcraft
from vendors.effect import Effect
from vendors.lookup import Lookup
from vendors.operation import Operation
from vendors.parameters import checked, dumped
from vendors.provider import Provider
from vendors.wire import Answer, Identity, Outcome, Params, Request

Keep = Mapping[str, frozenset[str]]
Fill = Callable[[Params, AltcraftProvider], Params]
Sets = Callable[[Params, AltcraftProvider], Effect]
Less = Callable[[Params, Keep, AltcraftProvider], Params]
Conclude = Callable[[Judged, Params], Outcome]


def in_place(*names: str) -> Fill:
    """Fills these parameters from the provider; the call is refused if neither gives them."""
    return lambda params, provider: contact.filled(params, provider, *names)


def nothing_to_fill(params: Params, provider: AltcraftProvider) -> Params:  # noqa: ARG001
    return params


def nothing_set(params: Params, provider: AltcraftProvider) -> Effect:  # noqa: ARG001
    return Effect()


def all_of_it(params: Params, keep: Keep, provider: AltcraftProvider) -> Params:  # noqa: ARG001
    return dict(params)


def as_judged(answer: Judged, params: Params) -> Outcome:  # noqa: ARG001
    return answer.outcome


def nobody(params: Params) -> str | None:  # noqa: ARG001
    return None


def own_path(name: str, params: Params) -> str:  # noqa: ARG001
    return name


def own_fields(params: Params, identity: Identity) -> Params:  # noqa: ARG001
    return params


@dataclass(frozen=True, kw_only=True)
class Call(Operation):
    """One call. `fill` completes the parameters, `sets` says what they set, `less` leaves out what
    must not be set any more, `conclude` reads what is special about a success."""

    name: str
    summary: str
    source: str
    model: type[BaseModel]
    repeatable: bool
    window: timedelta | None = WINDOW
    lookup: Lookup | None = None
    fill: Fill = nothing_to_fill
    sets: Sets = nothing_set
    less: Less = all_of_it
    conclude: Conclude = as_judged
    whom: Callable[[Params], str | None] = nobody
    path: Callable[[str, Params], str] = own_path
    body: Callable[[Params, Identity], Params] = own_fields

    def prepare(self, params: Params, provider: Provider) -> Params:
        account = altcraft(provider)
        prepared = self.fill(dumped(checked(self.model, params)), account)
        if account.format == "xml":
            xml.check(prepared)
        return prepared

    def recipient(self, params: Params) -> str | None:
        return self.whom(params)

    def effect(self, params: Params, provider: Provider) -> Effect:
        return self.sets(params, altcraft(provider))

    def reduce(
        self, params: Params, keep: Mapping[str, frozenset[str]], provider: Provider
    ) -> Params:
        return self.less(params, keep, altcraft(provider))

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        return request(
            self.path(self.name, params),
            self.body(params, identity),
            provider=altcraft(provider),
            request_id=identity.request_id,
        )

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002
        return self.conclude(judged(answer, repeatable=self.repeatable), params)


def reference(value: Any) -> str | None:
    """The platform's own id of something, fit for a journal: a number, or one short word."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    is_word = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return text if is_word and len(text) <= 64 else None
