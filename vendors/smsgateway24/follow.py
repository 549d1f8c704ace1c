"""Asking what became of a text, through `getsmsstatus`.

What must not go in: when to ask.
"""

from __future__ import annotations

from vendors.answers import code, json_object
from vendors.provider import Provider
from vendors.report import Receipt
from vendors.smsgateway24.envelope import as_reference, request
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.statuses import receipt
from vendors.wire import Answer, Request


class TextFollow:
    """One text at a time, by the id that the provider gave it."""

    def query(self, reference: str, provider: Provider) -> Request:
        return request("getsmsstatus", {"sms_id": reference}, smsgateway24(provider))

    def read(self, answer: Answer, reference: str, provider: Provider) -> Receipt | None:  # noqa: ARG002 - the port's signature
        content = json_object(answer)
        if not 200 <= answer.status <= 299 or content is None:
            return None
        if code(content.get("error", 0)) != 0:
            return None
        # An answer about another text must not become this one's receipt.
        if as_reference(content.get("sms_id", reference)) != reference:
            return None
        return receipt(reference, content.get("status"))
