"""What all Altcraft calls share: how a request is addressed, and how an answer is judged.

Numbers of `error` mirror HTTP classes, and business errors may come with HTTP 200 or with a
matching status (the documentation leaves it open), so both are read. What must not go in: one
call's parameters.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson

from core.errors import ConfigurationError
from vendors.altcraft.provider import AltcraftProvider
from vendors.answers import MAX_WAIT, code, described, json_object, retry_after
from vendors.wire import Answer, Identity, Outcome, OutcomeKind, Params, Request

WINDOW = timedelta(hours=24)
"""How long the platform recognises a Request-ID."""

_TARIFF_LIMIT = 402


def request(
    call: str, params: Params, *, identity: Identity, provider: AltcraftProvider
) -> Request:
    """POST `api/v1.1/<call>` with a JSON body.

    Both names of the deduplication header are sent, since older installations know only the one
    with `X-`.
    """
    body = dict(params)
    headers = {
        "Content-Type": "application/json",
        "Request-ID": _header(identity.request_id, field="request_id"),
        "X-Request-ID": identity.request_id,
    }
    token = provider.credential()
    if provider.auth == "bearer":
        headers["Authorization"] = "Bearer " + _header(token, field="token")
    else:
        body["token"] = token
    return Request(
        path=f"api/v1.1/{call}",
        headers=headers,
        body=orjson.dumps(body, option=orjson.OPT_SORT_KEYS),
    )


def _header(value: str, *, field: str) -> str:
    """The value, if it can stand in a header: anything else could start a header of its own."""
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigurationError("cannot be sent in a header", field=field)
    return value


def outcome(answer: Answer) -> Outcome:
    """Judge an answer by HTTP status and body `error` together."""
    content = json_object(answer)
    error = code(content.get("error")) if content is not None else None
    said = content.get("error_text") if content is not None else None
    kind = _judge(answer.status, error)
    reason = described(answer, said)
    if error:
        reason = reason.replace(f"HTTP {answer.status}", f"HTTP {answer.status}, error {error}", 1)
    if kind is OutcomeKind.UNKNOWN:
        reason = f"HTTP {answer.status} with a body that is no answer of the API"
    return Outcome(
        kind=kind,
        reason=_action(content) if kind is OutcomeKind.DONE else reason,
        retry_after=_wait(answer, error) if kind is OutcomeKind.TEMPORARY else None,
        duplicate=_is_duplicate(answer),
    )


def _judge(status: int, error: int | None) -> OutcomeKind:
    """The table. A status that is not 2xx decides unless the body names a more precise error."""
    if 300 <= status <= 399:
        return OutcomeKind.REFUSED  # never followed: the token must not travel to another address
    if 200 <= status <= 299:
        if error is None:
            return OutcomeKind.UNKNOWN
        return OutcomeKind.DONE if error == 0 else _judge_code(error)
    if not 400 <= status <= 499 or status in {402, 408, 425, 429}:
        return OutcomeKind.TEMPORARY
    if status in {401, 403} or not error:
        return _judge_code(status)
    return _judge_code(error)


def _judge_code(error: int) -> OutcomeKind:
    """One code, come as `error` or as HTTP status. 402 (tariff limit) may be lifted."""
    if error == 401:
        return OutcomeKind.UNAUTHORIZED
    if error == 403:
        return OutcomeKind.FORBIDDEN
    if 400 <= error <= 499 and error not in {_TARIFF_LIMIT, 408, 425, 429}:
        return OutcomeKind.REFUSED
    return OutcomeKind.TEMPORARY


def _wait(answer: Answer, error: int | None) -> timedelta | None:
    asked = retry_after(answer)
    if asked is None and _TARIFF_LIMIT in {answer.status, error}:
        return MAX_WAIT
    return asked


def _is_duplicate(answer: Answer) -> bool:
    names = ("duplicate-request", "x-duplicate-request")
    return any(answer.headers.get(name, "").strip().lower() == "true" for name in names)


def _action(content: dict[str, Any] | None) -> str:
    """What the platform says it did (`data.action`): a word such as `subscribed`, else nothing."""
    data = content.get("data") if content is not None else None
    action = data.get("action") if isinstance(data, dict) else None
    if isinstance(action, str) and len(action) <= 64 and re.fullmatch(r"[\w.-]+", action, re.ASCII):
        return action
    return ""
