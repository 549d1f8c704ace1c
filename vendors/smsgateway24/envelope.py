"""What all SmsGateway24 calls share: a form by POST, and how an answer is judged.

Never GET: an HTTP client repeats a GET by itself on a dropped connection, and a repeated call is a
second text. What must not go in: one call's parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from vendors.answers import code, described, json_object, retry_after
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Answer, Outcome, OutcomeKind, Request

_BY_STATUS = {
    401: OutcomeKind.UNAUTHORIZED,
    403: OutcomeKind.FORBIDDEN,
    408: OutcomeKind.UNKNOWN,
    429: OutcomeKind.TEMPORARY,
    503: OutcomeKind.TEMPORARY,
}


def request(call: str, fields: Mapping[str, str | int], provider: SmsGateway24Provider) -> Request:
    """POST `getdata/<call>`, url-encoded, with the token."""
    form = {"token": provider.credential(), **fields}
    return Request(
        path=f"getdata/{call}",
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        body=urlencode(form).encode("ascii"),
    )


def outcome(answer: Answer, provider: SmsGateway24Provider, *, reference: str) -> Outcome:
    """Judge an answer; `reference` names the field that proves the effect.

    Only an answer that says so is a failure: a server error or a page behind a 200 may come after
    the text has been saved.
    """
    content = json_object(answer)
    error = code(content.get("error")) if content is not None else None
    made = content.get(reference) if content is not None else None
    said = content.get("message") if content is not None else None
    kind = _judge(answer.status, error, has_reference=_is_reference(made))
    if kind is OutcomeKind.REFUSED and _is_temporary(said, provider):
        kind = OutcomeKind.TEMPORARY
    if kind is OutcomeKind.DONE:
        return Outcome(kind=kind, reference=str(made))
    return Outcome(
        kind=kind,
        reason=described(answer, said),
        retry_after=retry_after(answer) if kind is OutcomeKind.TEMPORARY else None,
    )


def _judge(status: int, error: int | None, *, has_reference: bool) -> OutcomeKind:
    if 200 <= status <= 299:
        if error == 0:
            return OutcomeKind.DONE if has_reference else OutcomeKind.UNKNOWN
        return OutcomeKind.REFUSED if error == 1 else OutcomeKind.UNKNOWN
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    # A redirect is refused too: the token must not travel to another address.
    return OutcomeKind.REFUSED if 300 <= status <= 499 else OutcomeKind.UNKNOWN


def _is_reference(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return (isinstance(value, int) and value > 0) or (
        isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 30
    )


def _is_temporary(said: object, provider: SmsGateway24Provider) -> bool:
    if not isinstance(said, str):
        return False
    message = said.casefold()
    return any(part.casefold() in message for part in provider.temporary_texts)
