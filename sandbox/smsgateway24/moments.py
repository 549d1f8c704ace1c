"""Times as the gateway reads and writes them: naive ones in, PHP DateTime objects out.

What must not go in: which field means what.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def read(written: str, zone: tzinfo = UTC) -> datetime:
    """`YYYY-MM-DD`, with `HH:MM` or `HH:MM:SS`. Raises ValueError."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return datetime.strptime(written, form).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise ValueError("not a date")


def read_dotted(written: str) -> datetime:
    """`DD.MM.YYYY H:i:s`, as newsletters alone are timed. Raises ValueError."""
    return datetime.strptime(written, "%d.%m.%Y %H:%M:%S").replace(tzinfo=UTC)


def zone_named(name: str) -> tzinfo:
    """A zone such as `Australia/Sydney`; UTC for anything that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def php(moment: datetime | None, zone: tzinfo = UTC) -> dict[str, Any] | None:
    if moment is None:
        return None
    return {"date": _written(moment, zone), "timezone_type": 3, "timezone": str(zone)}


@lru_cache(maxsize=100_000)
def _written(moment: datetime, zone: tzinfo) -> str:
    """Kept: under load a client lists the same thousands of texts again and again."""
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(" ", "microseconds")


def plain(moment: datetime | None) -> str | None:
    """`YYYY-MM-DD HH:MM:SS`, as webhooks carry it."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def human(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%d.%m.%Y %H:%M:%S")
