"""Everything that really happened, in order: what tests compare with what was planned.

An effect is recorded in the same step of the loop as the change of state, so that the list is whole
whenever it is read, under load too. What must not go in: answers that changed nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from core.clock import to_text


class EffectLog:
    """An ordered list of effects, kept encoded, and counts of what was asked."""

    def __init__(self) -> None:
        self._encoded: list[tuple[str, bytes]] = []
        self._effects: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self._repeats: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def record(
        self,
        *,
        provider: str,
        call: str,
        at: datetime,
        params: Mapping[str, Any],
        reference: str | None,
        request_id: str | None = None,
    ) -> int:
        """Write one effect down and return its number (from 1). The token is left out of the
        parameters."""
        number = len(self._encoded) + 1
        effect = {
            "n": number,
            "at": to_text(at),
            "provider": provider,
            "call": call,
            "request_id": request_id,
            "reference": reference,
            "params": {name: value for name, value in params.items() if name != "token"},
        }
        self._encoded.append((call, orjson.dumps(effect)))
        self._effects[call] += 1
        return number

    def count_request(self, call: str) -> None:
        self._requests[call] += 1

    def count_repeat(self, call: str) -> None:
        """A repeated request that was answered from memory."""
        self._repeats[call] += 1

    def count_fault(self, call: str) -> None:
        self._faults[call] += 1

    def counts(self) -> dict[str, dict[str, int]]:
        return {
            "effects": dict(self._effects),
            "requests": dict(self._requests),
            "repeats": dict(self._repeats),
            "faults": dict(self._faults),
        }

    def written(self, *, call: str | None = None, since: int = 0) -> bytes:
        """JSON: `counts`, and the effects after number `since` (of one call)."""
        chosen = [
            raw for named, raw in self._encoded[max(since, 0) :] if call is None or named == call
        ]
        return (
            b'{"counts":'
            + orjson.dumps(self.counts())
            + b',"effects":['
            + b",".join(chosen)
            + b"]}"
        )
