"""`smstosend`: one text, with email and password in place of the token.

For accounts that hand out no token. What must not go in: parameters of its own; they are those of
`addsms`.
"""

from __future__ import annotations

from vendors.provider import Provider
from vendors.smsgateway24.envelope import form
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.sending import OneText
from vendors.wire import Identity, InvalidParams, Params, Request


class SmsToSend(OneText):
    """The operation."""

    name = "smstosend"
    uses_token = False
    summary = "One text to one mobile number, with the login's email and password, without a token."
    source = "SmsGateway24 API v1.0, smstosend"
    call = "smstosend"

    def prepare(self, params: Params, provider: Provider) -> Params:
        if smsgateway24(provider).email is None:
            problem = "this call needs a provider with `email` and `password`; use addsms"
            raise InvalidParams(problem, field="provider")
        return super().prepare(params, provider)

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        account = smsgateway24(provider)
        login = {"email": account.secret("email"), "pass": account.secret("password")}
        return form(self.call, {**login, **self.fields(params, identity, account)})
