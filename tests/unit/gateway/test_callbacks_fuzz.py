"""Callbacks that nobody foresaw: whatever is posted with our secret is read or kept.

An exception here would be a 500 to whoever posts, who would post the same again and again.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from core.configuration import SecretRef
from core.errors import UnreadableMessage
from core.messages import (
    EventRecord,
    decode_record,
    decode_recorded,
    encode_receipt,
    encode_record,
    encode_unread,
)
from gateway.callbacks import OLDEST, Callback, read_callback
from tests.hostile import VALUES, VERY_LONG, as_json, cut
from tests.samples import NOON
from tests.unit.vendors.cases import sms_provider
from vendors.smsgateway24 import SMSGATEWAY24

INPUTS = 100
FIELDS = (
    *("event", "message_id", "phone", "message", "status", "timestamp", "device_id", "address"),
    *("date", "date_sent", "body", "internal_id", "channel_id", "sim", "sms_id", "status_id"),
    *("device_name", "type", "sendto"),
)


@pytest.fixture
def callback() -> Callback:
    assert SMSGATEWAY24.callbacks is not None
    return Callback(
        provider_name="sms",
        provider=sms_provider(SecretRef(env="UNREAD")),
        shapes=SMSGATEWAY24.callbacks,
        source="shop",
        hashes=(),
    )


def posted(rng: Random) -> bytes:
    """Fields of all shapes mixed; often enough near to a real one to be read as it."""
    fields = rng.sample(FIELDS, rng.randint(1, len(FIELDS)))
    item: dict[str, Any] = {name: rng.choice((*VALUES, VERY_LONG)) for name in fields}
    if rng.random() < 0.4:
        item["event"] = rng.choice(["delivery_status", "incoming_sms", "x"])
    if rng.random() < 0.5:
        item.pop("event", None)
        item |= {"address": "+4915123456789", "body": rng.choice(["STOP", "a\x00b"])}
    return cut(rng, as_json(item if rng.random() < 0.7 else [item, item]))


def read_or_keep(callback: Callback, body: bytes) -> int:
    """How much it told, all of it fit to travel on; what is not readable is fit to be kept."""
    told = read_callback(callback, body, NOON)
    if told is None:
        kept = encode_unread("callback", callback.provider_name, body, reason="its shape")
        with pytest.raises(UnreadableMessage, match="a callback of sms"):
            decode_recorded(kept)
        return 0
    for receipt in told.receipts:
        assert receipt.provider == "sms"
        assert encode_receipt(receipt)
    for event in told.events:
        assert event.source == "shop"
        assert event.id.startswith("sms:")
        assert event.time is None or NOON - OLDEST <= event.time <= NOON
        record = EventRecord(event=event, rules_version="r1")
        assert decode_record(encode_record(record)).event == event
    return len(told.receipts) + len(told.events)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_posted_is_read_or_kept(callback: Callback, seed: int) -> None:
    rng = Random(seed)
    told = [read_or_keep(callback, posted(rng)) for _ in range(INPUTS)]
    assert any(told), "some of them are near enough to be read"
    assert not all(told)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"NaN",
        b"1e999",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"sms_id":1e400,"status_id":7}',
    ],
    ids=["empty", "no-utf8", "nan", "endless", "deep-lists", "deep-objects", "endless-id"],
)
def test_what_breaks_readers_of_json_is_kept(callback: Callback, body: bytes) -> None:
    assert read_or_keep(callback, body) == 0
