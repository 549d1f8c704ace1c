"""The texts the gateway has saved, and the fake phone that takes, sends and delivers them.

What must not go in: HTTP, and how a client writes its parameters.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_ID = 62_807_347
"""The one in the vendor's example."""

TITLES = {1: "pending", 3: "queued", 2: "sending", 6: "sent", 7: "delivered"}
_NEXT = {1: 3, 3: 2, 2: 6, 6: 7}


@dataclass(slots=True, kw_only=True)
class Text:
    """One text to one number."""

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
    status: int = 1

    @property
    def title(self) -> str:
        return TITLES[self.status]


class Texts:
    """All texts by id, and when the phone does the next step with each."""

    def __init__(self, pace: timedelta) -> None:
        self._pace = pace
        self._texts: dict[int, Text] = {}
        self._steps: list[tuple[datetime, int]] = []
        self._last_id = FIRST_ID - 1

    def __iter__(self) -> Iterator[Text]:
        return iter(self._texts.values())

    def add(
        self,
        *,
        sendto: str,
        body: str,
        device_id: str,
        created: datetime,
        sim: int,
        customerid: int | None,
        urgent: bool | None,
        timetosend: datetime | None,
    ) -> Text:
        """Save a text. Ids rise, and nothing is ever recognised as a repeat."""
        self._last_id += 1
        text = Text(
            id=self._last_id,
            sendto=sendto,
            body=body,
            device_id=device_id,
            created=created,
            sim=sim,
            customerid=customerid,
            urgent=urgent,
            timetosend=timetosend,
        )
        self._texts[text.id] = text
        starts_at = max(created, timetosend or created)
        heapq.heappush(self._steps, (starts_at + self._pace, text.id))
        return text

    def step(self, now: datetime) -> list[Text]:
        """Let the phone do what is due; the texts whose status changed."""
        changed = []
        while self._steps and self._steps[0][0] <= now:
            due, text_id = heapq.heappop(self._steps)
            text = self._texts[text_id]
            text.status = _NEXT[text.status]
            if text.status == 6:
                text.senttime = now
            if text.status in _NEXT:
                heapq.heappush(self._steps, (due + self._pace, text_id))
            changed.append(text)
        return changed

    def clear(self) -> None:
        """Forget all; ids go on rising, as they would."""
        self._texts.clear()
        self._steps.clear()
