"""Senders at a steady rate. Each sends its event again until it is acknowledged, as a sender does
that trusts a 202.

Most events are orders by a customer of their own, so that every effect is known by its number. The
others are about a few customers who subscribe and unsubscribe all the time, sent in disorder: what
the newest event says must stand in the end. What must not go in: what became of it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import aiohttp

from tests.load import order
from tests.torture.rig import ONCE_KEY, Rig

REGULARS = tuple(f"regular-{n}" for n in range(8))
"""Customers with many events each."""

_ANSWER_LIMIT = aiohttp.ClientTimeout(total=10)
_AGAIN = 0.5
_PATIENCE = 600.0
"""Seconds after which an event that nobody takes is a failure."""
_LATE = 2.0
"""Seconds by which an event may overtake another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One acknowledged event."""

    ref: str
    event: dict[str, Any]
    actions: dict[str, str]
    """The planned actions: step to id."""


@dataclass
class Told:
    sent: dict[str, Sent] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)


async def send_steadily(rig: Rig, stop: asyncio.Event, *, rate: float, seed: int) -> Told:
    """Until `stop` is set and everything that was begun is acknowledged."""
    told, rng = Told(), Random(f"{seed}/traffic")
    start = datetime.now(UTC)
    async with aiohttp.ClientSession(timeout=_ANSWER_LIMIT) as http, asyncio.TaskGroup() as group:
        sender = _Sender(http=http, url=f"{rig.events}/v1/events", told=told)
        number = 0
        while not stop.is_set():
            moment = start + timedelta(milliseconds=number)
            event = _event(number, moment, rng)
            key = rig.secrets[ONCE_KEY] if rng.random() < 0.25 else rig.key
            late = rng.uniform(0, _LATE) if rng.random() < 0.3 else 0
            group.create_task(sender.send(event, key=key, late=late))
            number += 1
            await asyncio.sleep(1 / rate)
    return told


def _event(number: int, moment: datetime, rng: Random) -> dict[str, Any]:
    """Times run slower than the clock, so that none is in the future."""
    event: dict[str, Any] = {**order(number), "time": moment.isoformat()}
    if rng.random() < 0.3:
        customer = rng.choice(REGULARS)
        email = f"{customer}@example.com"
        if rng.random() < 0.5:
            data = {"user_id": customer, "channel": "email", "email": email}
            return {**event, "type": "user.unsubscribed", "data": data}
        event["data"]["customer"] |= {"id": customer, "email": email}
    return event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sender:
    http: aiohttp.ClientSession
    url: str
    told: Told

    async def send(self, event: dict[str, Any], *, key: str, late: float) -> None:
        await asyncio.sleep(late)
        async with asyncio.timeout(_PATIENCE):
            await self._until_taken(event, key)

    async def _until_taken(self, event: dict[str, Any], key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        while True:
            try:
                async with self.http.post(self.url, json=event, headers=headers) as answer:
                    if answer.status < 500:
                        assert answer.status == 202, await answer.text()
                        receipt = await answer.json()
                        self.told.sent[event["id"]] = Sent(
                            ref=receipt["ref"],
                            event=event,
                            actions={it["step"]: it["id"] for it in receipt["actions"]},
                        )
                        return
                    self.told.retries[f"HTTP {answer.status}"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                self.told.retries[type(error).__name__] += 1
            await asyncio.sleep(_AGAIN)
