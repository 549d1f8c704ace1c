"""The fields that every event has, whatever format it came in, and the rules they keep.

What must not go in: a format.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from core.clock import from_rfc3339
from core.errors import InvalidEvent
from core.messages import Event, JsonObject
from gateway.events.types import EVENT_TYPE, TYPE_EXPECTED

MAX_ID = 256
MAX_SUBJECT = 1024
_NOT_TAKEN = re.compile("[\x00\ud800-\udfff]")
AHEAD = timedelta(minutes=5)
"""How far a source's clock may be ahead of ours. A time further off would win every tie for
consent."""


def make_event(
    *,
    source: str,
    now: datetime,
    id: Any,  # noqa: A002 - the field's name
    type: Any,  # noqa: A002 - the field's name
    time: Any,
    subject: Any,
    data: Any,
) -> Event:
    """An event of checked fields; None means not given. Raises InvalidEvent naming the field."""
    return Event(
        source=source,
        id=_text(id, "id", MAX_ID),
        type=_type(type),
        received_at=now,
        time=_time(time, now),
        subject=None if subject is None else _text(subject, "subject", MAX_SUBJECT),
        data=_data(data),
    )


def _text(value: Any, field: str, longest: int) -> str:
    if value is None:
        raise InvalidEvent(f"The field {field} is required.", field=field)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        problem = f"The field {field} must be a string of 1 to {longest} characters."
        raise InvalidEvent(problem, field=field)
    if _NOT_TAKEN.search(value):
        problem = f"The field {field} holds a character that is not taken."
        raise InvalidEvent(problem, field=field)
    return value


def _type(value: Any) -> str:
    if value is None:
        raise InvalidEvent("The field type is required.", field="type")
    if not isinstance(value, str) or not EVENT_TYPE.fullmatch(value):
        raise InvalidEvent(f"The field type: {TYPE_EXPECTED}.", field="type")
    return value


def parse_time(value: Any) -> datetime | None:
    """A time of RFC 3339, or None if it is not one."""
    if not isinstance(value, str):
        return None
    try:
        return from_rfc3339(value)
    except (ValueError, OverflowError):
        return None


def _time(value: Any, now: datetime) -> datetime | None:
    if value is None:
        return None
    moment = parse_time(value)
    if moment is None:
        problem = "The field time must be a time of RFC 3339 such as 2026-11-22T10:00:00Z."
        raise InvalidEvent(problem, field="time")
    if moment - now > AHEAD:
        raise InvalidEvent(
            "The field time is more than five minutes in the future.",
            field="time",
            code="event-in-future",
        )
    return moment


def _data(value: Any) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidEvent("The field data must be an object.", field="data")
    return value
