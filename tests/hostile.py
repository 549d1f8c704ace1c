"""Values that a stranger may put where a text, a number or a time belongs."""

from __future__ import annotations

import json
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 5, 7, 101, 1.5, 1e308, -0.0),
    *(2**31, 2**53, 2**63, 2**64 - 1),
    *("", " ", "STOP", "delivered", "failed", "+4915123456789", "x" * 199),
    # Digits that only some readers take for digits, and numbers that no integer column holds.
    *("٣", "²", "9" * 100, "9" * 200),
    *("\x00", "a\x00b", "\ud7ff", "\u202e", "\U0001f600"),
    *([], {}, [1], {"a": 1}),
    *("2026-11-25 12:00:00", "2026-11-25T12:00:00+14:00", "0001-01-01"),
    # Times that leave the calendar when they are moved to UTC, and zones that are none.
    "9999-12-31T23:59:59-14:00",
    {"date": "2023-11-02 22:44:43.000000", "timezone": "Europe/Paris"},
    {"date": "0001-01-01 00:00:00", "timezone": "+99:99"},
    {"date": "9999-12-31 23:59:59", "timezone": "-23:59"},
    {"date": "2023-11-02 22:44:43", "timezone": "Europe"},
    {"date": "2023-11-02T22:44:43+25:00", "timezone": "UTC"},
)

VERY_LONG = "x" * 50_000


def cut(rng: Random, body: bytes, share: float = 0.1) -> bytes:
    """The body; a share of them ends somewhere in the middle."""
    return body[: rng.randint(0, len(body))] if rng.random() < share else body


def as_json(content: Any) -> bytes:
    """With escapes where the standard library writes them, unlike our own bodies."""
    return json.dumps(content).encode()
