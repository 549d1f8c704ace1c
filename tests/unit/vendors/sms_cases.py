"""Every SmsGateway24 operation with parameters that are right, for the conformance suite.

Answers are those that the vendor prints, where it prints one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.configuration import SecretRef
from vendors.wire import Params

EMAIL = "POSTERN_TEST_EMAIL"
"""The environment variable with the email of logins."""

_SAVED = b'{"error":0,"sms_id":62807347,"message":"Sms has been saved successfully"}'
_TEXT = {"sendto": "0157 52982212", "body": "Hello!"}
_LISTED = b"""{"error":0,"message":"Ok","count":1,"smss":{"62050971":{"id":62050971,
"sendto":"+4912312312332","body":"Hello!","customerid":null,"status":2}}}"""
_DEVICES = b"""{"count":1,"device":{"1576":{"id":1576,"title":"AOSP_on_IA_Emulator","lastseen":
{"date":"2020-04-23 17:02:21.000000","timezone_type":3,"timezone":"UTC"}}}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsCase:
    """One operation with right parameters, and the answer that means it worked."""

    call: str
    params: Params
    success: bytes
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def logs_in(self) -> bool:
        return "password" in self.settings


def sms_cases(token: SecretRef) -> Iterator[SmsCase]:
    """`token` is the secret that must be in each request once: a token, or a password."""
    login = {"email": SecretRef(env=EMAIL), "password": token}
    several = {"device_id": [260, "261"], "pick": "online"}
    text = {"to": "0157 52982212", "text": "Hello!"}
    yield SmsCase(
        call="send",
        params={**text, "timetosend": "2026-12-01"},
        success=_SAVED,
        settings={"sim": 1},
    )
    yield SmsCase(call="send", params={**text, "urgent": True}, success=_SAVED, settings=several)
    yield SmsCase(
        call="addsms",
        params={**_TEXT, "device_id": "261", "sim": 0, "urgent": 1},
        success=_SAVED,
        settings={"transliterate": True},
    )
    yield SmsCase(
        call="smstosend", params={**_TEXT, "device_id": 260}, success=_SAVED, settings=login
    )
    yield SmsCase(
        call="addalotofsms",
        params={"smsdata": [_TEXT, {**_TEXT, "timetosend": "2026-12-01", "urgent": 0}]},
        success=b'{"error":0,"message":"Sms has been saved successfully"}',
    )
    yield SmsCase(
        call="gettoken",
        params={},
        success=b'{"error":0,"message":"OK","token":"df427bfcf113c9a21c67718035076b5b"}',
        settings=login,
    )
    yield SmsCase(
        call="getallsms",
        params={"phone": "+4912312312332", "begindate": "2026-11-22", "orderbydesc": True},
        success=_LISTED,
    )
    yield SmsCase(
        call="getallsms",
        params={"customerid": 7, "onlycount": 1},
        success=b'{"error":0,"message":"Ok","count":3}',
    )
    yield SmsCase(
        call="getsmsstatus",
        params={"sms_id": 22074698},
        success=b'{"error":0,"sms_id":22074698,"status":1,"status_description":"New","message":"Ok"}',
    )
    yield SmsCase(call="getalldevices", params={}, success=_DEVICES)
    yield SmsCase(
        call="getdevicestatus",
        params={"device_id": 260},
        success=b'{"online":false,"error":0,"message":"OK","device_id":260,"diffseconds":28851900}',
    )
    yield SmsCase(
        call="savetag",
        params={"title": "Customers"},
        success=b'{"error":0,"tag_id":8303,"message":"OK"}',
    )
    yield SmsCase(
        call="savecontact",
        params={"phone": "+4915752982212", "tag_id": 8303, "fullname": "Anna"},
        success=b'{"error":0,"contact_id":15954765,"message":"ok"}',
    )
    yield SmsCase(
        call="savepaket",
        params={
            "title": "Sale",
            "body": "All shoes",
            "tags": [12, 13],
            "time_to_send": "2026-12-01",
        },
        success=b'{"error":0,"paket_id":77,"message":"OK"}',
    )
