"""`send`: numbers, texts, the printed examples, and every kind of answer."""

from __future__ import annotations

from urllib.parse import parse_qs

import orjson
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.configuration import SecretRef
from tests.unit.vendors.cases import IDENTITY, TOKEN, answer, sms_provider
from vendors.smsgateway24.number import to_e164
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.smsgateway24.send import Send
from vendors.wire import InvalidParams, OutcomeKind, Params

SEND = Send()
TEXT: Params = {"to": "+4915752982212", "text": "Hello!"}


def test_the_printed_parameters_go_out_as_a_form(sms: SmsGateway24Provider) -> None:
    """Names as in the vendor's table; `+` must not arrive as a space."""
    params = {**TEXT, "sim": 0, "timetosend": "2024-11-13 06:39:21"}
    request = SEND.request(SEND.prepare(params, sms), IDENTITY, sms)
    assert request.path == "getdata/addsms"
    assert request.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert b"sendto=%2B4915752982212" in request.body
    assert parse_qs(request.body.decode(), strict_parsing=True) == {
        "token": [TOKEN],
        "sendto": ["+4915752982212"],
        "body": ["Hello!"],
        "device_id": ["260"],
        "customerid": ["1234567890"],
        "sim": ["0"],
        "timetosend": ["2024-11-13 06:39:21"],
    }


def test_the_printed_answer_is_done(sms: SmsGateway24Provider) -> None:
    printed = """{
"error": 0,
"sms_id": 62807347,
"message": "Sms has been saved successfully"}"""
    outcome = SEND.read(answer(200, printed), {}, sms)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "62807347")


@pytest.mark.parametrize(
    "written",
    [
        "+4915752982212",
        "015752982212",
        "0157 52982212",
        "+49 (0)157 / 529-822.12",
        "004915752982212",
    ],
)
def test_numbers_become_international(written: str, sms: SmsGateway24Provider) -> None:
    prepared = SEND.prepare({**TEXT, "to": written}, sms)
    assert prepared["to"] == SEND.recipient(prepared) == "+4915752982212"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "+",
        "+999123456789",
        "+4915752982212 ext. 5",
        "+4915752982212;ext=5",
        "+4915752982212x5",
        "CALL-ME-NOW",
        "٠١٥٧٥٢٩٨٢٢١٢",
        "+49157\u00a052982212",
        "0900 1234567",
        "110",
        "+49 30 901820",
        "0" * 41,
        "+4915752982212,+4917642111111",
        "+1 555 0100",
    ],
)
def test_what_is_not_certainly_one_mobile_number_is_refused(
    written: str, sms: SmsGateway24Provider
) -> None:
    """Premium, short, fixed and invented numbers, extensions, several at once, other scripts."""
    with pytest.raises(InvalidParams) as caught:
        SEND.prepare({**TEXT, "to": written}, sms)
    assert caught.value.field == "to"
    assert len(written) < 3 or written not in str(caught.value)


def test_a_number_that_may_be_mobile_or_fixed_is_taken(sms: SmsGateway24Provider) -> None:
    """In North America nobody can tell."""
    assert SEND.prepare({**TEXT, "to": "+1 212 555 2368"}, sms)["to"] == "+12125552368"


def test_only_allowed_countries_are_called(token: SecretRef) -> None:
    """By default the region's own: texts to premium islands are how such gateways are robbed."""
    home, wider = sms_provider(token), sms_provider(token, countries=["DE", "AT"])
    austrian = SEND.prepare({**TEXT, "to": "+43 664 1234567"}, home)
    assert SEND.guard(austrian, home) == "country AT is not allowed"
    assert SEND.guard(austrian, wider) is None
    assert SEND.guard(SEND.prepare(TEXT, home), home) is None


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (" Hi \r\nthere\t! ", "Hi \nthere !"),
        ("Cafe\u0301", "Café"),
        ("e\u202e\u0301\x00\x1b[31mx\u2066", "é[31mx"),
        ("{{7*7}} <b>${x}</b>", "{{7*7}} <b>${x}</b>"),
        ("👩‍👩‍👧 ok", "👩‍👩‍👧 ok"),
    ],
)
def test_texts_are_cleaned_of_what_could_deceive(
    written: str, sent: str, sms: SmsGateway24Provider
) -> None:
    assert SEND.prepare({**TEXT, "text": written}, sms)["text"] == sent


@pytest.mark.parametrize("written", ["", " \n ", "\u202e\x00", "x" * 1601])
def test_empty_and_endless_texts_are_refused(written: str, sms: SmsGateway24Provider) -> None:
    with pytest.raises(InvalidParams) as caught:
        SEND.prepare({**TEXT, "text": written}, sms)
    assert caught.value.field == "text"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("2024-11-13", "2024-11-13 00:00:00"),
        ("2024-11-13 06:39", "2024-11-13 06:39:00"),
        ("2024-11-13T08:39:21+02:00", "2024-11-13 06:39:21"),
        ("2024-11-13T06:39:21.5Z", "2024-11-13 06:39:21"),
    ],
)
def test_times_to_send_are_brought_to_utc(
    written: str, sent: str, sms: SmsGateway24Provider
) -> None:
    assert SEND.prepare({**TEXT, "timetosend": written}, sms)["timetosend"] == sent


@pytest.mark.parametrize("written", ["tomorrow", "2024-13-01", "9999-01-01", "2024-11-13T06:39:21"])
def test_times_that_cannot_be_read_are_refused(written: str, sms: SmsGateway24Provider) -> None:
    with pytest.raises(InvalidParams, match="timetosend: expected a time"):
        SEND.prepare({**TEXT, "timetosend": written}, sms)


@pytest.mark.parametrize("zero", [0, "0", False])
def test_success_needs_the_id_of_the_text(zero: object, sms: SmsGateway24Provider) -> None:
    """Without it nothing proves that a text was saved, and nothing can be found again."""
    for sms_id in (62807347, "62807347"):
        body = orjson.dumps({"error": zero, "sms_id": sms_id})
        assert SEND.read(answer(200, body), {}, sms).reference == "62807347"
    nothings: tuple[object, ...] = (None, "", 0, True, [], "abc")
    for nothing in nothings:
        body = orjson.dumps({"error": zero, "sms_id": nothing})
        assert SEND.read(answer(200, body), {}, sms).kind is OutcomeKind.UNKNOWN


def test_an_error_is_a_refusal_with_the_providers_words(sms: SmsGateway24Provider) -> None:
    outcome = SEND.read(answer(200, '{"error":1,"message":"Device not found"}'), {}, sms)
    assert outcome.kind is OutcomeKind.REFUSED
    assert "Device not found" in outcome.reason


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_with_a_listed_text_is_tried_again(status: int, token: SecretRef) -> None:
    provider = sms_provider(token, temporary_texts=["try AGAIN", "queue is full"])
    body = '{"error":1,"message":"Please Try again later"}'
    assert SEND.read(answer(status, body), {}, provider).kind is OutcomeKind.TEMPORARY
    other = SEND.read(answer(status, '{"error":1,"message":"No money"}'), {}, provider)
    assert other.kind is OutcomeKind.REFUSED


@pytest.mark.parametrize("error", [2, "yes", None, [], -1])
def test_an_error_code_nobody_documented_leaves_the_outcome_unknown(
    error: object, sms: SmsGateway24Provider
) -> None:
    body = orjson.dumps({"error": error, "sms_id": 5})
    assert SEND.read(answer(200, body), {}, sms).kind is OutcomeKind.UNKNOWN


@given(
    region=st.sampled_from(["DE", "US", "GB", "IM", "IT", "KZ", "AX"]),
    written=st.from_regex(r"\+?[0-9]{3,15}", fullmatch=True),
)
def test_a_number_that_the_library_calls_invalid_is_refused_as_such(
    region: str, written: str
) -> None:
    """It is asked for the kind of a number only, which tells that too."""
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return
    try:
        to_e164(written, region)
        told = ""
    except ValueError as error:
        told = str(error)
    assert ("exists in its country" in told) is not phonenumbers.is_valid_number(number)
