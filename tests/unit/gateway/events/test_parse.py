"""Plain events and batches: what is taken, what is refused, and that nothing else ever happens."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import to_text
from core.errors import (
    InvalidBatch,
    InvalidEvent,
    MalformedRequest,
    RequestError,
    UnsupportedContent,
)
from core.messages import Event
from gateway.events.headers import Headers
from gateway.events.parse import Parsed, parse_events

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
JSON = [("Content-Type", "application/json")]


def parse(body: Any, headers: list[tuple[str, str]] | None = None, **more: Any) -> Parsed:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse_events(
        raw, Headers(JSON if headers is None else headers), source="shop", now=NOW, **more
    )


def plain(**fields: Any) -> dict[str, Any]:
    return {"id": "o-1", "type": "order.placed", **fields}


def test_an_event_is_read_with_all_its_fields() -> None:
    parsed = parse(
        plain(time="2026-11-22T10:59:59.5+01:00", subject="customer 7", data={"total": 20})
    )
    assert parsed == Parsed(
        batch=False,
        events=(
            Event(
                source="shop",
                id="o-1",
                type="order.placed",
                received_at=NOW,
                time=datetime(2026, 11, 22, 9, 59, 59, 500_000, tzinfo=UTC),
                subject="customer 7",
                data={"total": 20},
            ),
        ),
    )


def test_time_subject_and_data_need_not_be_given() -> None:
    (event,) = parse(plain(time=None, subject=None, data=None)).events
    assert (event.time, event.subject, event.data) == (None, None, {})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": "x" * 257}, "id"),
        ({"id": "a\x00b"}, "id"),
        ({"type": None}, "type"),
        ({"type": "has space"}, "type"),
        ({"type": "x" * 129}, "type"),
        ({"type": "order.plac\u00e9d"}, "type"),
        ({"type": "order\n"}, "type"),
        ({"type": ["order"]}, "type"),
        ({"subject": "a\x00b"}, "subject"),
        ({"subject": {}}, "subject"),
        ({"data": []}, "data"),
        ({"data": "text"}, "data"),
        ({"time": "yesterday"}, "time"),
        ({"time": 1700000000}, "time"),
        ({"time": "2026-11-22"}, "time"),
        ({"time": "2026-11-22T10:00:00"}, "time"),
        ({"time": "2026-02-30T10:00:00Z"}, "time"),
        ({"time": "0001-01-01T00:00:00+23:59"}, "time"),
        ({"time": "٢٠٢٦-11-22T10:00:00Z"}, "time"),
        ({"tyme": "x"}, "tyme"),
        ({"<script>": "x"}, "?"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse(plain(**fields))
    assert caught.value.field == field
    assert "script" not in caught.value.detail


@pytest.mark.parametrize(("ahead", "taken"), [(300, True), (301, False), (86400, False)])
def test_a_time_more_than_five_minutes_ahead_is_refused(ahead: int, taken: bool) -> None:
    body = plain(time=to_text(NOW + timedelta(seconds=ahead)))
    if taken:
        assert parse(body).events[0].time == NOW + timedelta(seconds=ahead)
        return
    with pytest.raises(InvalidEvent) as caught:
        parse(body)
    assert (caught.value.code, caught.value.field) == ("event-in-future", "time")


def test_a_signed_webhook_may_bring_its_id_instead() -> None:
    assert parse({"type": "x"}, default_id="msg_1").events[0].id == "msg_1"
    assert parse(plain(), default_id="msg_1").events[0].id == "o-1"


def test_in_a_batch_every_event_needs_its_own_id() -> None:
    with pytest.raises(InvalidBatch):
        parse([{"type": "x"}, {"type": "x"}], default_id="msg_1")


def test_a_batch_is_read_in_order() -> None:
    parsed = parse([plain(id=str(n)) for n in range(3)])
    assert parsed.batch
    assert [event.id for event in parsed.events] == ["0", "1", "2"]


def test_one_bad_element_refuses_the_batch_and_is_named() -> None:
    with pytest.raises(InvalidBatch) as caught:
        parse([plain(), plain(type=None), plain(id=None)])
    error = caught.value
    assert (error.index, error.field, error.cause) == (1, "type", "invalid-event")


@pytest.mark.parametrize(
    ("body", "cause"),
    [([], "empty-batch"), ([plain()] * 4, "batch-too-long"), ([plain(), 7], "malformed")],
)
def test_batches_that_are_none_are_refused(body: list[Any], cause: str) -> None:
    with pytest.raises(InvalidBatch) as caught:
        parse(body, max_batch=3)
    assert caught.value.cause == cause


@pytest.mark.parametrize("body", [b"null", b'"x"', b"7", b"true", b"", b"{", b"[" * 99])
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse(body)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/json; charset=utf-16",
        "application/jsonx",
        "application/vnd.api+json",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/cloudevents",
    ],
)
def test_other_content_types_are_not_taken(content_type: str | None) -> None:
    headers = [] if content_type is None else [("content-type", content_type)]
    with pytest.raises(UnsupportedContent):
        parse(plain(), headers)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON ; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_in_utf8_is_taken(content_type: str) -> None:
    assert parse(plain(), [("CONTENT-TYPE", content_type)]).events


def test_two_content_types_are_refused() -> None:
    with pytest.raises(MalformedRequest):
        parse(plain(), [*JSON, ("content-type", "application/cloudevents+json")])


KINDS = st.sampled_from(
    ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "x"]
)
NAMES = st.sampled_from(
    ["ce-id", "ce-type", "ce-source", "ce-specversion", "ce-time", "ce-X", "content-type"]
)
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "time", "data", "source", "specversion"]), inner
        )
    ),
    max_leaves=10,
)


@settings(max_examples=400, deadline=None)
@given(
    kind=KINDS,
    extra=st.lists(st.tuples(NAMES, st.text() | st.just("1.0")), max_size=5),
    body=st.binary() | JSONISH.map(lambda value: repr(value).encode("utf-8", "surrogatepass")),
)
def test_whatever_comes_is_events_or_one_request_error(
    kind: str, extra: list[tuple[str, str]], body: bytes
) -> None:
    with suppress(RequestError):
        assert parse(body, [("content-type", kind), *extra], default_id="d").events


@settings(max_examples=400, deadline=None)
@given(kind=KINDS, body=JSONISH)
def test_whatever_json_comes_is_events_or_one_request_error(kind: str, body: Any) -> None:
    try:
        raw = orjson.dumps(body)
    except TypeError:
        return
    with suppress(RequestError):
        assert parse(raw, [("content-type", kind)]).events


def test_an_error_never_repeats_what_was_sent() -> None:
    secret = "+491713920001"
    for body in (
        plain(time=secret),
        plain(type=f"{secret} x"),
        plain(data=secret),
        plain(subject=[secret]),
        {secret: 1},
        [plain(), plain(time=secret)],
    ):
        with pytest.raises(RequestError) as caught:
            parse(body)
        assert secret not in caught.value.detail
        assert secret not in str(getattr(caught.value, "field", ""))
