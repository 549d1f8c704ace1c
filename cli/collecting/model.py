"""A collection of requests, described without regard to the program that will run it.

What must not go in: where requests come from, and how any program writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vendors.examples import Variable


class ErrorField(StrEnum):
    """What the field `error` of an answer has to be."""

    ANYTHING = "anything"
    ZERO = "zero"
    ZERO_OR_NOT_THERE = "zero, or not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Json:
    """A body as it is sent, JSON once its variables have values."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Fields that are sent url-encoded."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A value of an answer for later requests. `path`: where it stands, such as `result.0.id`."""

    variable: str
    path: str

    @property
    def expression(self) -> str:
        """The path behind an object of JavaScript: `.result[0].id`."""
        steps = self.path.split(".")
        return "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request and what its answer has to be. `signed_with`: the variable with the secret that
    its body is signed with (Standard Webhooks)."""

    name: str
    method: str
    url: str
    description: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json | Form | None = None
    error: ErrorField = ErrorField.ANYTHING
    saves: tuple[Saved, ...] = ()
    signed_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Requests or folders, in the order in which they are run."""

    name: str
    description: str = ""
    items: tuple[Folder | Request, ...] = ()

    def requests(self) -> Iterator[Request]:
        for item in self.items:
            if isinstance(item, Folder):
                yield from item.requests()
            else:
                yield item


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(Folder):
    """All of it, and its variables with their defaults."""

    variables: Mapping[str, Variable] = field(default_factory=dict)
