"""A load that can be checked: events whose every effect is known, a client that retries, and the
proof.

What a sender does that trusts a 202: it posts, and on a 5xx or a lost connection posts the same
event again. At the end every acknowledged event must have had each of its effects, texts exactly
once.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

_PATIENCE = 600


@dataclass
class Told:
    """What the gateway acknowledged: event id to its planned action ids."""

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the simulators did, beside what was acknowledged."""

    events: int
    planned: int
    lost_texts: tuple[str, ...]
    texts_twice: tuple[str, ...]
    lost_updates: tuple[str, ...]
    updates_repeated: int
    not_acknowledged_but_done: int

    @property
    def holds(self) -> bool:
        return not (self.lost_texts or self.texts_twice or self.lost_updates)


class Milestones:
    """Tells when shares of a load have been acknowledged, so that faults come in its middle."""

    def __init__(self, events: int, *shares: float) -> None:
        self._moments = {share: asyncio.Event() for share in shares}
        self._events = events

    def progress(self, count: int) -> None:
        for share, moment in self._moments.items():
            if count >= self._events * share:
                moment.set()

    async def reached(self, share: float) -> None:
        await self._moments[share].wait()


def order(number: int) -> dict[str, Any]:
    """An order by a customer of its own, so that no effect replaces another one."""
    return {
        "id": f"load-{number}",
        "type": "order.placed",
        "data": {
            "number": f"load-{number}",
            "total": 20,
            "customer": {
                "id": f"customer-{number}",
                "consent": True,
                "first_name": "Ada",
                "email": f"customer-{number}@example.com",
                "phone": f"+49151{10_000_000 + number}",
            },
        },
    }


async def post_orders(
    url: str,
    key: str,
    numbers: range,
    *,
    at_once: int = 32,
    progress: Callable[[int], None] = lambda _: None,
) -> Told:
    """Post the orders, each until it is acknowledged. Raises AssertionError on a 4xx."""
    told = Told()
    waiting = iter(numbers)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as http, asyncio.TaskGroup() as group:

        async def client() -> None:
            for number in waiting:
                event = order(number)
                receipt = await _post(http, url, key, event, told)
                told.acknowledged[event["id"]] = [action["id"] for action in receipt["actions"]]
                progress(len(told.acknowledged))

        for _ in range(at_once):
            group.create_task(client())
    return told


async def _post(
    http: aiohttp.ClientSession, url: str, key: str, event: dict[str, Any], told: Told
) -> dict[str, Any]:
    for _ in range(_PATIENCE):
        try:
            async with http.post(
                f"{url}/v1/events", json=event, headers={"Authorization": f"Bearer {key}"}
            ) as answer:
                if answer.status < 500:
                    assert answer.status == 202, await answer.text()
                    receipt: dict[str, Any] = await answer.json()
                    return receipt
                told.retries[f"HTTP {answer.status}"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            told.retries[type(error).__name__] += 1
        await asyncio.sleep(0.5)
    raise AssertionError("an event was never acknowledged")


async def prove(sandbox: str, told: Told) -> Proof:
    """Compare what the simulators did with what was acknowledged."""
    texts = Counter(
        order_in(effect["params"]["body"]) for effect in await effects(sandbox, "addsms")
    )
    updates = Counter(
        effect["params"]["custom_fields"]["last_order"]
        for effect in await effects(sandbox, "subscriptions/set")
    )
    acknowledged = set(told.acknowledged)
    return Proof(
        events=len(acknowledged),
        planned=sum(len(actions) for actions in told.acknowledged.values()),
        lost_texts=tuple(sorted(acknowledged - set(texts))),
        texts_twice=tuple(sorted(name for name, count in texts.items() if count > 1)),
        lost_updates=tuple(sorted(acknowledged - set(updates))),
        updates_repeated=sum(count - 1 for count in updates.values()),
        not_acknowledged_but_done=len(set(texts) - acknowledged),
    )


async def prove_within(sandbox: str, told: Told, seconds: int) -> Proof:
    """The proof as soon as it holds or can hold no more, or what it is when the time is over."""
    for _ in range(seconds):
        proof = await prove(sandbox, told)
        if proof.holds or proof.texts_twice:
            break
        await asyncio.sleep(1)
    return await prove(sandbox, told)


async def effects(sandbox: str, call: str) -> list[dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{sandbox}/_sandbox/effects", params={"call": call}) as answer,
    ):
        found: list[dict[str, Any]] = (await answer.json())["effects"]
        return found


def order_in(text: str) -> str:
    found = re.search(r"load-[0-9]+", text)
    return found[0] if found else text
