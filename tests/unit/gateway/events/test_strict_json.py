"""JSON is taken only where every reader understands it in the same way."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import MalformedRequest
from gateway.events.strict_json import MAX_DEPTH, MAX_NODES, MAX_STRING, parse_json


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a": 1} {"b": 2}',
        b'{"a": 1}\n{"b": 2}',
        b'{"a": 1}x',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\xff"}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b'"\\ud800"',
        b'{"\\ud800": 1}',
        b"01",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"phone": "1", "phone": "2"}',
        b'{"a": {"x": 1, "x": 1}}',
        b'[{"a": "\\"", "a": 1}]',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": "\\\\", "a": 2}',
        b'{"": 1, "": 2}',
        b"9223372036854775808",
        b"-9223372036854775809",
        b"18446744073709551616",
        b"1" + b"0" * 30,
        b"-1" + b"0" * 30,
        b"1" * 5000,
        b"[1e30, 1" + b"0" * 30 + b"]",
        nested(MAX_DEPTH + 1),
        nested(2_000),
        nested(100_000),
        b"{" + b'"a":{' * 100_000,
        orjson.dumps({"many": [0] * MAX_NODES}),
        orjson.dumps([1, {"many": [0] * MAX_NODES}]),
        orjson.dumps("x" * (MAX_STRING + 1)),
        orjson.dumps("é" * (MAX_STRING // 2 + 1)),
        orjson.dumps({"k" * 100_000: 1}),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_could_be_read_in_two_ways_or_is_too_much_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse_json(body)
    assert caught.value.code == "malformed"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b'{"a": "\\"a\\":", "b": "a"}', {"a": '"a":', "b": "a"}),
        (b'[{"a": 1}, {"a": 1}]', [{"a": 1}, {"a": 1}]),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"1e30", 1e30),
        (b"1E2", 100.0),
        (b"1.50", 1.5),
        (b'"\\u0000\\u202e"', "\x00\u202e"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'{"__proto__": {"__class__": 1}}', {"__proto__": {"__class__": 1}}),
        (nested(MAX_DEPTH), None),
        (orjson.dumps([[0] * (MAX_NODES - 1)] * 2), [[0] * (MAX_NODES - 1)] * 2),
        (orjson.dumps("é" * (MAX_STRING // 2)), "é" * (MAX_STRING // 2)),
    ],
    ids=lambda part: repr(part[:40]) if isinstance(part, bytes) else "",
)
def test_what_is_clear_is_read_exactly(body: bytes, value: object) -> None:
    if value is None:
        parse_json(body)
    else:
        assert parse_json(body) == value


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None)
@given(value=VALUES, ascii_only=st.booleans())
def test_good_json_is_never_refused_however_it_is_escaped(value: object, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert parse_json(body) == value


@settings(max_examples=200, deadline=None)
@given(key=TEXT, one=VALUES, two=VALUES, ascii_only=st.booleans())
def test_a_key_twice_is_never_taken_however_it_is_escaped(
    key: str, one: object, two: object, ascii_only: bool
) -> None:
    name = json.dumps(key, ensure_ascii=ascii_only)
    body = f"{{{name}: {json.dumps(one)}, {json.dumps(key)}: {json.dumps(two)}}}".encode()
    with pytest.raises(MalformedRequest):
        parse_json(body)
