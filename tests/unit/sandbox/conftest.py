"""A running sandbox with a clock that stands still, and a client that speaks as the vendors are
spoken to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from core.clock import ManualClock
from sandbox.app import serve_sandbox

SUBSCRIPTION = {
    "token": "t",
    "db_id": 1,
    "profile_id": "p-1",
    "resource_id": 1,
    "channel": "email",
    "email": "john@example.com",
}
TEXT = {"token": "t", "sendto": "+4915752982212", "body": "Hello!", "device_id": "260"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The client's side."""

    url: str
    http: aiohttp.ClientSession
    clock: ManualClock

    async def set(
        self, request_id: str | None = None, **params: Any
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """subscriptions/set: status, headers, body. A parameter that is None is left out."""
        body = {name: it for name, it in {**SUBSCRIPTION, **params}.items() if it is not None}
        headers = {"Request-ID": request_id} if request_id else {}
        async with self.http.post(
            f"{self.url}/altcraft/api/v1.1/subscriptions/set", json=body, headers=headers
        ) as answer:
            return answer.status, dict(answer.headers), await answer.json()

    async def add(self, **fields: str) -> dict[str, Any]:
        return await self.sms("addsms", {**TEXT, **fields})

    async def texts(self, **fields: str) -> dict[str, Any]:
        return await self.sms("getallsms", {"token": "t", **fields})

    async def sms(self, call: str, fields: dict[str, str]) -> dict[str, Any]:
        url = f"{self.url}/smsgateway24/getdata/{call}"
        async with self.http.post(url, data=fields) as answer:
            content: dict[str, Any] = await answer.json()
            return content

    async def effects(self) -> list[dict[str, Any]]:
        async with self.http.get(f"{self.url}/_sandbox/effects") as answer:
            content: dict[str, Any] = await answer.json()
            effects: list[dict[str, Any]] = content["effects"]
            return effects

    async def fault(self, call: str, fault: str, **more: Any) -> dict[str, Any]:
        order = {"call": call, "fault": fault, **more}
        async with self.http.post(f"{self.url}/_sandbox/faults", json=order) as answer:
            content: dict[str, Any] = await answer.json()
            return {"http": answer.status, **content}

    async def switch(self, **switches: Any) -> None:
        async with self.http.patch(f"{self.url}/_sandbox/switches", json=switches) as answer:
            assert answer.status == 200


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    clock = ManualClock()
    async with (
        serve_sandbox("127.0.0.1:0", clock=clock, pace=timedelta(seconds=1)) as url,
        aiohttp.ClientSession() as http,
    ):
        yield Sandbox(url=url, http=http, clock=clock)
