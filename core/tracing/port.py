"""What Postern needs of a tracer: spans that nest by task, and a text by which a trace goes on in
another process.

Two forms keep this contract: `off`, which does nothing, and `otlp`, which is imported only where
traces are on. What must not go in: personal data in any form. Spans hold names from the
configuration, our own opaque ids, counts, and errors by their type; never an address, a text, an id
that a sender chose, or a URL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]


class Kind(StrEnum):
    """Which side of what a span is."""

    SERVER = "server"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    CLIENT = "client"
    INTERNAL = "internal"


class Span(Protocol):
    """One piece of work, from its beginning to its end."""

    @property
    def context(self) -> str | None:
        """What others need to go on from here, as a W3C `traceparent`. None: there is no trace."""
        ...

    def note(self, attributes: Attributes) -> None: ...

    def link(self, context: str | None) -> None:
        """It has to do with another span, which is not its parent."""
        ...

    def fail(self, kind: str) -> None:
        """It came to no good end; `kind` is a type of error or an outcome, never a text."""
        ...


class Tracer(Protocol):
    def span(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        *,
        parent: str | None = None,
        links: Sequence[str] = (),
        began: int | None = None,
        fails: bool = True,
    ) -> AbstractContextManager[Span]:
        """A span that is current in this task until the context is left.

        Its parent is `parent`, else the current span; without either it begins a trace. `began`:
        earlier than now (see `now`). `fails`: an exception that leaves it fails it.
        """
        ...

    def current(self) -> Span:
        """The span that this task works in; one that takes nothing, if there is none."""
        ...

    def now(self) -> int:
        """A moment to give as `began`."""
        ...
