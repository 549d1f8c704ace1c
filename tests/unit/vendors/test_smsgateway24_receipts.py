"""What became of a text, asked for or posted to us; and texts that people send."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.configuration import SecretRef
from tests.unit.vendors.cases import answer, sms_provider
from vendors.report import Called, Incoming, Stage
from vendors.smsgateway24.callbacks import LONGEST_BODY, MOST_ITEMS, TextCallbacks
from vendors.smsgateway24.follow import TextFollow
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.smsgateway24.statuses import BY_CODE, receipt

FOLLOW = TextFollow()
CALLBACKS = TextCallbacks()

STATUS = {
    "sms_id": 62807347,
    "status_id": 7,
    "status_message": "Delivered",
    "sendto": "+4915752982212",
    "senttime": "2026-11-22 10:00:00",
    "channel_id": 0,
    "device_id": 260,
}
ARTICLE_STATUS = {
    "event": "delivery_status",
    "message_id": "62807347",
    "phone": "+4915752982212",
    "status": "delivered",
    "message": "Hello!",
    "timestamp": "2026-11-22T10:00:00Z",
    "device_id": "260",
}
INCOMING = {
    "address": "+4915752982212",
    "date": "2026-11-22 10:00:05",
    "date_sent": "2026-11-22 10:00:00",
    "body": "STOP",
    "internal_id": 17,
    "channel_id": 1,
    "sms_id": 62807350,
    "device_id": 260,
    "device_name": "Shop",
    "type": "text",
}
ARTICLE_INCOMING = {
    "event": "incoming_sms",
    "message_id": "17",
    "phone": "+4915752982212",
    "message": "STOP",
    "timestamp": "2026-11-22T10:00:00Z",
    "device_id": "260",
}


def read(content: Any, provider: SmsGateway24Provider) -> Called | None:
    return CALLBACKS.read(orjson.dumps(content), provider)


def one_text(content: Any, provider: SmsGateway24Provider) -> Incoming:
    called = read(content, provider)
    assert called is not None
    (text,) = called.incoming
    return text


def test_a_text_is_asked_for_by_its_id(sms: SmsGateway24Provider) -> None:
    request = FOLLOW.query("62807347", sms)
    assert request.path == "getdata/getsmsstatus"
    assert parse_qs(request.body.decode())["sms_id"] == ["62807347"]


@pytest.mark.parametrize(
    ("status", "stage", "meaning", "final"),
    [
        (1, Stage.PENDING, "pending (1)", False),
        (3, Stage.PENDING, "queued for sending (3)", False),
        (2, Stage.PENDING, "taken by the phone (2)", False),
        (6, Stage.SENT, "sent by the phone, delivery not known (6)", False),
        (7, Stage.DELIVERED, "delivered (7)", True),
        (8, Stage.FAILED, "not delivered (8)", True),
        ("9", Stage.FAILED, "not sent: SIM blocked or no balance (9)", True),
        (10, Stage.FAILED, "not sent: no service (10)", True),
        (11, Stage.FAILED, "not sent: null PDU (11)", True),
        (12, Stage.FAILED, "not sent: radio off (12)", True),
        (100, Stage.FAILED, "not sent: the app is not allowed to (100)", True),
        (101, Stage.FAILED, "not sent: the app is not allowed to at all (101)", True),
    ],
)
def test_what_each_code_means(
    status: object, stage: Stage, meaning: str, final: bool, sms: SmsGateway24Provider
) -> None:
    body = orjson.dumps({"error": 0, "sms_id": 5, "status": status, "message": "Ok"})
    told = FOLLOW.read(answer(200, body), "5", sms)
    assert told is not None
    assert (told.reference, told.stage, told.meaning, told.final) == ("5", stage, meaning, final)


def test_reports_are_ranked_in_the_order_of_progress() -> None:
    """1, 3, 2, 6, then failures; delivered is above all, whenever it is heard of."""
    ranks = [BY_CODE[code].rank for code in (1, 3, 2, 6, 8, 9, 10, 11, 12, 100, 101, 7)]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize("order", list(permutations([6, 9, 7])))
def test_of_a_failure_and_a_delivery_the_delivery_counts(order: tuple[int, ...]) -> None:
    told = [found for code in order if (found := receipt("5", code)) is not None]
    assert max(told, key=lambda one: one.rank).stage is Stage.DELIVERED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"error":0,"sms_id":5,"status":4}'),
        (200, '{"error":0,"sms_id":5,"status":5}'),
        (200, '{"error":0,"sms_id":5,"status":true}'),
        (200, '{"error":0,"sms_id":5}'),
        (200, '{"error":0,"sms_id":6,"status":7}'),
        (200, '{"error":1,"message":"Not found","status":7}'),
        (200, "<html>"),
        (200, ""),
        (503, '{"error":0,"sms_id":5,"status":7}'),
    ],
)
def test_an_answer_that_does_not_say_is_no_receipt(
    status: int, body: str, sms: SmsGateway24Provider
) -> None:
    assert FOLLOW.read(answer(status, body), "5", sms) is None


@pytest.mark.parametrize(
    "content",
    [
        STATUS,
        {**STATUS, "sms_id": "62807347", "status_id": "7"},
        {"sim": 0, **{name: it for name, it in STATUS.items() if name != "channel_id"}},
        ARTICLE_STATUS,
        {**ARTICLE_STATUS, "status": "7", "message_id": 62807347},
    ],
    ids=["reference", "strings", "older", "article", "article-with-a-code"],
)
def test_every_documented_delivery_status_is_read(
    content: object, sms: SmsGateway24Provider
) -> None:
    called = read(content, sms)
    assert called is not None
    assert not called.incoming
    (told,) = called.receipts
    assert (told.reference, told.stage, told.final) == ("62807347", Stage.DELIVERED, True)
    assert told.meaning == "delivered (7)"


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("Pending", Stage.PENDING),
        ("sent", Stage.SENT),
        ("DELIVERED", Stage.DELIVERED),
        ("not_delivered", Stage.FAILED),
        ("failed", Stage.FAILED),
    ],
)
def test_a_status_may_be_a_word(word: str, stage: Stage, sms: SmsGateway24Provider) -> None:
    called = read({**ARTICLE_STATUS, "status": word}, sms)
    assert called is not None
    assert [told.stage for told in called.receipts] == [stage]


@pytest.mark.parametrize("status", [5, 4, "unheard of", None, [], True])
def test_a_status_that_says_nothing_of_a_text_of_ours_is_taken_and_ignored(
    status: object, sms: SmsGateway24Provider
) -> None:
    """5 is a text that came in; refusing it would have the gateway post it for ever."""
    assert read({**STATUS, "status_id": status}, sms) == Called()


def test_an_incoming_text_of_the_reference_is_read(sms: SmsGateway24Provider) -> None:
    text = one_text(INCOMING, sms)
    assert (text.type, text.time) == ("sms.received", datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
    assert text.data == {
        "from": "+4915752982212",
        "body": "STOP",
        "device_id": 260,
        "sim": 1,
        "device_name": "Shop",
        "type": "text",
    }


def test_an_incoming_text_of_an_older_copy_is_read(sms: SmsGateway24Provider) -> None:
    """A number as an int, `sim` in place of `channel_id`, no type."""
    older = {name: it for name, it in INCOMING.items() if name not in {"channel_id", "type"}}
    text = one_text({**older, "address": 4915752982212, "sim": 0}, sms)
    assert (text.data["from"], text.data["sim"]) == ("+4915752982212", 0)
    assert "type" not in text.data


def test_an_incoming_text_of_the_article_is_read(sms: SmsGateway24Provider) -> None:
    text = one_text(ARTICLE_INCOMING, sms)
    assert text.time == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert text.data == {"from": "+4915752982212", "body": "STOP", "device_id": 260}


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("+4915752982212", "+4915752982212"),
        ("015752982212", "+4915752982212"),
        (4915752982212, "+4915752982212"),
        ("+43 664 1234567", "+436641234567"),
        ("22000", "22000"),
        ("Vodafone", "Vodafone"),
    ],
)
def test_whoever_wrote_is_named_as_in_our_own_texts_where_that_is_possible(
    address: object, known: str, sms: SmsGateway24Provider
) -> None:
    assert one_text({**INCOMING, "address": address}, sms).data["from"] == known


def test_the_same_text_reported_twice_has_the_same_id(sms: SmsGateway24Provider) -> None:
    again = {**INCOMING, "internal_id": "17", "device_id": "260", "device_name": "renamed"}
    ids = {one_text(content, sms).id for content in (INCOMING, INCOMING, again)}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("device_id", 261),
        ("internal_id", 18),
        ("address", "+4917642111111"),
        ("date", "2026-11-22 10:00:06"),
        ("body", "START"),
    ],
)
def test_another_text_has_another_id(name: str, other: object, sms: SmsGateway24Provider) -> None:
    assert one_text({**INCOMING, name: other}, sms).id != one_text(INCOMING, sms).id


def test_an_id_holds_no_personal_data(sms: SmsGateway24Provider) -> None:
    found = one_text(INCOMING, sms).id
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("sent", "date", "moment"),
    [
        ("2026-11-22T11:00:00+01:00", None, datetime(2026, 11, 22, 10, 0, tzinfo=UTC)),
        (
            {"date": "2026-11-22 11:00:00.000000", "timezone_type": 3, "timezone": "Europe/Paris"},
            None,
            datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
        ),
        ("soon", "2026-11-22 10:00:05", datetime(2026, 11, 22, 10, 0, 5, tzinfo=UTC)),
        ("1970-01-01 00:00:00", None, None),
        ("9999-01-01 00:00:00", None, None),
        ("0001-01-01T00:00:00+23:59", None, None),
        (1764000000, None, None),
        (None, None, None),
    ],
)
def test_the_time_is_taken_where_it_can_be_read(
    sent: object, date: object, moment: datetime | None, sms: SmsGateway24Provider
) -> None:
    assert one_text({**INCOMING, "date_sent": sent, "date": date}, sms).time == moment


def test_a_list_is_read_whole_and_what_is_unknown_in_it_is_left_out(
    sms: SmsGateway24Provider,
) -> None:
    called = read([STATUS, INCOMING, {"x": 1}, 7, ARTICLE_STATUS], sms)
    assert called is not None
    assert (len(called.receipts), len(called.incoming)) == (2, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"7",
        b"[]",
        b"{}",
        b'{"event":"other","sms_id":1,"status_id":7}',
        b'{"sms_id":true,"status_id":7}',
        b'{"sms_id":-1,"status_id":7}',
        b'{"address":"","body":"x"}',
        b'{"address":["+49"],"body":"x"}',
        b'{"address":"a\\nb","body":"x"}',
        b'{"address":"+4915752982212","body":7}',
        b'{"address":"+4915752982212","body":"\\ud800"}',
        b"sms_id=1&status_id=7",
        b"[" * 5000,
        orjson.dumps({**INCOMING, "body": "x" * (LONGEST_BODY + 1)}),
        orjson.dumps({**INCOMING, "address": "x" * 201}),
        orjson.dumps([STATUS] * (MOST_ITEMS + 1)),
    ],
)
def test_what_has_no_known_shape_is_none(body: bytes, sms: SmsGateway24Provider) -> None:
    assert CALLBACKS.read(body, sms) is None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.sampled_from(["delivery_status", "incoming_sms", "2026-11-22 10:00:00", "Europe/Paris"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["date", "timezone", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ITEMS = st.dictionaries(st.sampled_from(sorted({*STATUS, *ARTICLE_STATUS, *INCOMING})), VALUES)


@settings(max_examples=400, deadline=None)
@given(body=st.binary(max_size=200) | (ITEMS | st.lists(ITEMS, max_size=3)).map(orjson.dumps))
def test_reading_a_callback_never_raises(body: bytes) -> None:
    called = CALLBACKS.read(body, sms_provider(SecretRef(env="X")))
    if called is not None:
        assert orjson.dumps([text.data for text in called.incoming])
        assert all(text.id for text in called.incoming)
        assert all(told.reference.isdigit() for told in called.receipts)


def test_depth_that_cannot_be_written_again_is_no_trouble(sms: SmsGateway24Provider) -> None:
    """JSON is read deeper than it is written."""
    deep = b'{"address":"+4915752982212","body":"x","date":' + b"[" * 800 + b"]" * 800 + b"}"
    assert CALLBACKS.read(deep, sms) is not None
