"""A whole Postern in this process, embedded, with the sandbox for its providers: from an event over
HTTP to what the simulators say happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from cli.run import open_everything
from core.settings import read_settings
from sandbox.app import serve_sandbox

KEYS = {
    "SHOP_KEY": "shop-key-0123456789-0123456789",
    "TOKEN": "token-of-both-providers",
    "CALLBACK": "callback-secret-0123456789-0123456789",
    "PASSWORD": "a-password-for-tests",
    "EMAIL": "shop@example.com",
}
SHOP = {"Authorization": f"Bearer {KEYS['SHOP_KEY']}"}
PATIENCE = 30.0
SENDER_TRIES = 3
"""A slow machine may take longer than a request may: then nothing is lost, and it is sent again."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """Postern, the sandbox, and a client of both."""

    url: str
    sandbox: str
    http: aiohttp.ClientSession
    config: Path
    admin: str

    async def post(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Send events of the shop, as often as a sender is asked to; their receipts."""
        for left in reversed(range(SENDER_TRIES)):
            async with self.http.post(
                f"{self.url}/v1/events", json=list(events), headers=SHOP
            ) as answer:
                body = await answer.json()
                if answer.status == 503 and left:
                    continue
                assert answer.status == 202, body
                receipts: list[dict[str, Any]] = body["receipts"]
                return receipts
        raise AssertionError("it was not sent at all")

    async def read(self, path: str, **query: str) -> dict[str, Any]:
        """Of Postern's read API, as the shop."""
        async with self.http.get(f"{self.url}{path}", params=query, headers=SHOP) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status == 200, body
            return body

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The sandbox's controls."""
        async with self.http.request(method, f"{self.sandbox}{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status < 300, (answer.status, text)
            return await answer.json() if text else None

    async def fault(self, call: str, kind: str, **order: Any) -> None:
        await self.ask("POST", "/_sandbox/faults", {"call": call, "fault": kind, **order})

    async def effects(self, call: str) -> list[dict[str, Any]]:
        found = await self.ask("GET", f"/_sandbox/effects?call={call}")
        effects: list[dict[str, Any]] = found["effects"]
        return effects

    async def counts(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = await self.ask("GET", "/_sandbox/counts")
        return counts

    async def record(
        self, ref: str, until: Callable[[dict[str, Any]], bool], *, within: float = PATIENCE
    ) -> dict[str, Any]:
        """The event's record, once it is as expected; fails with what it is after a while."""
        record: dict[str, Any] = {}
        try:
            async with asyncio.timeout(within):
                while True:
                    record = await self.read(f"/v1/events/{ref}")
                    if record["state"] == "recorded" and until(record):
                        return record
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"after {within} s it is {record}") from None


def every(**wanted: str) -> Callable[[dict[str, Any]], bool]:
    """Whether every action of a record has these values."""
    return lambda record: (
        bool(record["actions"])
        and all(
            action.get(name) == value
            for action in record["actions"]
            for name, value in wanted.items()
        )
    )


@asynccontextmanager
async def whole(
    folder: Path,
    config: str,
    *,
    pace: timedelta = timedelta(milliseconds=100),
    amqp: str | None = None,
    operators: str = "",
    broker: str | None = None,
    traces: str = "off",
) -> AsyncIterator[Whole]:
    """`config` may say `{sandbox}` where the sandbox's address belongs. `broker`: another than the
    embedded one. `traces`: `otlp`, where the OTEL_... variables lead somewhere."""
    async with (
        serve_sandbox("127.0.0.1:0", pace=pace, amqp=amqp) as sandbox,
        aiohttp.ClientSession() as http,
    ):
        path = folder / "postern.yaml"
        path.write_text(config.replace("{sandbox}", sandbox), encoding="utf-8")
        settings = read_settings(
            {
                "POSTERN_LISTEN": "127.0.0.1:0",
                "POSTERN_ADMIN": "127.0.0.1:0",
                "POSTERN_OPERATOR_KEYS": operators,
                "POSTERN_TRACES": traces,
                **({"POSTERN_BROKER": broker} if broker else {}),
            },
            data=folder,
            config=path,
        )
        async with open_everything(settings) as everything:
            url = f"http://{everything.gateway.listen}"
            admin = f"http://{everything.gateway.admin}"
            yield Whole(url=url, sandbox=sandbox, http=http, config=path, admin=admin)
