"""Times as the provider takes them (without a zone, read as UTC) and as it writes them (PHP).

What must not go in: which call takes which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from core.clock import from_rfc3339, from_text

_PLAIN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")
_OFFSET_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DOTTED_TIME = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_DOTTED = "%d.%m.%Y %H:%M:%S"
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}")
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


def in_utc(moment: datetime) -> str:
    """`2024-11-13 06:39:21`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def read_sent(timetosend: str) -> datetime:
    """What `Timetosend` made."""
    return datetime.fromisoformat(timetosend).replace(tzinfo=UTC)


def _timetosend(value: str) -> str:
    return in_utc(_given(value))


def _time_to_send(value: str) -> str:
    return _given(value).strftime(_DOTTED)


def _given(value: str) -> datetime:
    try:
        moment = _read(value)
        if 2000 <= moment.year <= 2100:
            return moment
    except (ValueError, OverflowError):
        pass  # Python's own words would repeat the value
    raise ValueError("expected a time such as 2024-11-13 06:39:21 (UTC) or 2024-11-13T06:39:21Z")


def _read(value: str) -> datetime:
    if _PLAIN_TIME.fullmatch(value):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if _DOTTED_TIME.fullmatch(value):
        return datetime.strptime(value, _DOTTED).replace(tzinfo=UTC)
    if _OFFSET_TIME.fullmatch(value):
        return from_text(value)
    raise ValueError("not a time")


Timetosend = Annotated[str, AfterValidator(_timetosend)]
"""As `addsms` takes it: `2024-11-13 06:39:21`."""

TimeToSend = Annotated[str, AfterValidator(_time_to_send)]
"""As `savepaket` takes it: `13.11.2024 06:39:21`."""


def reported(value: Any) -> datetime | None:
    """A moment as the provider reports it: RFC 3339, without a zone (UTC), or a PHP date object.

    None if it cannot be read or is not of this century. Never raises.
    """
    try:
        moment = _of_php(value) if isinstance(value, Mapping) else _of_text(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment is not None and 2000 <= moment.year <= 2100 else None


def _of_text(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    value = value.strip()
    return _read(value) if _PLAIN_TIME.fullmatch(value) else from_rfc3339(value)


def _of_php(value: Mapping[str, Any]) -> datetime | None:
    """`{"date": "2023-11-02 22:44:43.000000", "timezone_type": 3, "timezone": "Europe/Paris"}`."""
    date, zone = value.get("date"), _zone(value.get("timezone"))
    if not isinstance(date, str) or len(date) > 40 or zone is None:
        return None
    return datetime.fromisoformat(date).replace(tzinfo=zone).astimezone(UTC)


def _zone(name: Any) -> tzinfo | None:
    """A zone by name or offset; None if this machine does not know it."""
    if not isinstance(name, str):
        return None
    if name in {"UTC", "Z", "GMT"}:
        return UTC
    if offset := _OFFSET.fullmatch(name):
        behind = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-behind if offset[1] == "-" else behind)
    if not _ZONE.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
