"""Requests that are fine one by one, and not in their number or their disguise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.bad_inputs.postern import CONFIG, JSON, KEYS, ORDER, SHOP, Answer, Postern, running
from tests.bad_inputs.signing import signed

INGRESS = """
ingress: {trusted_proxies: ["127.0.0.1/32"], failures: 5/m}
"""
FEW = (5, 6)
"""Failures that are let pass at once: five, and a sixth if the first one was long ago."""


@pytest.fixture(scope="module")
def postern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postern]:
    """Of these tests alone: what the last one sends takes its recorder a while."""
    with running(tmp_path_factory.mktemp("postern")) as it:
        yield it


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postern]:
    """One that believes what 127.0.0.1 says about whom it forwards for, and nobody else."""
    with running(tmp_path_factory.mktemp("proxied"), CONFIG + INGRESS) as it:
        yield it


@pytest.mark.bad_input(38)
def test_a_webhooks_id_that_comes_with_another_body_is_answered_and_flagged(
    postern: Postern,
) -> None:
    def hook(total: int) -> Answer:
        body = json.dumps({"type": "order.placed", "data": {"total": total}}).encode()
        headers = [JSON, *signed(body, KEYS["HOOK_NEW"], webhook_id="msg_conflict")]
        return postern.ask("POST", "/v1/hooks/storefront", body, headers)

    with postern.taking(events=1, actions=0):
        answers = [hook(20), hook(20), hook(2_000)]
        assert {answer.status for answer in answers} == {202}
        assert len({answer.json["ref"] for answer in answers}) == 1
    ref = answers[0].json["ref"]
    assert postern.stored(ref).event.data == {"total": 20}
    assert postern.retold(ref) == (2, 1)
    conflicts = {name: it for name, it in postern.metrics().items() if "conflicting" in name}
    assert [it for name, it in conflicts.items() if "_total" in name] == [1]


@pytest.mark.bad_input(38)
def test_an_event_of_ours_that_comes_with_another_content_is_carried_out_once(
    postern: Postern,
) -> None:
    with postern.taking(events=1, actions=1):
        first = postern.event(id="conflict-1")
        other = postern.event(id="conflict-1", data={"total": 99, "phone": "+4915112345679"})
        assert first.json["actions"][0]["id"] == other.json["actions"][0]["id"]
    assert postern.retold(first.json["ref"]) == (1, 1)


def failing(postern: Postern, forwarded: str, *, sender: str = "127.0.0.1") -> int:
    """How many requests without a key are answered 401, until one is told to stop."""
    for number in range(20):
        headers = [JSON, ("X-Forwarded-For", forwarded.format(number))]
        answer = postern.ask("POST", "/v1/events", b"{}", headers, sender=sender)
        if answer.status != 401:
            assert answer.code == (429, "too-many-failures")
            assert int(answer.headers["retry-after"]) >= 1
            return number
    raise AssertionError("it may fail as often as it likes")


@pytest.mark.bad_input(40)
def test_addresses_that_a_client_makes_up_do_not_help_it(proxied: Postern) -> None:
    """What the trusted proxy saw stands last; all before it is what the client said."""
    assert failing(proxied, "198.51.100.{}, 203.0.113.9") in FEW
    assert failing(proxied, "127.0.0.1, 203.0.113.{}, 203.0.113.10") in FEW
    # Somebody who is no proxy of ours, and says that he is anybody.
    assert failing(proxied, "203.0.113.{}", sender="127.0.0.7") in FEW


@pytest.mark.bad_input(40)
def test_nobody_is_shut_out_by_an_address_that_somebody_else_made_up(proxied: Postern) -> None:
    assert failing(proxied, "203.0.113.77, 203.0.113.11") in FEW
    body = json.dumps({**ORDER, "id": "victim"}).encode()
    for sender, forwarded in (("127.0.0.1", "203.0.113.77"), ("127.0.0.8", "203.0.113.11")):
        headers = [SHOP, JSON, ("X-Forwarded-For", forwarded)]
        answer = proxied.ask("POST", "/v1/events", body, headers, sender=sender)
        assert answer.status == 202
    # And who failed too often is told so, whatever he says of himself then.
    headers = [SHOP, JSON, ("X-Forwarded-For", "203.0.113.78, 203.0.113.11")]
    assert proxied.ask("POST", "/v1/events", body, headers).status == 429


@pytest.mark.bad_input(40)
@pytest.mark.parametrize("forwarded", ["", "unknown", ",,,", "999.1.1.1", "::1", "a" * 4_000])
def test_addresses_that_are_none_break_nothing(proxied: Postern, forwarded: str) -> None:
    headers = [SHOP, JSON, ("X-Forwarded-For", forwarded)]
    answer = proxied.ask("POST", "/v1/events", b"{", headers, sender="127.0.0.9")
    assert answer.code == (400, "malformed")
    proxied.record(proxied.event().json["ref"])


@pytest.mark.bad_input(41)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("traceparent", "made-up-trace\x85made-up-line"),
        ("traceparent", "m" * 7_000),
        ("X-Request-Id", "made-up-id"),
        ("X-Request-Id", b"made-up-\xff\xfe"),
        ("tracestate", "made=up"),
    ],
)
def test_ids_for_logs_that_a_client_made_up_get_nowhere(
    postern: Postern, name: str, value: str | bytes
) -> None:
    with postern.unmoved():
        answer = postern.post(b"{", (name, value))
        assert answer.code == (400, "malformed")
        assert answer.json["instance"].startswith("req_")
        said = str(answer.headers) + answer.body.decode() + postern.told()
    for part in ("4bf92f3577b34da6", "made-up", "made=up", "m" * 100):
        assert part not in said


@pytest.mark.bad_input(41)
def test_a_line_break_or_a_megabyte_in_such_an_id_is_no_http(postern: Postern) -> None:
    moment = datetime.now(UTC).isoformat()
    with postern.unmoved():
        forged = f'x\n{{"event": "forged", "timestamp": "{moment}"}}'
        assert postern.post(b"{}", ("traceparent", forged)).code == (400, "malformed")
        assert postern.post(b"{}", ("traceparent", "x" * 1_000_000)).code == (400, "malformed")
    assert "forged" not in postern.told()


@pytest.mark.bad_input(39)
def test_ten_thousand_types_and_headers_make_no_new_series(postern: Postern) -> None:
    """The last one here: the recorder still has them before it when this ends."""

    def spray(start: int, types: int) -> None:
        for at in range(start, start + types, 1_000):
            batch = [
                {**ORDER, "id": f"series-{number}", "type": f"order.made{number}"}
                for number in range(at, at + min(1_000, types))
            ]
            body = json.dumps(batch).encode()
            assert postern.post(body).status == 202
        for number in range(start, start + 50):
            made = f"made{number}"
            event = json.dumps({**ORDER, "id": made, "type": f"{made}.up"}).encode()
            assert postern.post(event, (f"X-{made}", made), ("User-Agent", made)).status == 403
            assert postern.ask("POST", f"/v1/hooks/{made}", event, [JSON]).status == 404
            assert postern.ask("GET", f"/{made}", headers=[("X-Source", made)]).status == 404
            key = ("Authorization", f"Bearer {made}")
            assert postern.ask("GET", "/v1/actions", headers=[key]).status == 401

    spray(0, 10)
    postern.record(postern.event().json["ref"], ended=True)
    before = postern.metrics().keys()
    accepted = 'postern_events_accepted_total{source="shop",type="order.*"}'
    count = postern.metrics()[accepted]
    spray(1_000, 10_000)
    postern.event()
    after = postern.metrics()
    assert after[accepted] == count + 10_000
    assert after.keys() == before
