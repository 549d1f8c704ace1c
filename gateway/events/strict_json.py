"""JSON that every reader along the way understands in the same way, or MalformedRequest.

orjson refuses most of what is wrong; what it cannot see (duplicate keys, integers that it turns
into floats) is found by counting, and where counting cannot tell, by reading once more with the
standard library. What must not go in: what an event is.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson

from core.errors import MalformedRequest

MAX_DEPTH = 64
MAX_NODES = 10_000
"""Values in one event."""

FOREIGN_NODES = 50_000
"""Values in a delivery of a system that is not ours: an order of hundreds of items is one."""

MAX_STRING = 64 * 1024
"""Bytes of UTF-8."""

_SHORT = MAX_STRING // 4
"""Characters of a string that is never too long: none takes more than four bytes."""

_INT64 = 2**63

_SMALL = MAX_NODES
"""Bytes: no value takes less than two."""

_OUTLINE = bytes(
    ord("0") if byte in b"0123456789" else ord("e") if byte in b"eE" else byte
    for byte in range(256)
)
"""Makes all digits the same, and both letters of an exponent."""

_DOUBTFUL = (b"\\", b"0" * 18, b"0e")
"""In an outline, what may be an escape, an integer beyond 64 bits, or a float that may be one (also
inside a text). Looked for one by one: a pattern of all takes seven times as long."""


def parse_json(body: bytes, *, last_wins: bool = False) -> Any:
    """Plain data. Raises MalformedRequest for anything that is not strict JSON, nothing else.

    `last_wins`, for systems that are not ours: of a key that comes twice in an object the last
    value counts, instead of a refusal, and there may be more values.
    """
    if not body:
        raise MalformedRequest("The body is empty.")
    try:
        value = orjson.loads(body)
    except ValueError:
        raise MalformedRequest("The body is not JSON in UTF-8.") from None
    if _is_surely_strict(body, value):
        return value
    census = _Census(FOREIGN_NODES if last_wins else MAX_NODES)
    if type(value) is list:
        census.visit_batch(value)
    else:
        census.visit(value, 1)
    # Two quotes to each string that was kept: any other number means that a key was dropped.
    if census.huge or b"\\" in body or body.count(b'"') != 2 * census.strings:
        _read_again(body, last_wins=last_wins)
    return value


def _is_surely_strict(body: bytes, value: Any) -> bool:
    """Whether counting bytes tells already that the walk would find nothing: most events are small,
    flat and have no escapes. A body of this size cannot hold too many values or too long a
    text."""
    if len(body) > _SMALL:
        return False
    outline = body.translate(_OUTLINE)
    escape, integer, exponent = _DOUBTFUL
    return (
        body.count(b"{") + body.count(b"[") <= MAX_DEPTH
        and escape not in outline
        and integer not in outline
        and exponent not in outline
        # A key that came twice is written once.
        and orjson.dumps(value).count(b'"') == body.count(b'"')
    )


class _Census:
    """One walk over the data: refuses what is too much and counts what the bytes are compared
    with."""

    __slots__ = ("huge", "most", "nodes", "strings")

    def __init__(self, most: int) -> None:
        self.most = most
        self.nodes = 0
        self.strings = 0
        self.huge = False
        """A float so big that it may have been written as an integer."""

    def visit_batch(self, elements: list[Any]) -> None:
        """Each element of a batch may hold as much as one alone; the body's size bounds them
        all."""
        for element in elements:
            self.nodes = 0
            self.visit(element, 2)

    def visit(self, value: Any, depth: int) -> None:
        self.nodes += 1
        self._check_nodes()
        kind = type(value)
        if kind is str:
            self.strings += 1
            if len(value) > _SHORT:
                self._check_string(value)
        elif kind is dict:
            self._check_depth(depth)
            self._visit_object(value, depth)
        elif kind is list:
            self._check_depth(depth)
            for inner in value:
                self.visit(inner, depth + 1)
        elif kind is int:
            if not -_INT64 <= value < _INT64:
                _refuse_integer()
        elif kind is float and not -_INT64 < value < _INT64:
            self.huge = True

    def _visit_object(self, value: dict[str, Any], depth: int) -> None:
        for key, inner in value.items():
            self.strings += 1
            if len(key) > _SHORT:
                self._check_string(key)
            if type(inner) is str and len(inner) <= _SHORT:
                # What most values are: passed without a call.
                self.strings += 1
                self.nodes += 1
            else:
                self.visit(inner, depth + 1)
        self._check_nodes()

    def _check_string(self, text: str) -> None:
        if len(text) > MAX_STRING or len(text.encode()) > MAX_STRING:
            raise MalformedRequest(f"The JSON holds a string of more than {MAX_STRING} bytes.")

    def _check_nodes(self) -> None:
        if self.nodes > self.most:
            raise MalformedRequest(f"The JSON has more than {self.most} values.")

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise MalformedRequest(f"The JSON is nested deeper than {MAX_DEPTH} levels.")


def _read_again(body: bytes, *, last_wins: bool) -> None:
    """Only after the walk: it has bounded the depth, and with it this reader's recursion."""
    try:
        (_LENIENT if last_wins else _CAREFUL).decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedRequest("The body is not JSON in UTF-8.") from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise MalformedRequest("The JSON holds an object with the same key twice.")


def _fitting(digits: str) -> int:
    if len(digits) > 20 or not -_INT64 <= int(digits) < _INT64:
        _refuse_integer()
    return 0


def _refuse_integer() -> NoReturn:
    raise MalformedRequest("The JSON holds an integer beyond 64 bits; send it as a string.")


_CAREFUL = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_fitting)
_LENIENT = json.JSONDecoder(parse_int=_fitting)
