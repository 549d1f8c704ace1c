"""Our own format: `{"id", "type", "time", "subject", "data"}`.

An unknown key is refused: it is more often a misspelt one than an extra, and a misspelt `time`
would silently cost the order. What must not go in: other formats.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from core.errors import InvalidEvent, MalformedRequest
from core.messages import Event
from gateway.events.fields import make_event

KEYS = frozenset({"id", "type", "time", "subject", "data"})
_NAMEABLE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def plain_event(raw: Any, *, source: str, now: datetime, default_id: str | None = None) -> Event:
    """One event. `default_id` is the webhook's, for a body without an `id`. Raises RequestError."""
    if not isinstance(raw, dict):
        raise MalformedRequest("An event must be a JSON object.")
    for key in raw:
        if key not in KEYS:
            raise InvalidEvent(_unknown(key), field=key if _NAMEABLE.fullmatch(key) else "?")
    identity = raw.get("id")
    return make_event(
        source=source,
        now=now,
        id=default_id if identity is None else identity,
        type=raw.get("type"),
        time=raw.get("time"),
        subject=raw.get("subject"),
        data=raw.get("data"),
    )


def _unknown(key: str) -> str:
    if key == "specversion":
        return "A CloudEvent is sent as application/cloudevents+json."
    name = f"The key {key}" if _NAMEABLE.fullmatch(key) else "A key"
    return f"{name} is not known; an event has id, type, time, subject and data."
