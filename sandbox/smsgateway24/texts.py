"""The texts the gateway has saved, and the fake phone that takes, sends and delivers them.

What must not go in: HTTP, and how a client writes its parameters.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.smsgateway24 import statuses

FIRST_ID = 62_807_347
"""The one in the vendor's example."""


@dataclass(slots=True, kw_only=True)
class Text:
    """One text to one number; one from a number where its status is 5. `ending`: the status it
    comes to in the end."""

    id: int
    sendto: str
    body: str
    device_id: str
    created: datetime
    sim: int = 0
    customerid: int | None = None
    urgent: bool | None = None
    timetosend: datetime | None = None
    senttime: datetime | None = None
    status: int = statuses.PENDING
    ending: int = statuses.DELIVERED
    paketid: int | None = None
    pakettitle: str | None = None
    paketbody: str | None = None

    @property
    def title(self) -> str:
        return statuses.TITLES[self.status]

    @property
    def device(self) -> int | str:
        """As answers write it."""
        return int(self.device_id) if self.device_id.isdecimal() else self.device_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A text came to a status."""

    text: Text
    status: int


def _never(_device: str) -> bool:
    return False


class Texts:
    """All texts by id, and when the phone does the next step with each."""

    def __init__(self, pace: timedelta) -> None:
        self._pace = pace
        self._texts: dict[int, Text] = {}
        self._steps: list[tuple[datetime, int]] = []
        self._last_id = FIRST_ID - 1

    def __iter__(self) -> Iterator[Text]:
        return iter(self._texts.values())

    def get(self, text_id: int) -> Text | None:
        return self._texts.get(text_id)

    def add(
        self, *, sendto: str, body: str, device_id: str, created: datetime, **more: Any
    ) -> Text:
        """Save a text. Ids rise, and nothing is ever recognised as a repeat."""
        self._last_id += 1
        text = Text(
            id=self._last_id,
            sendto=sendto,
            body=body,
            device_id=device_id,
            created=created,
            **more,
        )
        self._texts[text.id] = text
        if statuses.next_status(text.status, text.ending) is not None:
            starts_at = max(created, text.timetosend or created)
            heapq.heappush(self._steps, (starts_at + self._pace, text.id))
        return text

    def step(self, now: datetime, is_silent: Callable[[str], bool] = _never) -> list[Change]:
        """Let the phones do what is due; what came of it, in order. A silent one does nothing."""
        changes = []
        while self._steps and self._steps[0][0] <= now:
            due, text_id = heapq.heappop(self._steps)
            text = self._texts[text_id]
            if is_silent(text.device_id):
                heapq.heappush(self._steps, (now + self._pace, text_id))
                continue
            status = statuses.next_status(text.status, text.ending)
            if status is None:
                continue
            text.status = status
            if status == statuses.SENT:
                text.senttime = now
            if statuses.next_status(status, text.ending) is not None:
                heapq.heappush(self._steps, (due + self._pace, text_id))
            changes.append(Change(text=text, status=status))
        return changes

    def clear(self) -> None:
        """Forget all; ids go on rising, as they would."""
        self._texts.clear()
        self._steps.clear()
