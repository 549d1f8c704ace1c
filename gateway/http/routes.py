"""Every route of the public port, as data: what is served, by whom, and how it may end.

The table is what the server is built from, and what a description of the API is generated from.
What must not go in: behaviour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from core.errors import (
    BodyTooLarge,
    BodyTooSlow,
    BrokerUnavailable,
    InvalidBatch,
    InvalidEvent,
    InvalidParameter,
    JournalUnavailable,
    MalformedRequest,
    MethodNotAllowed,
    NotAllowed,
    NotFound,
    Overloaded,
    PosternError,
    PublishRefused,
    SpoolFull,
    TooManyRequests,
    Unauthenticated,
    Unroutable,
    UnsupportedContent,
)
from gateway.http.body import leave_continue_to_handler
from gateway.http.callbacks import post_callback
from gateway.http.events import post_event, post_hook
from gateway.http.handshake import get_challenge, options_events, options_hook
from gateway.http.journal import get_actions, get_event
from gateway.http.operator import (
    get_all_actions,
    get_audit,
    get_status,
    post_cancel,
    post_pause,
    post_replay,
    post_resume,
)
from gateway.http.trial import post_trial

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BODY: tuple[type[PosternError], ...] = (
    Unauthenticated,
    NotAllowed,
    MalformedRequest,
    UnsupportedContent,
    BodyTooLarge,
    BodyTooSlow,
    TooManyRequests,
    Overloaded,
    InvalidEvent,
)
_PUBLISH: tuple[type[PosternError], ...] = (
    BrokerUnavailable,
    PublishRefused,
    Unroutable,
    SpoolFull,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path. `errors`: what it may raise, besides what every path may (404, 405,
    429 for an address that has failed too often). `operators`: served where there are any."""

    method: str
    path: str
    handler: Handler
    summary: str
    success: int
    errors: tuple[type[PosternError], ...]
    operators: bool = False
    advertised: bool = True
    """Whether `Allow` names it: some methods are for some sources only."""


def _for_operators(method: str, path: str, handler: Handler, summary: str) -> Route:
    body = (MalformedRequest, UnsupportedContent, BodyTooLarge, BodyTooSlow, Overloaded)
    return Route(
        method=method,
        path=f"/v1/operator/{path}",
        handler=handler,
        summary=summary,
        success=200,
        errors=(
            Unauthenticated,
            InvalidParameter,
            JournalUnavailable,
            *(body if method == "POST" else ()),
        ),
        operators=True,
    )


OPERATOR_ROUTES: tuple[Route, ...] = (
    _for_operators("GET", "status", get_status, "How it stands: queues, breakers, pauses."),
    _for_operators("GET", "actions", get_all_actions, "The actions of every source."),
    _for_operators("GET", "audit", get_audit, "What operators did, newest first."),
    _for_operators("POST", "pause", post_pause, "Stop the calls of a provider or a rule."),
    _for_operators("POST", "resume", post_resume, "Let a paused provider or rule go on."),
    _for_operators("POST", "cancel", post_cancel, "Cancel actions; a preview unless it is meant."),
    _for_operators(
        "POST", "replay", post_replay, "Do actions again; a preview unless it is meant."
    ),
)

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v1/events",
        handler=post_event,
        summary="Send one event or a batch of them; the bearer key says which source it is.",
        success=202,
        errors=(*_BODY, InvalidBatch, *_PUBLISH),
    ),
    Route(
        method="POST",
        path="/v1/hooks/{source}",
        handler=post_hook,
        summary="Send a signed webhook as the named source.",
        success=202,
        errors=(*_BODY, NotFound, InvalidBatch, *_PUBLISH),
    ),
    Route(
        method="OPTIONS",
        path="/v1/events",
        handler=options_events,
        summary="Ask whether CloudEvents of an origin are taken here.",
        success=200,
        errors=(MalformedRequest, NotAllowed, MethodNotAllowed),
        advertised=False,
    ),
    Route(
        method="OPTIONS",
        path="/v1/hooks/{source}",
        handler=options_hook,
        summary="Ask whether CloudEvents of an origin are taken for this source.",
        success=200,
        errors=(MalformedRequest, NotAllowed, NotFound, MethodNotAllowed),
        advertised=False,
    ),
    Route(
        method="GET",
        path="/v1/hooks/{source}",
        handler=get_challenge,
        summary="Have a challenge said back, as Adobe I/O asks when it registers an address.",
        success=200,
        errors=(MalformedRequest, NotFound, MethodNotAllowed),
        advertised=False,
    ),
    Route(
        method="POST",
        path="/v1/callbacks/{provider}/{secret}",
        handler=post_callback,
        summary="What a provider reports: receipts of texts, and texts that people send.",
        success=200,
        errors=(
            NotFound,
            UnsupportedContent,
            MalformedRequest,
            BodyTooLarge,
            BodyTooSlow,
            Overloaded,
            *_PUBLISH,
        ),
    ),
    Route(
        method="GET",
        path="/v1/events/{ref}",
        handler=get_event,
        summary="What became of an event: every decision, action and attempt.",
        success=200,
        errors=(Unauthenticated, NotFound, JournalUnavailable),
    ),
    Route(
        method="GET",
        path="/v1/actions",
        handler=get_actions,
        summary="The source's own actions, newest first.",
        success=200,
        errors=(Unauthenticated, InvalidParameter, JournalUnavailable),
    ),
    Route(
        method="POST",
        path="/v1/rules/try",
        handler=post_trial,
        summary="What the running rules would make of an event; nothing is done.",
        success=200,
        errors=_BODY,
    ),
    *OPERATOR_ROUTES,
)


def add_routes(app: web.Application, *, operators: bool) -> None:
    """Serve the table; every other method on its paths is 405, and every other path 404. Without
    operators their paths are like any other that is not there."""
    paths: dict[str, web.Resource] = {}
    served = [route for route in ROUTES if operators or not route.operators]
    for route in served:
        if route.path not in paths:
            paths[route.path] = app.router.add_resource(route.path)
        resource = paths[route.path]
        resource.add_route(route.method, route.handler, expect_handler=leave_continue_to_handler)
    for path, resource in paths.items():
        allowed = tuple(route.method for route in served if route.path == path and route.advertised)
        resource.add_route("*", _refuse_method(allowed), expect_handler=leave_continue_to_handler)
    app.router.add_route(
        "*", "/{anything:.*}", _refuse_path, expect_handler=leave_continue_to_handler
    )


def _refuse_method(allowed: tuple[str, ...]) -> Handler:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowed(allowed)

    return refuse


async def _refuse_path(_request: web.Request) -> web.StreamResponse:
    raise NotFound("There is nothing here.")
