"""Bodies that are no JSON, or JSON that readers along the way would understand differently."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.bad_inputs.postern import DATA, JSON, KEYS, ORDER, Postern
from tests.bad_inputs.signing import shopify, signed

MALFORMED = (400, "malformed")
INVALID = (422, "invalid-event")
GOOD = json.dumps({"id": "j-1", **ORDER}).encode()


def with_data(written: str) -> bytes:
    return f'{{"id": "j-2", "type": "order.placed", "data": {{"x": {written}}}}}'.encode()


def all_refused(postern: Postern, bodies: Sequence[bytes], code: tuple[int, str]) -> None:
    with postern.unmoved():
        for body in bodies:
            answer = postern.post(body)
            assert answer.code == code, body[:80]
            assert b"j-2" not in answer.body


@pytest.mark.bad_input(14)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", MALFORMED),
        (b"null", MALFORMED),
        (b'"x"', MALFORMED),
        (b"[]", (422, "invalid-batch")),
        (b"{}", INVALID),
    ],
)
def test_a_body_that_is_no_event_is_refused_also_when_it_is_signed(
    postern: Postern, body: bytes, code: tuple[int, str]
) -> None:
    with postern.unmoved():
        assert postern.post(body).code == code
        headers = [JSON, *signed(body, KEYS["HOOK_NEW"])]
        assert postern.ask("POST", "/v1/hooks/storefront", body, headers).code == code


@pytest.mark.bad_input(15)
def test_what_is_not_utf_8_without_a_mark_is_malformed(postern: Postern) -> None:
    text = GOOD.decode()
    all_refused(
        postern,
        [
            GOOD.replace(b"j-1", b"\xff\xfe"),
            GOOD.replace(b"j-1", b"\xc0\xaf"),
            GOOD.replace(b"j-1", b"\xed\xa0\x80"),
            b"\xef\xbb\xbf" + GOOD,
            text.encode("utf-16"),
            text.encode("utf-16-le"),
            text.encode("utf-32"),
        ],
        MALFORMED,
    )


@pytest.mark.bad_input(16)
def test_numbers_that_json_does_not_know_are_malformed(postern: Postern) -> None:
    written = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "+1", ".5", "1.", "01", "0x10")
    all_refused(postern, [with_data(number) for number in written], MALFORMED)


@pytest.mark.bad_input(17)
def test_a_key_that_stands_twice_is_malformed_however_it_is_written(postern: Postern) -> None:
    twice = (
        '{"phone": "+4915112345678", "phone": "+4915112345679"}',
        '{"phone": 1, "ph\\u006fne": 2}',
        '[{"a": 1, "a": 1}]',
    )
    bodies = [with_data(written) for written in twice]
    all_refused(postern, [*bodies, GOOD[:-1] + b', "id": "j-2"}'], MALFORMED)


@pytest.mark.bad_input(17)
def test_of_a_shops_key_that_stands_twice_rule_and_journal_see_the_last(postern: Postern) -> None:
    """Foreign systems are read as they read themselves."""
    body = b'{"id": 7001, "email": "first@example.com", "email": "last@example.com"}'
    headers = [JSON, ("X-Shopify-Topic", "orders/create"), *shopify(body)]
    with postern.taking(events=1, actions=0):
        answer = postern.ask("POST", "/v1/hooks/boutique", body, headers)
        assert answer.status == 200
    stored = postern.stored(answer.json["ref"]).event.data
    assert stored["email"] == stored["original"]["email"] == "last@example.com"
    assert "first@example.com" not in str(stored)


@pytest.mark.bad_input(18)
@pytest.mark.parametrize("depth", [65, 2_000, 100_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_malformed(postern: Postern, depth: int, opened: str, closed: str) -> None:
    depth = min(depth, 250_000 // len(opened + closed))
    inner = "1" if closed == "}" else ""
    body = (opened * depth + inner + closed * depth).encode()
    all_refused(postern, [body], MALFORMED)


@pytest.mark.bad_input(18)
def test_very_many_values_are_malformed_or_too_large(postern: Postern) -> None:
    all_refused(postern, [with_data("[" + "1," * 99_999 + "1]")], MALFORMED)
    all_refused(postern, [with_data("[" + "1," * 199_999 + "1]")], (413, "body-too-large"))


@pytest.mark.bad_input(19)
def test_integers_beyond_64_bits_are_malformed(postern: Postern) -> None:
    written = (str(10**30), "9" * 5_000, str(2**63), str(-(2**63) - 1), str(2**64), "-" + "9" * 40)
    all_refused(postern, [with_data(number) for number in written], MALFORMED)


@pytest.mark.bad_input(19)
@pytest.mark.parametrize(
    ("written", "kept"),
    [("-0", 0), ("1E2", 100.0), (str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63))],
)
def test_other_numbers_are_kept_exactly(postern: Postern, written: str, kept: float) -> None:
    body = with_data(written).replace(b"j-2", f"n{written}".encode())
    with postern.taking(events=1, actions=1):
        answer = postern.post(body)
        assert answer.status == 202
    assert postern.stored(answer.json["ref"]).event.data["x"] == kept


@pytest.mark.bad_input(20)
def test_surrogates_and_long_strings_are_malformed(postern: Postern) -> None:
    long = "k" * 100_000
    all_refused(
        postern,
        [
            with_data('"\\ud800"'),
            with_data('"\\udc00\\ud800"'),
            with_data('{"\\ud800": 1}'),
            with_data(f'{{"{long}": 1}}'),
            with_data(f'"{long}"'),
        ],
        MALFORMED,
    )
    all_refused(postern, [with_data(f'"{"x" * 1_000_000}"')], (413, "body-too-large"))
    all_refused(postern, [GOOD.replace(b"j-1", b"a\\u0000b")], INVALID)


@pytest.mark.bad_input(20)
def test_odd_texts_and_keys_are_data_like_any_other(postern: Postern) -> None:
    odd: dict[str, Any] = {
        "nul": "a\x00b",
        "turned": "a\u202eb",
        "__proto__": {"polluted": True},
        "__class__": "x",
        "constructor": {"prototype": {"a": 1}},
        "": "no name",
    }
    with postern.taking(events=1, actions=1):
        answer = postern.event(data={**DATA, **odd})
        assert answer.json["actions"][0]["state"] == "queued"
    assert odd.items() <= postern.stored(answer.json["ref"]).event.data.items()


@pytest.mark.bad_input(21)
def test_more_than_one_document_is_malformed(postern: Postern) -> None:
    all_refused(
        postern,
        [
            GOOD + b"x",
            GOOD + b"\x00",
            GOOD + b",",
            GOOD + GOOD,
            GOOD + b"\n" + GOOD,
            GOOD + b"\n" + GOOD + b"\n",
            b"\x1e" + GOOD,
            b")]}'\n" + GOOD,
        ],
        MALFORMED,
    )
