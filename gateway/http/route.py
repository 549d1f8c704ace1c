"""One route as data: what the server is built from, and what the description of the API says.

What must not go in: any route (see `routes`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from core.errors import PosternError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a query (`place` "query") or a header."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: str = "query"
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    `answers`: the shapes of each success status. `takes`: the schema of the body for each media
    type. `errors`: what it may raise, besides what every path may (400, 404, 405, 429 for an
    address that has failed too often). `operators`: served where there are any.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[int, tuple[str, ...]]
    errors: tuple[type[PosternError], ...]
    takes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    security: str | None = None
    operators: bool = False
    advertised: bool = True
    """Whether `Allow` names it: some methods are for some sources only."""
