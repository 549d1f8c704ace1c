"""Times as the gateway reads and writes them: naive ones in, PHP DateTime objects out.

What must not go in: which field means what.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def read(written: str, zone: tzinfo = UTC) -> datetime:
    """`YYYY-MM-DD`, with `HH:MM` or `HH:MM:SS`. Raises ValueError."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return datetime.strptime(written, form).replace(tzinfo=zone).astimezone(UTC)
        except ValueError:
            continue
    raise ValueError("not a date")


def zone_named(name: str) -> tzinfo:
    """A zone such as `Australia/Sydney`; UTC for anything that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def php(moment: datetime | None) -> dict[str, Any] | None:
    if moment is None:
        return None
    date = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return {"date": date, "timezone_type": 3, "timezone": "UTC"}
