"""CloudEvents that are none, or that are written in a way that only some readers understand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.bad_inputs.postern import JSON, ORDER, SHOP, Answer, Header, Postern

MALFORMED = (400, "malformed")
GOOD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "order.placed",
    "data": ORDER["data"],
}
DATA = json.dumps(ORDER["data"]).encode()


def structured(postern: Postern, event: Any, *, batch: bool = False) -> Answer:
    kind = f"application/cloudevents{'-batch' if batch else ''}+json"
    headers = [SHOP, ("Content-Type", kind)]
    return postern.ask("POST", "/v1/events", json.dumps(event).encode(), headers)


def binary(postern: Postern, **changed: str | bytes | None) -> Answer:
    attributes: dict[str, str | bytes | None] = {
        "specversion": "1.0",
        "id": "1",
        "source": "/shop",
        "type": "order.placed",
        **changed,
    }
    headers: list[Header] = [
        (f"ce-{name}", value) for name, value in attributes.items() if value is not None
    ]
    return postern.ask("POST", "/v1/events", DATA, [SHOP, JSON, *headers])


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.bad_input(31)
@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_an_attribute_that_is_required_is_missed_in_every_mode(postern: Postern, name: str) -> None:
    with postern.unmoved():
        assert binary(postern, **{name: None}).code == MALFORMED
        assert binary(postern, **{name: ""}).code == MALFORMED
        assert structured(postern, without(name)).code == MALFORMED
        assert structured(postern, {**GOOD, name: ""}).code == MALFORMED
        assert structured(postern, {**GOOD, name: 1}).code == MALFORMED
        answer = structured(postern, [GOOD, without(name)], batch=True)
        assert answer.code == (422, "invalid-batch")
        assert (answer.json["index"], answer.json["cause"]) == (1, "malformed")


@pytest.mark.bad_input(31)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("specversion", "0.3"),
        ("specversion", "2.0"),
        ("specversion", "1.0.0"),
        ("time", "soon"),
        ("time", "2026-01-22"),
        ("time", "1769076000"),
        ("time", ""),
        ("source", "a b"),
        ("Id", "2"),
        ("my_own", "x"),
        ("extension", {"a": 1}),
        ("extension", 1.5),
    ],
)
def test_an_attribute_that_breaks_the_specification_is_malformed(
    postern: Postern, name: str, value: Any
) -> None:
    with postern.unmoved():
        assert structured(postern, {**GOOD, name: value}).code == MALFORMED
        if isinstance(value, str) and name.islower():
            assert binary(postern, **{name: value}).code == MALFORMED


@pytest.mark.bad_input(31)
@pytest.mark.parametrize(
    "value", ["%C0%A0", "%ED%A0%80", "%FF", "%E2%82", "%zz", "%", b"\xe9", "é", b"a\x01b"]
)
def test_a_header_that_is_no_percent_encoded_utf_8_is_malformed(
    postern: Postern, value: str | bytes
) -> None:
    with postern.unmoved():
        for name in ("id", "type", "subject", "extension"):
            assert binary(postern, **{name: value}).code == MALFORMED


@pytest.mark.bad_input(31)
def test_in_binary_mode_only_content_type_says_what_the_data_is(postern: Postern) -> None:
    with postern.unmoved():
        assert binary(postern, datacontenttype="application/json").code == MALFORMED
        answer = structured(postern, {**GOOD, "datacontenttype": "text/xml"})
        assert answer.code == (415, "unsupported-content")
        answer = structured(postern, {**without("data"), "data_base64": "eyJ9"})
        assert answer.code == (422, "invalid-event")


@pytest.mark.bad_input(31)
def test_quoted_and_encoded_headers_of_any_case_are_read_as_they_are_meant(
    postern: Postern,
) -> None:
    """Names of headers have no case; `%2520` is decoded once."""
    with postern.taking(events=1, actions=1):
        answers = [
            binary(postern, id='"o 7"', SOURCE="/shop", source=None),
            binary(postern, id="o%207"),
            binary(postern, id='"o%207"'),
            binary(postern, id=r'"o\ 7"'),
        ]
        assert {answer.status for answer in answers} == {202}
        assert {answer.json["id"] for answer in answers} == {"/shop o 7"}
    with postern.taking(events=1, actions=1):
        assert binary(postern, id="o%25207").json["id"] == "/shop o%207"


@pytest.mark.bad_input(31)
def test_a_batch_is_taken_as_a_whole_or_not_at_all(postern: Postern) -> None:
    def events(count: int) -> Sequence[dict[str, Any]]:
        return [{**GOOD, "id": f"b{count}-{number}"} for number in range(count)]

    with postern.unmoved():
        wrong: tuple[Any, ...] = (None, 1, "x", {}, [], {**GOOD, "specversion": "0.3"})
        for bad in wrong:
            for at in (0, 50, 100):
                batch: list[Any] = [*events(100)]
                batch.insert(at, bad)
                answer = structured(postern, batch, batch=True)
                assert answer.code == (422, "invalid-batch")
                assert answer.json["index"] == at
        assert structured(postern, [], batch=True).code == (422, "invalid-batch")
        assert structured(postern, GOOD, batch=True).code == MALFORMED
        assert structured(postern, [GOOD]).code == MALFORMED
        assert structured(postern, events(1001), batch=True).code == (422, "invalid-batch")
    for count in (1, 101):
        with postern.taking(events=count, actions=count):
            answer = structured(postern, events(count), batch=True)
            assert (answer.status, len(answer.json["receipts"])) == (202, count)


@pytest.mark.bad_input(32)
def test_a_type_that_nobody_waits_for_is_accepted_and_told_so(postern: Postern) -> None:
    with postern.taking(events=1, actions=0):
        answer = postern.event(type="order.unheard_of")
        assert answer.json["actions"] == []
        assert answer.json["notes"]


@pytest.mark.bad_input(32)
def test_a_type_that_its_source_may_not_send_is_refused(postern: Postern) -> None:
    with postern.unmoved():
        body = json.dumps({**ORDER, "id": "1", "type": "payment.made"}).encode()
        assert postern.post(body).code == (403, "event-type-not-allowed")


@pytest.mark.bad_input(32)
def test_unknown_fields_are_passed_over_where_a_specification_says_so_and_refused_in_ours(
    postern: Postern,
) -> None:
    with postern.taking(events=1, actions=1):
        event = {**GOOD, "id": "extended", "comexampleextension": "x", "another": 5}
        answer = structured(postern, event)
        assert answer.status == 202
    assert "comexampleextension" not in str(postern.stored(answer.json["ref"]).event)
    with postern.unmoved():
        body = json.dumps({**ORDER, "id": "1", "tiem": "2026-01-22T10:00:00Z"}).encode()
        assert postern.post(body).code == (422, "invalid-event")
