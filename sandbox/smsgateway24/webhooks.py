"""What the gateway posts to its customer: each status a text comes to, and each incoming text.

In the shapes that the vendor's pages describe, in any order and twice if that is wanted, and never
signed. What must not go in: changing a text.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, assert_never

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, Field

from core.clock import to_text
from sandbox.smsgateway24 import moments, statuses
from sandbox.smsgateway24.texts import Change, Text

Shape = Literal["reference", "older", "article"]

MOST_WAITING = 10_000
TRIES = 3
_TIMEOUT = aiohttp.ClientTimeout(total=3)
_PAUSE = 0.2


class WebhookSettings(BaseModel):
    """What `PUT /_sandbox/smsgateway24/webhooks` takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://\S+$", max_length=2000)
    shape: Shape = "reference"
    disorder: bool = Field(default=False, description="each second one overtakes the one before it")
    duplicates: bool = Field(default=False, description="each one comes twice")


@dataclass(frozen=True, slots=True)
class _Post:
    """One report, and how often it is posted."""

    url: str
    body: bytes
    copies: int


class Webhooks:
    """What is to be posted, and one task that does it. `pace`: how far apart the statuses of a text
    are."""

    def __init__(self, pace: timedelta) -> None:
        self.settings: WebhookSettings | None = None
        self._waiting: deque[_Post] = deque()
        self._held: _Post | None = None
        self._hold = 1.5 * pace.total_seconds() + 0.5
        self._some = asyncio.Event()
        self.counts = {"posted": 0, "failed": 0, "dropped": 0}

    def tell_status(self, change: Change, now: datetime) -> None:
        if self.settings is not None:
            self._put(self.settings, delivery(change, self.settings.shape, now))

    def tell_incoming(self, text: Text, device_name: str) -> None:
        if self.settings is not None:
            self._put(self.settings, incoming(text, self.settings.shape, device_name))

    def clear(self) -> None:
        """Forget what waits; where to post stays."""
        self._waiting.clear()
        self._held = None
        self.counts = dict.fromkeys(self.counts, 0)

    async def run(self) -> None:
        """Post until cancelled. What cannot be delivered is counted and given up."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                posts = await self._next()
                for copy in range(2):
                    for post in posts:
                        if copy < post.copies:
                            await self._post(session, post)

    async def _next(self) -> list[_Post]:
        """What to post now. One that is held back is let go when the next one overtook it, or when
        none comes."""
        try:
            async with asyncio.timeout(self._hold if self._held is not None else None):
                while not self._waiting:
                    self._some.clear()
                    await self._some.wait()
        except TimeoutError:
            held, self._held = self._held, None
            return [held] if held is not None else []
        first = self._waiting.popleft()
        if self._held is not None:
            held, self._held = self._held, None
            return [first, held]
        if self.settings is not None and self.settings.disorder:
            self._held = first
            return []
        return [first]

    def _put(self, settings: WebhookSettings, content: dict[str, Any]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.counts["dropped"] += 1
        copies = 2 if settings.duplicates else 1
        self._waiting.append(_Post(settings.url, orjson.dumps(content), copies))
        self._some.set()

    async def _post(self, session: aiohttp.ClientSession, post: _Post) -> None:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(_PAUSE * attempt)
            if await _taken(session, post):
                self.counts["posted"] += 1
                return
        self.counts["failed"] += 1


async def _taken(session: aiohttp.ClientSession, post: _Post) -> bool:
    headers = {"Content-Type": "application/json"}
    try:
        async with session.post(
            post.url, data=post.body, headers=headers, allow_redirects=False
        ) as answer:
            return 200 <= answer.status <= 299
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False


def delivery(change: Change, shape: Shape, now: datetime) -> dict[str, Any]:
    """A delivery status."""
    text = change.text
    match shape:
        case "article":
            return {
                "event": "delivery_status",
                "message_id": str(text.id),
                "phone": text.sendto,
                "status": statuses.word(change.status),
                "message": statuses.DESCRIPTIONS[change.status],
                "timestamp": to_text(now.replace(microsecond=0)),
                "device_id": text.device_id,
            }
        case "reference" | "older":
            return {
                "sms_id": text.id,
                "status_id": change.status,
                "status_message": statuses.DESCRIPTIONS[change.status],
                "sendto": text.sendto,
                "senttime": moments.plain(text.senttime),
                "channel_id" if shape == "reference" else "sim": text.sim,
                "device_id": text.device,
            }
        case _:
            assert_never(shape)


def incoming(text: Text, shape: Shape, device_name: str) -> dict[str, Any]:
    """A text that somebody sent."""
    if shape == "article":
        return {
            "event": "incoming_sms",
            "message_id": str(text.id),
            "phone": text.sendto,
            "message": text.body,
            "timestamp": to_text(text.created.replace(microsecond=0)),
            "device_id": text.device_id,
        }
    content: dict[str, Any] = {
        "address": text.sendto,
        "date": moments.plain(text.created),
        "date_sent": moments.plain(text.created),
        "body": text.body,
        "internal_id": text.id % 100_000,
        "channel_id": text.sim,
        "sms_id": text.id,
        "device_id": text.device,
        "device_name": device_name,
        "type": "text",
    }
    if shape == "reference":
        return content
    # An older copy of the page: the address as a number, `sim`, and no type.
    digits = text.sendto.removeprefix("+")
    content["address"] = int(digits) if digits.isdecimal() else text.sendto
    content["sim"] = content.pop("channel_id")
    del content["type"]
    return content
