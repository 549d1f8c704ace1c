"""What all Altcraft calls share: how a request is addressed, and how an answer is judged.

Numbers of `error` mirror HTTP classes, and business errors may come with HTTP 200 or with a
matching status (the documentation leaves it open), so both are read. What must not go in: one
call's parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from core.errors import ConfigurationError
from vendors.altcraft import queue, xml
from vendors.altcraft.provider import AltcraftProvider
from vendors.answers import MAX_WAIT, asks_us_to_wait, code, described, json_object, retry_after
from vendors.wire import Answer, JsonObject, Outcome, OutcomeKind, Params, Request

WINDOW = timedelta(hours=24)
"""How long the platform recognises a Request-ID."""

_TARIFF_LIMIT = 402
_NOT_NOW = frozenset({_TARIFF_LIMIT, 425, 429, 503})
"""Turned away before anything was done: safe to try again, whatever the call."""

_NO_CLASS = -1
"""A code outside of all classes that mean something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An answer's outcome, and what it held (nothing if it is not readable)."""

    outcome: Outcome
    content: JsonObject = field(default_factory=dict)


def request(
    call: str,
    params: Params,
    *,
    provider: AltcraftProvider,
    request_id: str | None,
    message_id: str | None = None,
) -> Request:
    """POST `api/v1.1/<call>`, or the same as a message with `transport: amqp`.

    Both names of the deduplication header are sent, since older installations know only the one
    with `X-`. `request_id` None: a question that must never be answered from the platform's memory;
    as a message it still needs a `message_id` for its answer.
    """
    path, body, token = f"api/v1.1/{call}", dict(params), provider.credential()
    if provider.auth == "body":
        body["token"] = token
    if provider.transport == "amqp":
        return queue.api_request(
            path, body, message_id=request_id or message_id or "", provider=provider
        )
    headers = {"Content-Type": f"application/{provider.format}"}
    if request_id is not None:
        headers["Request-ID"] = _header(request_id, field="request_id")
        headers["X-Request-ID"] = request_id
    if provider.auth == "bearer":
        headers["Authorization"] = "Bearer " + _header(token, field="token")
    if provider.format == "xml":
        headers["Accept"] = "application/xml"
        return Request(path=path, headers=headers, body=xml.write({**body, "format": "xml"}))
    return Request(path=path, headers=headers, body=orjson.dumps(body, option=orjson.OPT_SORT_KEYS))


def _header(value: str, *, field: str) -> str:
    """The value, if it can stand in a header: anything else could start a header of its own."""
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigurationError("cannot be sent in a header", field=field)
    return value


def content_of(answer: Answer) -> JsonObject | None:
    """An answer's envelope, in JSON or XML, also out of a message; None if it is neither."""
    if answer.body.lstrip(b" \t\r\n\xef\xbb\xbf").startswith(b"<"):
        return xml.read(answer.body)
    return queue.unwrapped(json_object(answer))


def rows(value: Any) -> list[Any]:
    """A list as either form writes it: in XML one row is no list, and none is nothing."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def judged(answer: Answer, *, repeatable: bool) -> Judged:
    """Judge an answer by HTTP status and body `error` together."""
    content = content_of(answer)
    error = code(content.get("error")) if content is not None else None
    said = content.get("error_text") if content is not None else None
    decisive = _decisive(answer.status, error)
    kind = _judge(decisive, repeatable=repeatable)
    reason = described(answer, said)
    if error:
        reason = reason.replace(f"HTTP {answer.status}", f"HTTP {answer.status}, error {error}", 1)
    if decisive is None:
        reason = f"HTTP {answer.status} with a body that is no answer of the API"
    wait = _wait(answer, error) if kind is OutcomeKind.TEMPORARY else None
    outcome = Outcome(
        kind=kind,
        reason=_action(content) if kind is OutcomeKind.DONE else reason,
        retry_after=wait,
        duplicate=_is_duplicate(answer),
        throttled=kind is OutcomeKind.TEMPORARY and asks_us_to_wait(decisive, wait),
    )
    return Judged(outcome=outcome, content=content or {})


def judge_code(error: int, *, repeatable: bool) -> OutcomeKind:
    """One code, come as `error` or as HTTP status. 402 (tariff limit) may be lifted.

    A server error may come after the effect: a call that must not be made twice is in doubt then.
    """
    if error == 0:
        return OutcomeKind.DONE
    if error == 401:
        return OutcomeKind.UNAUTHORIZED
    if error == 403:
        return OutcomeKind.FORBIDDEN
    if 300 <= error <= 499 and error not in _NOT_NOW | {408}:
        return OutcomeKind.REFUSED
    return OutcomeKind.TEMPORARY if repeatable or error in _NOT_NOW else OutcomeKind.UNKNOWN


def _judge(decisive: int | None, *, repeatable: bool) -> OutcomeKind:
    if decisive is None:
        return OutcomeKind.UNKNOWN
    return judge_code(decisive, repeatable=repeatable)


def _decisive(status: int, error: int | None) -> int | None:
    """Which of the two decides: a status that is not 2xx, unless the body names a more precise
    error. None: an answer that says nothing."""
    precise = error if error is None or error == 0 or 400 <= error <= 599 else _NO_CLASS
    if 200 <= status <= 299:
        return precise
    if 400 <= status <= 499 and status not in {401, 402, 403, 408, 425, 429}:
        return precise or status
    return status or _NO_CLASS  # 3xx is never followed: the token must not travel elsewhere


def _wait(answer: Answer, error: int | None) -> timedelta | None:
    asked = retry_after(answer)
    if asked is None and _TARIFF_LIMIT in {answer.status, error}:
        return MAX_WAIT
    return asked


def _is_duplicate(answer: Answer) -> bool:
    names = ("duplicate-request", "x-duplicate-request")
    return any(answer.headers.get(name, "").strip().lower() == "true" for name in names)


def _action(content: JsonObject | None) -> str:
    """What the platform says it did (`data.action`): a word such as `subscribed`, else nothing."""
    data = content.get("data") if content is not None else None
    action = data.get("action") if isinstance(data, dict) else None
    if isinstance(action, str) and len(action) <= 64 and re.fullmatch(r"[\w.-]+", action, re.ASCII):
        return action
    return ""
