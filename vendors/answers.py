"""Reading what any provider answers: JSON that may not be JSON, words for people, how long to wait.

Nothing here raises, whatever the bytes: an answer that cannot be read is a fact, not an error. What
must not go in: what a code of one vendor means.
"""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from vendors.wire import Answer

MAX_WORDS = 200
MAX_WAIT = timedelta(hours=1)

_SECONDS = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_NUMBER = re.compile(r"\+?[0-9](?:[ ()./-]{0,2}[0-9]){6,}")
_WHITESPACE = re.compile(r"\s+")


def json_object(answer: Answer) -> dict[str, Any] | None:
    """The body as a JSON object, or None if it is anything else (empty, HTML, a list, cut off)."""
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def code(value: Any) -> int | None:
    """A numeric code as vendors write it (0, "0", false, 0.0), or None if it is no number."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip(), re.ASCII):
        return int(value)
    return None


def words(text: Any) -> str:
    """What a provider said, fit for a journal: one short line without addresses and numbers.

    Providers repeat our input in their errors, so whatever looks like an address or a phone number
    is masked.
    """
    if not isinstance(text, str):
        return ""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: 8 * MAX_WORDS])
    line = _NUMBER.sub("***", _ADDRESS.sub("***", line))
    line = _WHITESPACE.sub(" ", line).strip()
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1].rstrip() + "…"


def described(answer: Answer, said: Any = None) -> str:
    """A reason for people: the HTTP status, and what the provider said if it said anything."""
    line = words(said)
    return f"HTTP {answer.status}: {line}" if line else f"HTTP {answer.status}"


def retry_after(answer: Answer) -> timedelta | None:
    """How long the provider asks us to wait, within 0 and one hour; None if it does not say.

    A date is counted from the answer's own `Date`, so that clocks need not agree; without one it
    says nothing.
    """
    value = answer.headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return _within(float(value))
    try:
        due = parsedate_to_datetime(value)
        sent = parsedate_to_datetime(answer.headers.get("date", ""))
        return _within((due - sent).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def asks_us_to_wait(code: int | None, wait: timedelta | None) -> bool:
    """Whether an answer is about all our calls and not about this one: 429, or a 503 that says when
    to come back."""
    return code == 429 or (code == 503 and wait is not None)


def _within(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), MAX_WAIT.total_seconds()))
