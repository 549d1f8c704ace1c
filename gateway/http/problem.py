"""The one table from an error to what a client is told: an RFC 9457 problem document.

`code` is stable and may be relied on; `detail` names fields and positions, never what was sent.
`instance` is the request's opaque id, which the log line carries too. What must not go in:
deciding what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from core.errors import (
    BodyTooLarge,
    BodyTooSlow,
    BrokerBlocked,
    BrokerError,
    BrokerUnavailable,
    InvalidBatch,
    InvalidEvent,
    InvalidParameter,
    JournalUnavailable,
    LoginRefused,
    MalformedRequest,
    MethodNotAllowed,
    NotAllowed,
    NotFound,
    Overloaded,
    PosternError,
    PublishRefused,
    RequestError,
    SpoolFull,
    TooManyRequests,
    TopologyMismatch,
    Unauthenticated,
    Unroutable,
    UnsupportedContent,
)

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one class of errors is answered. `code` and `detail` are None where the error brings its
    own."""

    status: int
    title: str
    code: str | None = None
    detail: str | None = None
    retry: bool = False
    close: bool = False


_AWAY = "Nothing is lost if you send it again."
_UNAVAILABLE = Kind(
    status=503,
    title="Cannot accept now",
    code="broker-unavailable",
    detail=f"The broker did not confirm in time. {_AWAY}",
    retry=True,
)

TABLE: dict[type[PosternError], Kind] = {
    MalformedRequest: Kind(status=400, title="Malformed request"),
    InvalidParameter: Kind(status=400, title="Invalid parameter"),
    Unauthenticated: Kind(status=401, title="Not authenticated"),
    NotAllowed: Kind(status=403, title="Not allowed"),
    NotFound: Kind(status=404, title="Not found"),
    MethodNotAllowed: Kind(status=405, title="Method not allowed"),
    BodyTooSlow: Kind(status=408, title="Body too slow", close=True),
    BodyTooLarge: Kind(status=413, title="Body too large", close=True),
    UnsupportedContent: Kind(status=415, title="Unsupported content"),
    InvalidEvent: Kind(status=422, title="Invalid event"),
    InvalidBatch: Kind(status=422, title="Invalid batch"),
    TooManyRequests: Kind(status=429, title="Too many requests"),
    Overloaded: Kind(status=503, title="Overloaded", retry=True),
    RequestError: Kind(status=400, title="Bad request"),
    BrokerUnavailable: _UNAVAILABLE,
    BrokerBlocked: _UNAVAILABLE,
    LoginRefused: _UNAVAILABLE,
    PublishRefused: Kind(
        status=503,
        title="Cannot accept now",
        code="publish-refused",
        detail=f"The broker refused a message. {_AWAY}",
        retry=True,
    ),
    Unroutable: Kind(
        status=503,
        title="Cannot accept now",
        code="unroutable",
        detail=f"A queue is missing at the broker. {_AWAY}",
        retry=True,
    ),
    SpoolFull: Kind(
        status=503,
        title="Cannot accept now",
        code="spool-full",
        detail=f"The broker did not take it, and the spool is full. {_AWAY}",
        retry=True,
    ),
    TopologyMismatch: Kind(
        status=503,
        title="Cannot accept now",
        code="topology-mismatch",
        detail=f"A queue stands at the broker with other arguments. {_AWAY}",
        retry=True,
    ),
    BrokerError: Kind(
        status=503,
        title="Cannot accept now",
        code="broker-error",
        detail=f"The broker did not do what was asked. {_AWAY}",
        retry=True,
    ),
    JournalUnavailable: Kind(
        status=503,
        title="Cannot read now",
        code="journal-unavailable",
        detail="The journal does not answer. Events are accepted all the same.",
        retry=True,
    ),
}
"""Every error a request may end with. What is not here is a defect: 500, without detail."""

UNEXPECTED = Kind(
    status=500,
    title="Internal error",
    code="internal",
    detail="Something went wrong here; it has been logged under this instance.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem document and the headers that go with it."""

    status: int
    title: str
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    close: bool = False


def problem_of(error: BaseException, *, retry_after: int) -> Problem:
    """The problem for an error; anything that is not in the table is internal."""
    kind = next((TABLE[part] for part in type(error).__mro__ if part in TABLE), UNEXPECTED)
    headers = {"Retry-After": str(retry_after)} if kind.retry else {}
    more: dict[str, Any] = {}
    match error:
        case Unauthenticated():
            headers["WWW-Authenticate"] = 'Bearer realm="postern"'
        case TooManyRequests():
            headers["Retry-After"] = str(error.retry_after)
        case MethodNotAllowed():
            headers["Allow"] = ", ".join(error.allowed)
        case InvalidEvent():
            more["field"] = error.field
        case InvalidBatch():
            more = {"index": error.index, "field": error.field, "cause": error.cause}
    return Problem(
        status=kind.status,
        title=kind.title,
        code=str(kind.code or getattr(error, "code", RequestError.code)),
        detail=str(kind.detail or getattr(error, "detail", "")),
        headers=headers,
        more=more,
        close=kind.close,
    )


def answer_problem(problem: Problem, *, instance: str) -> web.Response:
    body = {
        "type": f"urn:postern:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        "code": problem.code,
        **problem.more,
    }
    response = web.Response(
        status=problem.status,
        body=orjson.dumps(body),
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )
    if problem.close:
        response.force_close()
    return response
