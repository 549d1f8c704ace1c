"""CloudEvents 1.0: structured, binary and batched, checked against the SDK's own messages too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from core.errors import InvalidBatch, InvalidEvent, MalformedRequest, UnsupportedContent
from gateway.events.headers import Headers
from gateway.events.parse import BATCHED, STRUCTURED, Parsed, parse_events

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "order.placed",
}
BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order.placed"}


def structured(event: Any, kind: str = STRUCTURED) -> Parsed:
    return parse_events(
        orjson.dumps(event), Headers([("content-type", kind)]), source="hub", now=NOW
    )


def binary(headers: dict[str, str], body: bytes = b"{}") -> Parsed:
    pairs = [("content-type", "application/json"), *headers.items()]
    return parse_events(body, Headers(pairs), source="hub", now=NOW)


def test_a_structured_event_is_read() -> None:
    (event,) = structured(
        {
            **EVENT,
            "time": "2026-11-22T09:00:00Z",
            "subject": "s",
            "datacontenttype": "application/json",
            "traceparent": "00-x",
            "data": {"total": 1},
        }
    ).events
    assert (event.source, event.id, event.type) == ("hub", "/shop 1", "order.placed")
    assert (event.time, event.subject) == (datetime(2026, 11, 22, 9, tzinfo=UTC), "s")
    assert event.data == {"total": 1}


def test_a_binary_event_is_read() -> None:
    (event,) = binary(
        {**BINARY, "CE-Time": "2026-11-22T09:00:00Z", "ce-subject": "Euro%20%E2%82%AC"},
        b'{"total": 1}',
    ).events
    assert (event.id, event.subject, event.data) == ("/shop 1", "Euro €", {"total": 1})


def test_a_binary_event_may_have_no_data() -> None:
    assert binary(BINARY, b"").events[0].data == {}


def test_a_batch_is_read() -> None:
    parsed = structured([EVENT, {**EVENT, "id": "2"}], BATCHED)
    assert parsed.batch
    assert [event.id for event in parsed.events] == ["/shop 1", "/shop 2"]


def test_events_of_two_sources_with_one_id_stay_apart() -> None:
    one, two = structured([EVENT, {**EVENT, "source": "/other"}], BATCHED).events
    assert one.ref != two.ref


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("plain", "plain"),
        ('"quoted"', "quoted"),
        (r'"a \"b\" \\"', 'a "b" \\'),
        ("a%22b", 'a"b'),
        ("%41", "A"),
        ("%2541", "%41"),
        ("%F0%9F%98%80", "😀"),
    ],
)
def test_header_values_are_decoded_once(value: str, read: str) -> None:
    assert binary({**BINARY, "ce-subject": value}).events[0].subject == read


@pytest.mark.parametrize(
    "headers",
    [
        {"ce-specversion": "0.3"},
        {"ce-specversion": "2.0"},
        {"ce-id": ""},
        {"ce-source": "with space"},
        {"ce-source": "with%20space"},
        {"ce-time": "garbage"},
        {"ce-subject": "%C0%A0"},
        {"ce-subject": "%ED%A0%80"},
        {"ce-subject": "50%"},
        {"ce-subject": "%zz"},
        {"ce-subject": "Euro \u20ac"},
        {"ce-subject": "raw \udcff"},
        {"ce-datacontenttype": "application/json"},
        {"ce-under_score": "x"},
    ],
)
def test_binary_headers_that_break_the_specification_are_malformed(headers: dict[str, str]) -> None:
    with pytest.raises(MalformedRequest):
        binary({**BINARY, **headers})


@pytest.mark.parametrize("name", ["ce-specversion", "ce-id", "ce-source", "ce-type"])
def test_each_required_header_is_missed_by_name(name: str) -> None:
    with pytest.raises(MalformedRequest, match=name.removeprefix("ce-")):
        binary({key: value for key, value in BINARY.items() if key != name})


def test_an_attribute_sent_twice_is_malformed() -> None:
    pairs = [("content-type", "application/json"), *BINARY.items(), ("Ce-Id", "2")]
    with pytest.raises(MalformedRequest):
        parse_events(b"{}", Headers(pairs), source="hub", now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"specversion": 1},
        {"id": None},
        {"id": 7},
        {"source": ""},
        {"source": "a b"},
        {"type": None},
        {"time": "garbage"},
        {"UpperCase": "x"},
        {"ext": {"a": 1}},
        {"ext": 1.5},
    ],
)
def test_a_structured_event_that_breaks_the_specification_is_malformed(
    change: dict[str, Any],
) -> None:
    with pytest.raises(MalformedRequest):
        structured({**EVENT, **change})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"data": "text"}, "data"),
        ({"data": [1]}, "data"),
        ({"data_base64": "AAAA"}, "data_base64"),
        ({"type": "com example"}, "type"),
        ({"id": "x" * 256}, "id"),
        ({"id": "a\x00"}, "id"),
        ({"time": "2036-01-01T00:00:00Z"}, "time"),
    ],
)
def test_what_only_we_do_not_take_is_an_invalid_event(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        structured({**EVENT, **change})
    assert caught.value.field == field


def test_data_of_another_type_is_not_taken() -> None:
    with pytest.raises(UnsupportedContent):
        structured({**EVENT, "datacontenttype": "text/xml", "data": "<a/>"})


def test_a_cloudevent_sent_as_plain_json_is_told_its_content_type() -> None:
    with pytest.raises(InvalidEvent, match=r"cloudevents\+json"):
        structured(EVENT, "application/json")


@pytest.mark.parametrize(
    ("batch", "index"), [([], 0), ([EVENT, {**EVENT, "id": None}], 1), ([EVENT] * 1001, 1000)]
)
def test_a_batch_is_taken_whole_or_not_at_all(batch: list[Any], index: int) -> None:
    with pytest.raises(InvalidBatch) as caught:
        structured(batch, BATCHED)
    assert caught.value.index == index


@pytest.mark.parametrize("body", [{}, "x", None])
def test_a_batch_that_is_no_list_is_malformed(body: Any) -> None:
    with pytest.raises(MalformedRequest):
        structured(body, BATCHED)
