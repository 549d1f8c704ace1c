"""Many texts in one call: gathered from several actions, or a list of one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from core.configuration import SecretRef
from tests.unit.vendors.cases import IDENTITY, NOW, TOKEN, answer, sms_provider
from vendors.gather import Item
from vendors.lookup import Finding
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.smsgateway24.gather import TextGather
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.smsgateway24.send import Send
from vendors.wire import Answer, Identity, OutcomeKind, Params, Request

GATHER = TextGather()
BULK = SMSGATEWAY24.operations["addalotofsms"]

PRINTED: dict[str, Any] = {
    "token": "df427bfcf113c9a21c6771803501",
    "smsdata": [
        {
            "sendto": "015752982212",
            "body": "Your password is 12345",
            "sim": 1,
            "timetosend": "2019-07-01 23:50:00",
            "device_id": 260,
            "customerid": 122,
            "urgent": 1,
        },
        {
            "sendto": "015752982212",
            "body": "Regular SMS. Not urgnet",
            "sim": 1,
            "timetosend": "2019-07-01 23:50:00",
            "device_id": 260,
            "customerid": 122,
            "urgent": 0,
        },
    ],
}


def datajson(request: Request) -> Any:
    form = parse_qs(request.body.decode(), strict_parsing=True)
    assert list(form) == ["datajson"]
    return orjson.loads(form["datajson"][0])


def item(to: str, tag: int, provider: SmsGateway24Provider, **more: Any) -> Item:
    late = more.pop("late", timedelta(0))
    params = Send().prepare({"to": to, "text": f"Text {tag}", **more}, provider)
    identity = Identity(request_id="r", tag=tag, called_at=NOW + late)
    return Item(params=params, identity=identity)


def listed(*rows: dict[str, Any], **more: Any) -> Answer:
    smss = {str(row["id"]): row for row in rows}
    return answer(200, orjson.dumps({"error": 0, "count": len(rows), "smss": smss, **more}))


def test_the_printed_datajson_is_the_value_that_goes_out(
    sms: SmsGateway24Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exact but for three things: numbers go out as E.164, an `urgent` of 0 is left out, and the
    token and `customerid` are ours (set to the printed ones here). The order of keys is ours."""
    printed = [
        {name: it for name, it in text.items() if name != "customerid"}
        for text in PRINTED["smsdata"]
    ]
    identity = Identity(request_id="r", tag=122, called_at=NOW)
    sms.adopt(PRINTED["token"])
    request = BULK.request(BULK.prepare({"smsdata": printed}, sms), identity, sms)
    expected = [
        {name: it for name, it in {**text, "sendto": "+4915752982212"}.items() if it != 0}
        for text in PRINTED["smsdata"]
    ]
    assert datajson(request) == {"token": PRINTED["token"], "smsdata": expected}
    assert request.path == "getdata/addalotofsms"


def test_gathered_texts_share_one_call_each_with_its_own_tag(sms: SmsGateway24Provider) -> None:
    items = [item("+4915752982212", 7, sms), item("+4917642111111", 8, sms, sim=1, urgent=True)]
    assert datajson(GATHER.request(items, sms)) == {
        "token": TOKEN,
        "smsdata": [
            {"sendto": "+4915752982212", "body": "Text 7", "device_id": 260, "customerid": 7},
            {
                "sendto": "+4917642111111",
                "body": "Text 8",
                "device_id": 260,
                "customerid": 8,
                "sim": 1,
                "urgent": 1,
            },
        ],
    }


def test_how_many_share_a_call_is_a_setting(token: SecretRef) -> None:
    assert GATHER.most(sms_provider(token)) == 100
    assert GATHER.most(sms_provider(token, gather=1)) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, '{"error":0,"message":"Sms has been saved successfully"}', OutcomeKind.DONE),
        (200, '{"error":1,"message":"Phone is wrong"}', OutcomeKind.UNKNOWN),
        (400, '{"error":1,"message":"Phone is wrong"}', OutcomeKind.UNKNOWN),
        (413, "", OutcomeKind.UNKNOWN),
        (200, '{"error":1,"message":"Token is incorrect"}', OutcomeKind.UNAUTHORIZED),
        (401, "", OutcomeKind.UNAUTHORIZED),
        (429, "", OutcomeKind.TEMPORARY),
        (503, "", OutcomeKind.TEMPORARY),
        (500, "", OutcomeKind.UNKNOWN),
        (200, "<html>", OutcomeKind.UNKNOWN),
    ],
)
def test_a_refusal_of_many_says_nothing_about_each(
    status: int, body: str, kind: OutcomeKind, sms: SmsGateway24Provider
) -> None:
    """Whether it is all or nothing is not documented; each is looked up then, and sent alone."""
    outcome = GATHER.read(answer(status, body), sms)
    assert (outcome.kind, outcome.reference) == (kind, None)


def test_what_a_shared_call_made_is_asked_for_once_around_the_calls(
    sms: SmsGateway24Provider,
) -> None:
    items = [
        item("+4915752982212", 7, sms),
        item("+4917642111111", 8, sms, late=timedelta(minutes=3)),
    ]
    for wide, before in ((False, timedelta(seconds=5)), (True, timedelta(minutes=2))):
        request = GATHER.find(items, sms, wide=wide)
        form = {name: value[0] for name, value in parse_qs(request.body.decode()).items()}
        begin, end = (datetime.fromisoformat(form[name] + "Z") for name in ("begindate", "enddate"))
        assert (NOW - begin, end - NOW) == (before, timedelta(hours=1, minutes=3))
    assert (request.path, set(form)) == ("getdata/getallsms", {"token", "begindate", "enddate"})


def test_each_is_found_by_its_tag_and_number(sms: SmsGateway24Provider) -> None:
    items = [item("+4915752982212", 7, sms), item("+4917642111111", 8, sms)]
    rows = listed(
        {"id": 12, "sendto": "+4915752982212", "customerid": 7},
        {"id": 11, "sendto": "4915752982212", "customerid": "7"},
        {"id": 13, "sendto": "+4915752982212", "customerid": 8},
        {"id": 14, "sendto": "+4917642111111", "customerid": None},
        {"id": 15, "sendto": "+4917642111111", "customerid": 9},
    )
    assert GATHER.found(rows, items) == {7: "11"}
    assert GATHER.found(answer(200, "<html>"), items) == {}


def test_what_is_found_in_a_list_that_is_not_whole_counts_all_the_same(
    sms: SmsGateway24Provider,
) -> None:
    row = {"id": 11, "sendto": "+4915752982212", "customerid": 7}
    cut = listed(row, count=500)
    assert GATHER.found(cut, [item("+4915752982212", 7, sms)]) == {7: "11"}


TWO: Params = {
    "smsdata": [
        {"sendto": "+4915752982212", "body": "a", "device_id": 260},
        {"sendto": "+4915752982212", "body": "b", "device_id": 260},
        {"sendto": "+4917642111111", "body": "c", "device_id": 260},
    ]
}
FIRST, SECOND, THIRD = (
    {"id": 1, "sendto": "+4915752982212", "customerid": IDENTITY.tag},
    {"id": 2, "sendto": "4915752982212", "customerid": str(IDENTITY.tag)},
    {"id": 3, "sendto": "+4917642111111", "customerid": IDENTITY.tag},
)
FOREIGN = {"id": 4, "sendto": "+4917642111111", "customerid": 5}


@pytest.mark.parametrize(
    ("answered", "finding"),
    [
        (listed(FIRST, SECOND, THIRD), Finding.FOUND),
        (listed(FIRST, SECOND, THIRD, FOREIGN, count=9), Finding.FOUND),
        (listed(FIRST, SECOND), Finding.FAILED),
        (listed(FIRST, THIRD), Finding.FAILED),
        (listed(), Finding.EMPTY),
        (listed(FOREIGN), Finding.EMPTY),
        (listed(count=3), Finding.FAILED),
        (answer(200, "<html>"), Finding.FAILED),
        (answer(503), Finding.FAILED),
    ],
    ids=["all", "all-of-more", "two", "one-each", "none", "foreign", "cut", "html", "503"],
)
def test_a_list_is_found_whole_or_not_at_all(answered: Answer, finding: Finding) -> None:
    """Sending what is left of it would need to know which; that is for a person."""
    assert BULK.lookup is not None
    assert BULK.lookup.read(answered, TWO, IDENTITY, frozenset()).finding is finding


def test_a_list_is_looked_up_by_a_question_that_single_texts_do_not_prove(
    sms: SmsGateway24Provider,
) -> None:
    assert BULK.lookup is not None
    later = {"smsdata": [{**TWO["smsdata"][0], "timetosend": "2027-06-01 00:00:00"}]}
    (query,) = BULK.lookup.queries(later, IDENTITY, sms)
    assert query.form not in {"customerid", "phone"}
    form = parse_qs(query.request.body.decode())
    assert form["customerid"] == [str(IDENTITY.tag)]
    assert form["enddate"][0] > "2027-06-01"


def test_a_list_goes_to_allowed_countries_only_and_has_one_recipient_or_none(
    sms: SmsGateway24Provider,
) -> None:
    one = BULK.prepare({"smsdata": [{"sendto": "015752982212", "body": "x"}]}, sms)
    abroad = {"sendto": "+436641234567", "body": "x"}
    two = BULK.prepare({"smsdata": [*one["smsdata"], abroad]}, sms)
    assert (BULK.recipient(one), BULK.guard(one, sms)) == ("+4915752982212", None)
    assert (BULK.recipient(two), BULK.guard(two, sms)) == (None, "country AT is not allowed")
