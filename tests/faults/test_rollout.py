"""Old and new configuration beside each other: what is on its way needs neither its rule nor its
provider's old settings, and what nobody knows any more waits instead of breaking anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from consumers import fleet
from gateway import reload
from tests.e2e.whole import KEYS, Whole, every, whole

OLD = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["order.*"]}
providers:
  sms:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
    retry: [1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s]
rules:
  - id: thanks
    on: order.placed
    do: [{call: sms.send, with: {to: "+4915112345678", text: "Thanks for {{ event.id }}"}}]
  - id: kept
    on: order.kept
    do: [{call: sms.send, with: {to: "+4915112345678", text: "Kept {{ event.id }}"}}]
"""
RULE = OLD[OLD.index("  - id: thanks") : OLD.index("  - id: kept")]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def postern(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(tmp_path, OLD) as running:
        yield running


async def rename(postern: Whole, old: str, new: str) -> None:
    """The provider, and all that the rules call of it."""
    text = postern.config.read_text(encoding="utf-8")
    await change(postern, text.replace(f"  {old}:\n", f"  {new}:\n").replace(f"{old}.", f"{new}."))


async def change(postern: Whole, text: str) -> None:
    """As a new ConfigMap: noticed by itself, in force once the version is another."""
    before = await version(postern)
    postern.config.write_text(text, encoding="utf-8")
    async with asyncio.timeout(20):
        while await version(postern) == before:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)


async def version(postern: Whole) -> str:
    lines = (await told(postern)).splitlines()
    return next(line for line in lines if line.startswith("postern_rules_info{"))


async def told(postern: Whole) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{postern.admin}/metrics") as answer:
        return await answer.text()


@pytest.mark.fault(31)
async def test_an_action_whose_rule_is_gone_is_carried_out(postern: Whole) -> None:
    await postern.fault("addsms", "status", status=429, retry_after=2)
    (receipt,) = await postern.post({"id": "o-1", "type": "order.placed"})
    await postern.record(receipt["ref"], every(state="waiting"))
    text = postern.config.read_text(encoding="utf-8")
    await change(postern, text.replace(RULE, ""))
    await postern.record(receipt["ref"], every(state="done"))
    (nothing,) = await postern.post({"id": "o-2", "type": "order.placed"})
    assert nothing["actions"] == []
    assert [it["params"]["body"] for it in await postern.effects("addsms")] == ["Thanks for o-1"]


@pytest.mark.fault(31)
async def test_an_action_whose_provider_is_gone_waits_until_it_is_back(postern: Whole) -> None:
    """A new gateway may know providers that old consumers do not know yet, and the other way
    round."""
    await postern.fault("addsms", "status", status=429, retry_after=2)
    (receipt,) = await postern.post({"id": "o-1", "type": "order.placed"})
    await postern.record(receipt["ref"], every(state="waiting"))
    await rename(postern, "sms", "texts")
    (other,) = await postern.post({"id": "o-2", "type": "order.kept"})
    await postern.record(other["ref"], every(state="done"))
    await asyncio.sleep(3)
    assert [it["params"]["body"] for it in await postern.effects("addsms")] == ["Kept o-2"]
    await rename(postern, "texts", "sms")
    await postern.record(receipt["ref"], every(state="done"))


async def test_a_token_whose_file_changed_is_used_without_a_restart(tmp_path: Path) -> None:
    """As Kubernetes swaps a mounted Secret: the configuration itself stays as it was."""
    token = tmp_path / "token"
    token.write_text("an-old-token-of-the-account", encoding="utf-8")
    config = OLD.replace("{env: TOKEN}", f"{{file: {token}}}")
    async with whole(tmp_path, config) as postern:
        fresh = tmp_path / "fresh"
        fresh.write_text("a-new-token-of-the-account", encoding="utf-8")
        fresh.replace(token)
        applied = 'postern_providers_reload_total{result="applied"} 1.0'
        await until(postern, applied)
        (receipt,) = await postern.post({"id": "o-1", "type": "order.placed"})
        await postern.record(receipt["ref"], every(state="done"))


async def test_a_file_that_comes_after_the_configuration_that_names_it_is_waited_for(
    postern: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kubelet may bring a ConfigMap before the Secret that belongs to it."""
    monkeypatch.setattr(fleet, "AGAIN_AFTER", timedelta(milliseconds=200))
    monkeypatch.setattr(reload, "REFUSED_AGAIN_AFTER", 0.2)
    text = postern.config.read_text(encoding="utf-8")
    key, token = tmp_path / "key", tmp_path / "token"
    text = text.replace("{env: SHOP_KEY}", f"{{env: SHOP_KEY}}, {{file: {key}}}")
    postern.config.write_text(text.replace("{env: TOKEN}", f"{{file: {token}}}"), encoding="utf-8")
    await until(postern, "postern_rules_reload_failing 1.0", "postern_providers_reload_failing 1.0")
    key.write_text("another-key-0123456789-0123456789", encoding="utf-8")
    token.write_text("a-new-token-of-the-account", encoding="utf-8")
    await until(postern, "postern_rules_reload_failing 0.0", "postern_providers_reload_failing 0.0")
    # Told once, however often it was tried.
    assert 'postern_rules_reload_total{result="refused"} 1.0' in await told(postern)


async def until(postern: Whole, *lines: str) -> None:
    async with asyncio.timeout(20):
        while True:
            text = await told(postern)
            if all(line in text for line in lines):
                return
            await asyncio.sleep(0.1)
