"""The query parameters of lists, taken strictly: a mistyped filter must not list everything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from multidict import MultiMapping

from core.errors import InvalidParameter
from core.journal.port import ActionFilter
from core.journal.states import State

MOST = 1000

Parameters = Mapping[str, Callable[[str, str], Any]]

_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")
_CURSOR = re.compile(r"[0-9]{1,18}\.[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,4}")


def parse_filter(query: MultiMapping[str], *, source: str | None) -> ActionFilter:
    """The filter for this source's own actions; None: those of every source, or of one that is
    named. Raises InvalidParameter naming the parameter."""
    if source is None:
        return ActionFilter(**_taken(query, {**_PARAMETERS, "source": _text}))
    return ActionFilter(source=source, **_taken(query, _PARAMETERS))


def parse_limit(query: MultiMapping[str], *, default: int) -> int:
    """Of a list that takes nothing else. Raises InvalidParameter."""
    return int(_taken(query, {"limit": _limit}).get("limit", default))


def _taken(query: MultiMapping[str], parameters: Parameters) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for name in dict.fromkeys(query):
        parse = parameters.get(name)
        if parse is None:
            known = ", ".join(sorted(parameters))
            raise InvalidParameter(f"A parameter is unknown; known here: {known}.")
        if len(query.getall(name)) > 1:
            raise InvalidParameter(f"{name}: expected once.")
        taken[name] = parse(name, query[name])
    return taken


def _text(name: str, value: str) -> str:
    if not _NAME.fullmatch(value):
        raise InvalidParameter(f"{name}: expected 1 to 200 printable characters.")
    return value


def _state(name: str, value: str) -> State:
    try:
        return State(value)
    except ValueError:
        states = ", ".join(State)
        raise InvalidParameter(f"{name}: expected one of {states}.") from None


def _limit(name: str, value: str) -> int:
    number = int(value) if _NUMBER.fullmatch(value) else 0
    if not 1 <= number <= MOST:
        raise InvalidParameter(f"{name}: expected a number from 1 to {MOST}.")
    return number


def _cursor(name: str, value: str) -> str:
    if not _CURSOR.fullmatch(value):
        raise InvalidParameter(f"{name}: expected the `next` of the page before.")
    return value


_PARAMETERS: Parameters = {
    "to": _text,
    "state": _state,
    "provider": _text,
    "rule": _text,
    "ref": _text,
    "limit": _limit,
    "before": _cursor,
}
