"""The query parameters of `GET /v1/actions`, taken strictly: a mistyped filter must not list
everything."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from multidict import MultiMapping

from core.errors import InvalidParameter
from core.journal.port import ActionFilter
from core.journal.states import State

MOST = 1000

_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")
_CURSOR = re.compile(r"[0-9]{1,18}\.[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,4}")


def parse_filter(query: MultiMapping[str], *, source: str) -> ActionFilter:
    """The filter for this source's own actions. Raises InvalidParameter naming the parameter."""
    taken: dict[str, Any] = {}
    for name in dict.fromkeys(query):
        parse = _PARAMETERS.get(name)
        if parse is None:
            known = ", ".join(sorted(_PARAMETERS))
            raise InvalidParameter(f"A parameter is unknown; known here: {known}.")
        if len(query.getall(name)) > 1:
            raise InvalidParameter(f"{name}: expected once.")
        taken[name] = parse(name, query[name])
    return ActionFilter(source=source, **taken)


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


_PARAMETERS: dict[str, Callable[[str, str], Any]] = {
    "to": _text,
    "state": _state,
    "provider": _text,
    "rule": _text,
    "ref": _text,
    "limit": _limit,
    "before": _cursor,
}
