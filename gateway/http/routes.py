"""Every route of the public port, as data: what is served, by whom, and how it may end.

The table is what the server is built from, and what a description of the API is generated from.
What must not go in: behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from core.journal.states import State
from gateway.http.body import leave_continue_to_handler
from gateway.http.callbacks import post_callback
from gateway.http.described import Described
from gateway.http.events import post_event, post_hook
from gateway.http.handshake import get_challenge, options_events, options_hook
from gateway.http.journal import get_actions, get_event
from gateway.http.openapi import describe
from gateway.http.operator import (
    get_all_actions,
    get_audit,
    get_status,
    post_cancel,
    post_pause,
    post_replay,
    post_resume,
)
from gateway.http.query import MOST
from gateway.http.route import Handler, Parameter, Route
from gateway.http.shapes import Schema, ref
from gateway.http.trial import post_trial

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


_EVENTS: Mapping[str, Schema] = {
    "application/json": {"anyOf": [ref("Event"), ref("Events")]},
    "application/cloudevents+json": ref("CloudEvent"),
    "application/cloudevents-batch+json": ref("CloudEvents"),
}
_ONE_EVENT: Mapping[str, Schema] = {
    "application/json": ref("Event"),
    "application/cloudevents+json": ref("CloudEvent"),
}
_ORIGIN = (
    Parameter(
        name="WebHook-Request-Origin",
        place="header",
        description="Who asks: the host name of the sending system.",
        schema={"type": "string", "pattern": "^[A-Za-z0-9.-]{1,253}$"},
        required=True,
    ),
)
_CHALLENGE = (
    Parameter(
        name="challenge",
        description="What is said back.",
        schema={"type": "string", "pattern": "^[A-Za-z0-9_.~-]{1,200}$"},
        required=True,
    ),
)
_NAME = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]+$"}
_LIMIT = Parameter(
    name="limit",
    description="How many at most.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST},
)
_FILTER = (
    Parameter(name="to", description="Whom it reaches: a number or an address.", schema=_NAME),
    Parameter(name="state", description="In this state.", schema={"enum": [*State]}),
    Parameter(name="provider", description="Of this provider.", schema=_NAME),
    Parameter(name="rule", description="Planned by this rule.", schema=_NAME),
    Parameter(name="ref", description="Of this event.", schema=_NAME),
    _LIMIT,
    Parameter(
        name="before",
        description="The `next` of the page before.",
        schema={"type": "string", "pattern": "^[0-9]{1,18}[.][A-Za-z0-9_-]{1,64}$"},
    ),
)
_OF_A_SOURCE = Parameter(name="source", description="Of this source's events.", schema=_NAME)


def _for_operators(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    answer: str,
    body: str | None = None,
    parameters: tuple[Parameter, ...] = (),
) -> Route:
    errors = (MalformedRequest, UnsupportedContent, BodyTooLarge, BodyTooSlow, Overloaded)
    return Route(
        method=method,
        path=f"/v1/operator/{path}",
        handler=handler,
        summary=summary,
        answers={200: (answer,)},
        takes={"application/json": ref(body)} if body is not None else {},
        parameters=parameters,
        errors=(
            Unauthenticated,
            InvalidParameter,
            JournalUnavailable,
            *(errors if body is not None else ()),
        ),
        security="operator",
        operators=True,
    )


OPERATOR_ROUTES: tuple[Route, ...] = (
    _for_operators(
        "GET",
        "status",
        get_status,
        "How it stands: queues, breakers, pauses.",
        answer="Status",
    ),
    _for_operators(
        "GET",
        "actions",
        get_all_actions,
        "The actions of every source.",
        answer="AllActions",
        parameters=(*_FILTER, _OF_A_SOURCE),
    ),
    _for_operators(
        "GET",
        "audit",
        get_audit,
        "What operators did, newest first.",
        answer="Audit",
        parameters=(_LIMIT,),
    ),
    _for_operators(
        "POST",
        "pause",
        post_pause,
        "Stop the calls of a provider or a rule.",
        answer="Paused",
        body="Pause",
    ),
    _for_operators(
        "POST",
        "resume",
        post_resume,
        "Let a paused provider or rule go on.",
        answer="Paused",
        body="Pause",
    ),
    _for_operators(
        "POST",
        "cancel",
        post_cancel,
        "Cancel actions; a preview unless it is meant.",
        answer="Changed",
        body="Cancel",
    ),
    _for_operators(
        "POST",
        "replay",
        post_replay,
        "Do actions again; a preview unless it is meant.",
        answer="Changed",
        body="Replay",
    ),
)

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v1/events",
        handler=post_event,
        summary="Send one event or a batch of them; the bearer key says which source it is.",
        answers={202: ("Receipt", "Receipts"), 200: ("Aside",)},
        takes=_EVENTS,
        errors=(*_BODY, InvalidBatch, *_PUBLISH),
        security="source",
    ),
    Route(
        method="POST",
        path="/v1/hooks/{source}",
        handler=post_hook,
        summary="Send a webhook as the named source, signed as that source signs.",
        answers={202: ("Receipt", "Receipts"), 200: ("Receipt", "Aside", "Operation")},
        takes=_EVENTS,
        errors=(*_BODY, NotFound, InvalidBatch, *_PUBLISH),
    ),
    Route(
        method="OPTIONS",
        path="/v1/events",
        handler=options_events,
        summary="Ask whether CloudEvents of an origin are taken here.",
        answers={200: ()},
        parameters=_ORIGIN,
        errors=(MalformedRequest, NotAllowed, MethodNotAllowed),
        advertised=False,
    ),
    Route(
        method="OPTIONS",
        path="/v1/hooks/{source}",
        handler=options_hook,
        summary="Ask whether CloudEvents of an origin are taken for this source.",
        answers={200: ()},
        parameters=_ORIGIN,
        errors=(MalformedRequest, NotAllowed, NotFound, MethodNotAllowed),
        advertised=False,
    ),
    Route(
        method="GET",
        path="/v1/hooks/{source}",
        handler=get_challenge,
        summary="Have a challenge said back, as Adobe I/O asks when it registers an address.",
        answers={200: ("Challenge",)},
        parameters=_CHALLENGE,
        errors=(MalformedRequest, NotFound, MethodNotAllowed),
        advertised=False,
    ),
    Route(
        method="POST",
        path="/v1/callbacks/{provider}/{secret}",
        handler=post_callback,
        summary="What a provider reports: receipts of texts, and texts that people send.",
        answers={200: ("Callback",)},
        takes={"application/json": {}, "application/x-www-form-urlencoded": {}},
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
        answers={200: ("Record",)},
        errors=(Unauthenticated, NotFound, JournalUnavailable),
        security="source",
    ),
    Route(
        method="GET",
        path="/v1/actions",
        handler=get_actions,
        summary="The source's own actions, newest first.",
        answers={200: ("Actions",)},
        parameters=_FILTER,
        errors=(Unauthenticated, InvalidParameter, JournalUnavailable),
        security="source",
    ),
    Route(
        method="POST",
        path="/v1/rules/try",
        handler=post_trial,
        summary="What the running rules would make of an event; nothing is done.",
        answers={200: ("Trial",)},
        takes=_ONE_EVENT,
        errors=(*_BODY, InvalidBatch),
        security="source",
    ),
    *OPERATOR_ROUTES,
)


def served_routes(*, operators: bool) -> list[Route]:
    return [route for route in ROUTES if operators or not route.operators]


def add_routes(app: web.Application, *, operators: bool) -> None:
    """Serve the table and its description; every other method on its paths is 405, and every other
    path 404. Without operators their paths are like any other that is not there."""
    served = served_routes(operators=operators)
    described = Described(describe(served))
    served += [
        Route(
            method="GET",
            path=path,
            handler=handler,
            summary="",
            answers={},
            errors=(),
        )
        for path, handler in (("/openapi.json", described.as_json), ("/docs", described.as_page))
    ]
    paths: dict[str, web.Resource] = {}
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
