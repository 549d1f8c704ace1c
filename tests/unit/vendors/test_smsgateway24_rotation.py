"""Several phones: which are there, and since when each was silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.configuration import SecretRef
from tests.unit.vendors.cases import IDENTITY, NOW, answer, sms_provider
from tests.unit.vendors.test_smsgateway24_calls import DEVICES
from vendors.rotation import Way
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.smsgateway24.rotation import DeviceRotation
from vendors.smsgateway24.send import Send
from vendors.wire import Answer, Params

ROTATION = DeviceRotation()
SEND = Send()
TEXT: Params = {"to": "+4915752982212", "text": "Hello!"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def several(token: SecretRef) -> SmsGateway24Provider:
    return sms_provider(token, device_id=[261, "260", "Shop"], pick="online")


def devices(**seen: Any) -> Answer:
    rows = {name.strip("_"): {"id": 1, "lastseen": lastseen} for name, lastseen in seen.items()}
    return answer(200, orjson.dumps({"error": 0, "count": len(rows), "device": rows}))


def php(date: str, zone: str = "UTC", kind: int = 3) -> dict[str, Any]:
    return {"date": date, "timezone_type": kind, "timezone": zone}


def test_a_text_leaves_the_choice_to_us_only_where_it_names_no_phone(
    several: SmsGateway24Provider, sms: SmsGateway24Provider
) -> None:
    assert "device_id" not in SEND.prepare(TEXT, several)
    assert ROTATION.is_open(SEND.prepare(TEXT, several), several)
    assert not ROTATION.is_open(SEND.prepare({**TEXT, "device_id": 5}, several), several)
    assert not ROTATION.is_open(SEND.prepare(TEXT, sms), sms)


def test_the_chosen_phone_sends_it(several: SmsGateway24Provider) -> None:
    chosen = ROTATION.through(SEND.prepare(TEXT, several), Way(id="Shop", seen=None))
    assert b"device_id=Shop" in SEND.request(chosen, IDENTITY, several).body


def test_without_a_choice_it_is_the_first(several: SmsGateway24Provider) -> None:
    assert b"device_id=261&" in SEND.request(SEND.prepare(TEXT, several), IDENTITY, several).body


def test_the_configured_phones_come_in_their_order_with_their_ages(
    several: SmsGateway24Provider,
) -> None:
    answered = devices(
        _260=php("2026-11-22 10:58:00.000000", "Europe/Paris"),
        _261=php("2026-11-22 11:55:00.000000", "+02:00", 1),
        _262=php("2026-11-22 10:00:00.000000"),
    )
    assert ROTATION.read(answered, several, NOW) == [
        Way(id=261, seen=5 * MINUTE),
        Way(id="260", seen=2 * MINUTE),
        Way(id="Shop", seen=None),
    ]
    assert ROTATION.silent_after(several) == 5 * MINUTE


def test_ages_are_counted_by_the_providers_own_clock(several: SmsGateway24Provider) -> None:
    """Ours may be wrong by more than a phone may be silent."""
    rows = devices(_261=php("2026-11-22 10:00:00.000000")).body
    dated = answer(200, rows, date="Sun, 22 Nov 2026 10:01:00 GMT")
    ways = ROTATION.read(dated, several, NOW + timedelta(days=1))
    assert ways is not None
    assert ways[0].seen == MINUTE


@pytest.mark.parametrize(
    "lastseen",
    [None, "", "yesterday", php("x"), php("2026-11-22 10:00:00", "Mars/Base"), {"date": 5}, [], 7],
)
def test_a_phone_whose_last_sign_cannot_be_read_was_never_seen(
    lastseen: object, several: SmsGateway24Provider
) -> None:
    ways = ROTATION.read(devices(_261=lastseen), several, NOW)
    assert ways is not None
    assert ways[0].seen is None


def test_a_phone_that_is_ahead_of_the_clock_was_seen_just_now(
    several: SmsGateway24Provider,
) -> None:
    ways = ROTATION.read(devices(_261=php("2026-11-22 10:05:00.000000")), several, NOW)
    assert ways is not None
    assert ways[0].seen == timedelta(0)


def test_the_printed_devices_are_read(token: SecretRef) -> None:
    provider = sms_provider(token, device_id=[1576, 1297], pick="online")
    moment = datetime(2020, 4, 23, 17, 3, 21, tzinfo=UTC)
    ways = ROTATION.read(answer(200, DEVICES), provider, moment)
    assert ways is not None
    assert [(way.id, way.seen) for way in ways] == [
        (1576, MINUTE),
        (1297, timedelta(days=2, hours=20, minutes=11, seconds=47)),
    ]


def test_no_devices_at_all_are_none_seen(several: SmsGateway24Provider) -> None:
    """PHP writes an empty object as a list."""
    for empty in ("[]", "{}"):
        ways = ROTATION.read(answer(200, f'{{"count":0,"device":{empty}}}'), several, NOW)
        assert ways is not None
        assert [way.seen for way in ways] == [None, None, None]


@pytest.mark.parametrize(
    "unreadable",
    [
        answer(503, '{"device":{}}'),
        answer(200, "<html>"),
        answer(200, '{"error":1,"message":"Token is incorrect"}'),
        answer(200, '{"error":0}'),
        answer(200, '{"error":0,"device":null}'),
    ],
)
def test_an_answer_that_is_none_says_nothing(
    unreadable: Answer, several: SmsGateway24Provider
) -> None:
    assert ROTATION.read(unreadable, several, NOW) is None


@settings(deadline=None)
@given(body=st.binary(max_size=300), date=st.text(max_size=40))
def test_reading_devices_never_raises(body: bytes, date: str) -> None:
    provider = sms_provider(SecretRef(env="X"), device_id=[1], pick="online")
    for raw in (body, b'{"device":{"1":' + body + b"}}"):
        ways = ROTATION.read(answer(200, raw, date=date), provider, NOW)
        assert ways is None or len(ways) == 1
