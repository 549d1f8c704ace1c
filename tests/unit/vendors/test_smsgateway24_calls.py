"""Requests and answers that the vendor's page prints, and what each call refuses.

The page prints no request as it goes over the wire, only the names of the fields and, for
`addalotofsms`, a JSON value; what is compared byte by byte is the form that carries them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest

from core.configuration import SecretRef
from tests.unit.vendors.cases import IDENTITY, TOKEN, answer, sms_provider
from tests.unit.vendors.sms_cases import EMAIL
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Identity, InvalidParams, OutcomeKind, Params, Request

CALLS = SMSGATEWAY24.operations
URGENT = Identity(request_id="r", tag=7, called_at=IDENTITY.called_at, urgent=True)

DEVICES = """{ "count": 2, "device": { "1576": { "id": 1576, "title": "AOSP_on_IA_Emulator",
"number": null, "imei": "358240051111110", "created": { "date": "2020-03-28 20:10:29.000000",
"timezone_type": 3, "timezone": "UTC" }, "createdhumanformat": "28.03.2020 20:10:29", "lastseen":
{ "date": "2020-04-23 17:02:21.000000", "timezone_type": 3, "timezone": "UTC" },
"lastseenhumanformat": "23.04.2020 17:02:21", "subscription": true }, "1297": { "id": 1297,
"title": "Android_SDK_built_for_x86", "lastseen": { "date": "2020-04-20 20:51:34.000000",
"timezone_type": 3, "timezone": "UTC" }, "subscription": false } } }"""

LISTED = """{ "smss": { "62050971": { "id": 62050971, "sendto": "+4912312312332",
"body": "Hello! Thank you for Order! ", "customerid": null, "status": 2,
"statustitle": "sending", "deviceid": 11231, "urgent": null, "created": {
"date": "2023-11-02 22:44:43.000000", "timezone_type": 3, "timezone": "Europe/Paris" },
"senttime": null, "timetosend": null, "paketid": null, "pakettitle": null,
"paketbody": null } } }"""


def sent(call: str, params: Params, provider: SmsGateway24Provider) -> Request:
    operation = CALLS[call]
    return operation.request(operation.prepare(params, provider), IDENTITY, provider)


def fields(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))


def refused(call: str, params: Params, provider: SmsGateway24Provider) -> InvalidParams:
    with pytest.raises(InvalidParams) as caught:
        CALLS[call].prepare(params, provider)
    return caught.value


@pytest.fixture
def login(token: SecretRef, monkeypatch: pytest.MonkeyPatch) -> SmsGateway24Provider:
    monkeypatch.setenv(EMAIL, "login@example.com")
    return sms_provider(None, email=SecretRef(env=EMAIL), password=token)


def test_addsms_goes_out_as_its_table_says(sms: SmsGateway24Provider) -> None:
    request = sent(
        "addsms",
        {
            "sendto": "+4915752982212",
            "body": "Hello!",
            "timetosend": "2024-11-13 06:39:21",
            "sim": 0,
            "urgent": 1,
        },
        sms,
    )
    assert request.path == "getdata/addsms"
    assert request.body == (
        f"token={TOKEN}&sendto=%2B4915752982212&body=Hello%21&device_id=260"
        "&customerid=1234567890&sim=0&timetosend=2024-11-13+06%3A39%3A21&urgent=1"
    ).encode("ascii")


@pytest.mark.parametrize("call", ["send", "addsms"])
def test_a_text_is_urgent_by_its_lane_unless_it_says_otherwise(
    call: str, sms: SmsGateway24Provider
) -> None:
    operation = CALLS[call]
    names = ("to", "text") if call == "send" else ("sendto", "body")
    text = dict(zip(names, ("+4915752982212", "x"), strict=True))

    def urgent(params: Params, identity: Identity) -> str | None:
        request = operation.request(operation.prepare(params, sms), identity, sms)
        return fields(request).get("urgent")

    assert urgent(text, IDENTITY) is None
    assert urgent(text, URGENT) == "1"
    assert urgent({**text, "urgent": True}, IDENTITY) == "1"
    assert urgent({**text, "urgent": False}, URGENT) is None


@pytest.mark.parametrize("call", ["addsms", "smstosend"])
def test_several_numbers_in_one_text_are_refused_and_it_is_said_why(
    call: str, login: SmsGateway24Provider
) -> None:
    """The vendor takes them, and answers one id for all."""
    both = {"sendto": "+4915752982212,+4917642111111", "body": "x"}
    problem = refused(call, both, login)
    assert problem.field == "sendto"
    assert "one id" in problem.problem


@pytest.mark.parametrize("name", ["customerid", "token", "email", "pass"])
def test_what_is_ours_to_set_is_refused_with_a_reason(name: str, sms: SmsGateway24Provider) -> None:
    text = {"sendto": "+4915752982212", "body": "x", name: 5}
    problem = refused("addsms", text, sms)
    assert problem.field == name
    assert "set here" in problem.problem or "settings" in problem.problem
    assert refused("addalotofsms", {"smsdata": [text]}, sms).field == f"smsdata.0.{name}"


def test_smstosend_carries_email_and_password_and_no_token(login: SmsGateway24Provider) -> None:
    request = sent("smstosend", {"sendto": "+4915752982212", "body": "Hello!"}, login)
    assert request.path == "getdata/smstosend"
    assert fields(request) == {
        "email": "login@example.com",
        "pass": TOKEN,
        "sendto": "+4915752982212",
        "body": "Hello!",
        "device_id": "260",
        "customerid": "1234567890",
    }


@pytest.mark.parametrize(
    ("call", "params"),
    [("smstosend", {"sendto": "+4915752982212", "body": "x"}), ("gettoken", {})],
)
def test_a_call_that_logs_in_needs_a_provider_that_can(
    call: str, params: Params, sms: SmsGateway24Provider
) -> None:
    problem = refused(call, params, sms)
    assert problem.field == "provider"
    assert "email" in problem.problem


@pytest.mark.parametrize("call", ["addsms", "smstosend"])
def test_the_printed_answer_to_a_text_is_done(call: str, sms: SmsGateway24Provider) -> None:
    printed = '{\n"error": 0,\n"sms_id": 62807347,\n"message": "Sms has been saved successfully"}'
    outcome = CALLS[call].read(answer(200, printed), {}, sms)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "62807347")


@pytest.mark.parametrize("call", ["addsms", "smstosend", "send"])
def test_texts_go_to_allowed_countries_only(call: str, login: SmsGateway24Provider) -> None:
    names = ("to", "text") if call == "send" else ("sendto", "body")
    prepared = CALLS[call].prepare(dict(zip(names, ("+43 664 1234567", "x"), strict=True)), login)
    assert CALLS[call].guard(prepared, login) == "country AT is not allowed"
    assert CALLS[call].recipient(prepared) == "+436641234567"


def test_a_contact_goes_to_allowed_countries_only_too(sms: SmsGateway24Provider) -> None:
    """A newsletter reaches whoever is saved."""
    contact = CALLS["savecontact"].prepare({"phone": "+436641234567", "tag_id": 1}, sms)
    assert CALLS["savecontact"].guard(contact, sms) == "country AT is not allowed"


def test_savetag_goes_out_and_its_printed_answer_is_done(sms: SmsGateway24Provider) -> None:
    request = sent("savetag", {"title": "New customers"}, sms)
    assert request.path == "getdata/savetag"
    assert request.body == f"token={TOKEN}&title=New+customers".encode("ascii")
    printed = '{\n"error": 0,\n"tag_id": 8303,\n"message": "OK"\n}'
    outcome = CALLS["savetag"].read(answer(200, printed), {}, sms)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "8303")


def test_savecontact_names_the_tag_both_ways_and_its_printed_answer_is_done(
    sms: SmsGateway24Provider,
) -> None:
    """The page says `ctag_id`, the vendor's own code `tag_id`."""
    given = {"phone": "0157 52982212", "tag_id": 8303, "fullname": "Anna"}
    request = sent("savecontact", given, sms)
    assert fields(request) == {
        "token": TOKEN,
        "phone": "+4915752982212",
        "tag_id": "8303",
        "ctag_id": "8303",
        "fullname": "Anna",
    }
    printed = '{"error":0,"contact_id":15954765,"message":"ok"}'
    outcome = CALLS["savecontact"].read(answer(200, printed), {}, sms)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "15954765")


@pytest.mark.parametrize("tags", [[12, 13, 14], "12,13,14", " 12, 13 ,14 "])
@pytest.mark.parametrize(
    "time", ["2026-12-01 06:39:21", "2026-12-01T06:39:21Z", "01.12.2026 06:39:21"]
)
def test_savepaket_writes_tags_and_times_in_its_own_way(
    tags: object, time: str, sms: SmsGateway24Provider
) -> None:
    given = {"title": "Sale", "body": "All shoes", "tags": tags, "time_to_send": time}
    assert fields(sent("savepaket", given, sms)) == {
        "token": TOKEN,
        "title": "Sale",
        "body": "All shoes",
        "tags": "12,13,14",
        "device_id": "260",
        "sim": "0",
        "time_to_send": "01.12.2026 06:39:21",
    }


def test_savepaket_without_a_time_sends_the_documented_default(sms: SmsGateway24Provider) -> None:
    request = sent("savepaket", {"title": "Sale", "body": "x", "tags": [1]}, sms)
    assert fields(request)["time_to_send"] == "0"


@pytest.mark.parametrize("tags", [[], [0], ["12"], "", "12;13", "12,,13", "all", 12])
def test_tags_that_are_none_are_refused(tags: object, sms: SmsGateway24Provider) -> None:
    problem = refused("savepaket", {"title": "Sale", "body": "x", "tags": tags}, sms)
    assert problem.field.split(".")[0] == "tags"


@pytest.mark.parametrize("name", ["paket_id", "paket"])
def test_a_newsletters_id_is_read_under_both_names(name: str, sms: SmsGateway24Provider) -> None:
    body = orjson.dumps({"error": 0, name: 77, "message": "OK"})
    outcome = CALLS["savepaket"].read(answer(200, body), {}, sms)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "77")


@pytest.mark.parametrize(
    ("call", "params", "body"),
    [
        ("getallsms", {}, LISTED),
        ("getallsms", {}, '{"error":0,"message":"Ok","count":0,"smss":[]}'),
        ("getallsms", {"onlycount": True}, '{"error":0,"message":"Ok","count":0}'),
        ("getalldevices", {}, DEVICES),
        ("getsmsstatus", {"sms_id": 1}, '{"error":0,"sms_id":1,"status":1,"message":"Ok"}'),
    ],
)
def test_printed_lists_are_done_though_they_leave_error_out(
    call: str, params: Params, body: str, sms: SmsGateway24Provider
) -> None:
    assert CALLS[call].read(answer(200, body), params, sms).kind is OutcomeKind.DONE
    content = SMSGATEWAY24.content(answer(200, body))
    assert content == orjson.loads(body)


def test_getallsms_writes_every_filter_of_its_table(sms: SmsGateway24Provider) -> None:
    given: dict[str, Any] = {
        "device_id": "260",
        "status": 7,
        "begindate": "2026-11-22",
        "enddate": "2026-11-23T10:00:00+02:00",
        "sim": 1,
        "customerid": 5,
        "onlycount": True,
        "phone": "+4915752982212",
        "orderbydesc": 0,
        "timezone": "Australia/Sydney",
    }
    assert fields(sent("getallsms", given, sms)) == {
        "token": TOKEN,
        "device_id": "260",
        "status": "7",
        "begindate": "2026-11-22 00:00:00",
        "enddate": "2026-11-23 08:00:00",
        "sim": "1",
        "customerid": "5",
        "onlycount": "1",
        "phone": "+4915752982212",
        "orderbydesc": "0",
        "timezone": "Australia/Sydney",
    }


@pytest.mark.parametrize(
    ("call", "params"),
    [
        ("getdevicestatus", {}),
        ("savepaket", {"title": "Sale", "body": "x", "tags": [1]}),
        ("addalotofsms", {"smsdata": [{"sendto": "+4915752982212", "body": "x"}]}),
    ],
)
def test_what_picks_no_device_by_itself_asks_for_one_of_several(
    call: str, params: Params, token: SecretRef
) -> None:
    several = sms_provider(token, device_id=[260, 261], pick="online")
    assert refused(call, params, several).field.endswith("device_id")
    assert CALLS[call].prepare(params, sms_provider(token))


def test_an_answer_for_people_never_shows_a_token() -> None:
    body = '{"error":0,"message":"OK","token":"df427bfcf113c9a21c67718035076b5b"}'
    assert SMSGATEWAY24.content(answer(200, body)) == {"error": 0, "message": "OK"}
    assert SMSGATEWAY24.content(answer(200, "<html>")) is None
