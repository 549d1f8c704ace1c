"""What all SmsGateway24 calls share: a form by POST, and how an answer is judged.

Never GET: an HTTP client repeats a GET by itself on a dropped connection, and a repeated call is a
second text. What must not go in: one call's parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from vendors.answers import asks_us_to_wait, code, described, json_object, retry_after
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Answer, JsonObject, Outcome, OutcomeKind, Request

_ID = re.compile(r"0*[1-9][0-9]{0,29}", re.ASCII)
_BY_STATUS = {
    401: OutcomeKind.UNAUTHORIZED,
    403: OutcomeKind.FORBIDDEN,
    408: OutcomeKind.UNKNOWN,
    429: OutcomeKind.TEMPORARY,
    503: OutcomeKind.TEMPORARY,
}


def request(call: str, fields: Mapping[str, str | int], provider: SmsGateway24Provider) -> Request:
    """POST `getdata/<call>`, url-encoded, with the token."""
    return form(call, {"token": provider.credential(), **fields})


def form(call: str, fields: Mapping[str, str | int]) -> Request:
    """POST `getdata/<call>`, url-encoded, exactly these fields."""
    return Request(
        path=f"getdata/{call}",
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        body=urlencode(fields).encode("ascii"),
    )


def content(answer: Answer) -> JsonObject | None:
    """An answer for people: all of it but a token."""
    read = json_object(answer)
    return None if read is None else {key: it for key, it in read.items() if key != "token"}


def outcome(answer: Answer, provider: SmsGateway24Provider, *, reference: str) -> Outcome:
    """Judge the answer to a call that makes something; `reference` names the field that proves it.

    Only an answer that says so is a failure: a server error or a page behind a 200 may come after
    the text has been saved.
    """
    read = json_object(answer) or {}
    made = as_reference(read.get(reference))
    outcome = judged(answer, provider, proven=made is not None)
    if outcome.kind is OutcomeKind.DONE:
        return Outcome(kind=outcome.kind, reference=made)
    return outcome


def answered(answer: Answer, provider: SmsGateway24Provider, *, shows: str) -> Outcome:
    """Judge the answer to a call that only reads; `shows` names the field that must be there.

    The printed samples leave `error` out where there is none. Whatever went wrong on the way, such
    a call can be made again.
    """
    read = json_object(answer) or {}
    outcome = judged(answer, provider, proven=shows in read, silent=shows in read)
    if outcome.kind is OutcomeKind.UNKNOWN and answer.status not in range(200, 300):
        return Outcome(
            kind=OutcomeKind.TEMPORARY, reason=outcome.reason, retry_after=retry_after(answer)
        )
    return outcome


def judged(
    answer: Answer, provider: SmsGateway24Provider, *, proven: bool, silent: bool = False
) -> Outcome:
    """What an answer says by its status and its `error`.

    `proven`: it holds what makes an `error` of 0 believable. `silent`: an answer without `error`
    counts as 0.
    """
    read = json_object(answer) or {}
    error = code(read.get("error", 0 if silent else None))
    said = read.get("message")
    kind = _judge(answer.status, error, proven=proven)
    if kind is OutcomeKind.REFUSED and _holds(said, provider.temporary_texts):
        kind = OutcomeKind.TEMPORARY
    elif kind is OutcomeKind.REFUSED and error == 1 and _holds(said, provider.token_texts):
        # There are no codes for it: only the words tell.
        kind = OutcomeKind.UNAUTHORIZED
    wait = retry_after(answer) if kind is OutcomeKind.TEMPORARY else None
    return Outcome(
        kind=kind,
        reason="" if kind is OutcomeKind.DONE else described(answer, said),
        retry_after=wait,
        throttled=kind is OutcomeKind.TEMPORARY and asks_us_to_wait(answer.status, wait),
    )


def as_reference(value: Any) -> str | None:
    """An id of the provider's as text, or None if it is none."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    return None


def _judge(status: int, error: int | None, *, proven: bool) -> OutcomeKind:
    if 200 <= status <= 299:
        if error == 0:
            return OutcomeKind.DONE if proven else OutcomeKind.UNKNOWN
        return OutcomeKind.REFUSED if error == 1 else OutcomeKind.UNKNOWN
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    # A redirect is refused too: the token must not travel to another address.
    return OutcomeKind.REFUSED if 300 <= status <= 499 else OutcomeKind.UNKNOWN


def _holds(said: Any, parts: Iterable[str]) -> bool:
    message = said.casefold() if isinstance(said, str) else ""
    return any(part.casefold() in message for part in parts)
