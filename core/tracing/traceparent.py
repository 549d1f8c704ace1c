"""Reading a W3C `traceparent`, wherever it comes from: a request's header, or a message.

It is text from outside. What is not exactly of the form counts as not there: a trace then begins
anew, and nothing is refused for it. What must not go in: `tracestate` and `baggage`. They are free
text of the sender's, so they are neither read nor handed on.
"""

from __future__ import annotations

import re

_LONGEST = 256
"""A future version may have more behind its four parts; nobody needs that much of it."""

_FORM = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-[!-~]*)?"
)


def read_traceparent(text: object) -> str | None:
    """The same context as version 00, with no flag but `sampled`; None if it is not one."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return None
    found = _FORM.fullmatch(text)
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"]):
        return None
    if not found["trace"].strip("0") or not found["span"].strip("0"):
        return None
    return traceparent(found["trace"], found["span"], sampled=bool(int(found["flags"], 16) & 1))


def traceparent(trace: str, span: str, *, sampled: bool) -> str:
    """`trace` and `span`: 32 and 16 hexadecimal digits in lower case."""
    return f"00-{trace}-{span}-{'01' if sampled else '00'}"
