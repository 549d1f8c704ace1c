"""A secret is changed while its source goes on sending: nobody is refused."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.broker.steps import eventually
from tests.e2e.serving import CONFIG, KEYS, Served, serving, sign

OLD, NEW = KEYS["HOOK_OLD"], KEYS["HOOK_NEW"]
BOTH = "{env: HOOK_NEW}, {env: HOOK_OLD}"
SENDERS = 8
MATCHED = re.compile(r'secrets_matched_total\{secret="env:(\w+)",source="storefront"\} ([0-9.]+)')


class Shop:
    """Senders that sign with what they have; `secrets` is what each of them has now."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.secrets = [OLD] * SENDERS
        self.answers: Counter[int] = Counter()
        self.ended = False

    async def send(self, sender: int) -> None:
        number = 0
        while not self.ended:
            number += 1
            event = {"id": f"o-{sender}-{number}", "type": "order.placed", "data": {"total": 1}}
            body = json.dumps(event)
            headers = sign(body, secret=self.secrets[sender], webhook_id=f"msg_{sender}_{number}")
            headers["Content-Type"] = "application/json"
            answer = await self._served.ask(
                "POST", "/v1/hooks/storefront", data=body.encode(), headers=headers
            )
            self.answers[answer.status] += 1

    async def until_sent(self, more: int) -> None:
        wanted = self.answers.total() + more

        async def sent() -> bool:
            return self.answers.total() >= wanted

        await eventually(sent)


async def reloads(served: Served) -> float:
    text = (await served.probe("/metrics")).body
    return float(re.findall(r'reload_total\{result="applied"\} ([0-9.]+)', text)[0])


async def configure(served: Served, secrets: str) -> None:
    before = await reloads(served)
    served.config.write_text(CONFIG.replace(BOTH, secrets))

    async def applied() -> bool:
        return await reloads(served) > before

    await eventually(applied)


async def test_a_secret_is_changed_under_load_and_nobody_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "postern.yaml"
    path.write_text(CONFIG.replace(BOTH, "{env: HOOK_OLD}"))
    async with serving(tmp_path, config_path=path) as served:
        shop = Shop(served)
        async with asyncio.TaskGroup() as group:
            for sender in range(SENDERS):
                group.create_task(shop.send(sender))
            await shop.until_sent(100)
            await configure(served, BOTH)
            shop.secrets[::2] = [NEW] * (SENDERS // 2)
            await shop.until_sent(400)
            shop.secrets[:] = [NEW] * SENDERS
            # What was signed with the old one has arrived.
            await shop.until_sent(2 * SENDERS)
            await configure(served, "{env: HOOK_NEW}")
            await shop.until_sent(100)
            shop.ended = True
        assert set(shop.answers) == {202}
        matched = dict(MATCHED.findall((await served.probe("/metrics")).body))
        assert sum(float(count) for count in matched.values()) == shop.answers[202]
        assert all(float(matched[name]) > 100 for name in ("HOOK_OLD", "HOOK_NEW"))
        refused = await served.hook('{"id": "1", "type": "order.placed"}', secret=OLD)
        assert refused.status == 401
