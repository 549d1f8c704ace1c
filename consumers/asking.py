"""A way to a provider for what changes nothing there (logins, lookups, which phones are online):
each such question of an action is a span of its trace.

What must not go in: calls that carry an action out, and what an answer means.
"""

from __future__ import annotations

from datetime import timedelta

from consumers.caller import Caller
from consumers.http import Lease
from consumers.spans import CallSpans
from vendors.wire import Answer, Request


class Questions:
    """A `Caller` around another one."""

    def __init__(self, caller: Caller, spans: CallSpans) -> None:
        self._caller = caller
        self._spans = spans

    async def call(self, request: Request, *, within: timedelta, lease: Lease) -> Answer:
        with self._spans.question() as span:
            answer = await self._caller.call(request, within=within, lease=lease)
            self._spans.answered(span, answer)
        return answer
