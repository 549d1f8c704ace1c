"""Looking a text up: a wrong "not there" would be a second text to a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from tests.unit.vendors.cases import IDENTITY, NOW, answer
from vendors.lookup import Finding, Sighting
from vendors.smsgateway24.lookup import TextLookup
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Answer, Params

LOOKUP = TextLookup()
PARAMS: Params = {"to": "+4915752982212", "text": "Hello! 👋 Thank you", "device_id": 260}
ROW: dict[str, Any] = {
    "id": 62050971,
    "sendto": "+4915752982212",
    "body": "Hello! 👋 Thank you",
    "customerid": IDENTITY.tag,
    "status": 2,
}


def listed(*rows: dict[str, Any], **more: Any) -> Answer:
    smss = {str(row["id"]): row for row in rows}
    return answer(200, orjson.dumps({"error": 0, "count": len(rows), "smss": smss, **more}))


def look(answered: Answer, claimed: frozenset[str] = frozenset()) -> Sighting:
    return LOOKUP.read(answered, PARAMS, IDENTITY, claimed)


def test_it_asks_by_tag_and_by_number_a_day_and_more_around_the_call(
    sms: SmsGateway24Provider,
) -> None:
    by_tag, by_number = LOOKUP.queries(PARAMS, IDENTITY, sms)
    assert (by_tag.form, by_number.form) == ("customerid", "phone")
    for query in (by_tag, by_number):
        form = {name: value[0] for name, value in parse_qs(query.request.body.decode()).items()}
        begin, end = (datetime.fromisoformat(form[name] + "Z") for name in ("begindate", "enddate"))
        assert begin <= NOW - timedelta(days=1)
        assert end >= NOW + timedelta(days=1)
        assert query.request.path == "getdata/getallsms"
    assert b"customerid=1234567890" in by_tag.request.body
    assert b"phone=%2B4915752982212" in by_number.request.body


def test_a_text_ordered_for_later_is_within_the_window(sms: SmsGateway24Provider) -> None:
    later = {**PARAMS, "timetosend": "2027-06-01 00:00:00"}
    for query in LOOKUP.queries(later, IDENTITY, sms):
        assert parse_qs(query.request.body.decode())["enddate"][0] > "2027-06-01"


@pytest.mark.parametrize(
    "sendto", ["+4915752982212", "4915752982212", "+49 157 52982212", "004915752982212"]
)
def test_the_same_tag_and_number_is_our_text(sendto: str) -> None:
    seen = look(listed({**ROW, "sendto": sendto, "body": "cut"}))
    assert (seen.finding, seen.reference) == (Finding.FOUND, "62050971")


def test_the_same_tag_at_another_number_is_not_ours() -> None:
    assert look(listed({**ROW, "sendto": "+4917642111111"})).finding is Finding.EMPTY


@pytest.mark.parametrize("empty", [None, 0, "", "0"])
@pytest.mark.parametrize(
    "body", ["Hello! 👋 Thank you", "Hello!  Thank you ", "Hello! ? Thank you"]
)
def test_number_and_body_are_enough_where_the_tag_was_lost(empty: object, body: str) -> None:
    """Emoji and spacing are known to be lost on the way."""
    seen = look(listed({**ROW, "customerid": empty, "body": body}))
    assert (seen.finding, seen.reference) == (Finding.FOUND, "62050971")


@pytest.mark.parametrize("foreign", [1, "7", "abc", -5])
def test_the_same_body_with_a_foreign_tag_is_not_ours(foreign: object) -> None:
    assert look(listed({**ROW, "customerid": foreign})).finding is Finding.EMPTY


@pytest.mark.parametrize("customerid", [None, IDENTITY.tag])
def test_the_same_words_from_that_number_are_not_ours(customerid: int | None) -> None:
    """Incoming texts stand in the same list, with status 5."""
    answered = listed({**ROW, "customerid": customerid, "status": 5})
    assert look(answered).finding is Finding.EMPTY


def test_a_text_that_belongs_to_another_action_is_not_ours() -> None:
    """Two equal texts to one number, both without a tag: each is found once."""
    first, second = ({**ROW, "id": n, "customerid": None} for n in (11, 12))
    assert look(listed(first, second)).reference == "11"
    assert look(listed(first, second), frozenset({"11"})).reference == "12"
    assert look(listed(first, second), frozenset({"11", "12"})).finding is Finding.EMPTY


@pytest.mark.parametrize("smss", ["{}", "[]"])
def test_an_empty_list_is_empty_either_way(smss: str) -> None:
    """PHP writes an empty object as a list."""
    body = f'{{"error":0,"message":"Ok","count":0,"smss":{smss}}}'
    assert look(answer(200, body)).finding is Finding.EMPTY


def test_the_printed_answer_without_an_error_field_is_read() -> None:
    """The vendor's own sample leaves `error`, `count` and `message` out."""
    row = {**ROW, "customerid": None, "body": PARAMS["text"]}
    assert look(answer(200, orjson.dumps({"smss": {"62050971": row}}))).finding is Finding.FOUND


@pytest.mark.parametrize(
    "failed",
    [
        answer(200, '{"error":1,"message":"Token"}'),
        answer(200, '{"error":0,"message":"Ok"}'),
        answer(200, '{"error":0,"smss":null}'),
        answer(200, '{"error":0,"smss":[1]}'),
        answer(200, '{"error":0,"smss":{"1":{"id":1}}}'),
        answer(200, "<html>"),
        answer(200, ""),
        answer(503, '{"error":0,"smss":[]}'),
        answer(302, '{"error":0,"smss":[]}'),
        listed({**ROW, "sendto": "+4917642111111"}, count=2),
    ],
    ids=["error", "no-list", "null", "no-rows", "half-row", "html", "nothing", "503", "302", "cut"],
)
def test_an_answer_that_is_not_whole_says_nothing(failed: Answer) -> None:
    assert look(failed).finding is Finding.FAILED
