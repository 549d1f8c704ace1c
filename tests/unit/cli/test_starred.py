"""Requests as they are shown: a secret is not readable in any form in which it travels."""

from __future__ import annotations

import orjson
import pytest

from cli.starred import STARS, starred
from core.configuration import SecretRef
from tests.unit.vendors.cases import IDENTITY, altcraft_provider, sms_provider
from vendors.provider import Provider
from vendors.registry import VENDORS
from vendors.wire import Params

SECRET = 'p"w<&\\tö-of-the-account'
"""With signs that JSON, XML and forms each write in their own way."""

UNREAD = SecretRef(env="UNREAD")
SUBSCRIPTION: Params = {"profile_id": "1", "channel": "email", "email": "ada@example.com"}
TEXT = {"sendto": "+4915123456789", "body": "Hello"}


@pytest.mark.parametrize(
    ("provider", "call", "params"),
    [
        (altcraft_provider(UNREAD), "subscriptions/get", SUBSCRIPTION),
        (altcraft_provider(UNREAD, format="xml"), "subscriptions/get", SUBSCRIPTION),
        (sms_provider(UNREAD), "send", {"to": "+4915123456789", "text": "Hello"}),
        (sms_provider(UNREAD), "addalotofsms", {"smsdata": [TEXT]}),
    ],
    ids=["json", "xml", "form", "json-in-a-form"],
)
def test_a_secret_with_signs_that_are_escaped_is_starred(
    provider: Provider, call: str, params: Params
) -> None:
    provider.adopt(SECRET)
    operation = VENDORS[provider.kind].operations[call]
    request = operation.request(operation.prepare(params, provider), IDENTITY, provider)
    shown = orjson.dumps(starred(request, provider)).decode()
    assert "of-the-account" not in shown
    assert STARS in shown, "it was there to be starred"
