"""`gettoken`: a token for an email and a password.

The token is a secret: it never becomes a reference of the operation, which the journal would keep.
What must not go in: when to log in.
"""

from __future__ import annotations

from typing import Any

from vendors.answers import code, json_object
from vendors.provider import Provider
from vendors.smsgateway24.envelope import answered, form
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.reading import Reading
from vendors.wire import Answer, Identity, InvalidParams, Outcome, OutcomeKind, Params, Request

_LONGEST = 500


class TokenLogin:
    """How a provider with email and password gets its token."""

    def is_used(self, provider: Provider) -> bool:
        return smsgateway24(provider).email is not None

    def request(self, provider: Provider) -> Request:
        account = smsgateway24(provider)
        login = {"email": account.secret("email"), "pass": account.secret("password")}
        return form("gettoken", login)

    def read(self, answer: Answer, provider: Provider) -> Outcome:
        outcome = _judged(answer, provider)
        if outcome.kind is OutcomeKind.DONE:
            return Outcome(kind=outcome.kind, reference=_token(answer))
        if outcome.kind in {OutcomeKind.REFUSED, OutcomeKind.FORBIDDEN}:
            # There is no operation to pause and nothing to park: it is the provider that waits.
            return Outcome(kind=OutcomeKind.UNAUTHORIZED, reason=outcome.reason)
        return outcome


class GetToken(Reading):
    """The operation: tells whether the login works."""

    name = "gettoken"
    uses_token = False
    summary = "Whether the provider's email and password are accepted; the token is not shown."
    source = "SmsGateway24 API v1.0, gettoken"

    def prepare(self, params: Params, provider: Provider) -> Params:
        if not LOGIN.is_used(provider):
            problem = "this call needs a provider with `email` and `password`"
            raise InvalidParams(problem, field="provider")
        return super().prepare(params, provider)

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:  # noqa: ARG002 - the port's signature
        return LOGIN.request(provider)

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002 - the port's signature
        return _judged(answer, provider)


LOGIN = TokenLogin()


def _judged(answer: Answer, provider: Provider) -> Outcome:
    outcome = answered(answer, smsgateway24(provider), shows="token")
    content = json_object(answer) or {}
    if outcome.kind is OutcomeKind.REFUSED and code(content.get("error")) == 1:
        return Outcome(kind=OutcomeKind.UNAUTHORIZED, reason=outcome.reason)
    if outcome.kind is OutcomeKind.DONE and _token(answer) is None:
        return Outcome(kind=OutcomeKind.UNKNOWN, reason="the answer holds no token")
    return outcome


def _token(answer: Answer) -> str | None:
    token: Any = (json_object(answer) or {}).get("token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return None
    return token if token.strip() and len(token) <= _LONGEST else None
