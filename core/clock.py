"""The time, handed in so that tests can turn it. Nothing else in Postern calls `time` or
`datetime.now`.

Two clocks with two purposes: `now` is what people and other systems see and may jump; `monotonic`
measures how long something took and never goes back.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Clock(Protocol):
    """Wall time (aware, UTC) and a monotonic count of seconds."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._ticks = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._ticks

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._ticks += by.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Set it right, or wrong: no time passes."""
        self._now += by


def to_micros(moment: datetime) -> int:
    """Whole microseconds since 1970 (UTC): how moments are stored and compared."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def to_text(moment: datetime) -> str:
    """RFC 3339 in UTC with a `Z`; microseconds only where there are any."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def from_rfc3339(text: str) -> datetime:
    """What somebody else wrote, read strictly. Raises ValueError; its text may repeat the input."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("expected a time of RFC 3339")
    return from_text(text.upper())


def from_text(text: str) -> datetime:
    """What `to_text` wrote; a time without an offset is refused with ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no UTC offset")
    return moment.astimezone(UTC)
