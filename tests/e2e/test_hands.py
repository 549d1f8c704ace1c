"""What an operator does from the command line to a whole Postern that is running, and what the
providers see of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import command_line
from tests.e2e.whole import KEYS, Whole, every, whole

CONFIG = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["order.*"]}
providers:
  sms:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
    reconcile_lag: 0s
    retry: [100ms]
rules:
  - id: placed
    on: order.placed
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Thank you for order {{ data.number }}."}
  - id: shipped
    on: order.shipped
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Order {{ data.nummer }} is on its way."}
"""
MENDED = ("data.nummer", "data.number")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def postern(tmp_path: Path, keys: None) -> AsyncIterator[Whole]:
    async with whole(tmp_path, CONFIG) as it:
        yield it


def an_order(number: int, kind: str = "placed") -> dict[str, Any]:
    return {
        "id": f"{kind}-{number}",
        "type": f"order.{kind}",
        "data": {"number": f"n-{number}-", "phone": f"+49151{10_000_000 + number}"},
    }


async def command(postern: Whole, *arguments: str, code: int = 0) -> str:
    """A command beside the running process, on the same files; what it printed."""
    folder = postern.config.parent
    done = await asyncio.to_thread(
        command_line.postern,
        *arguments,
        *("--config", postern.config, "--data", folder),
        cwd=folder,
        env=command_line.environment(**KEYS),
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


async def texts(postern: Whole) -> Counter[str]:
    return Counter(effect["params"]["body"] for effect in await postern.effects("addsms"))


async def test_a_wrong_rule_is_paused_what_it_queued_cancelled_and_it_goes_on(
    postern: Whole,
) -> None:
    out = await command(postern, "pause", "rule", "placed", "--as", "ada")
    assert "paused" in out
    paused = time.monotonic()
    while not await _waits(postern, an_order(round(1000 * (time.monotonic() - paused)))):
        assert time.monotonic() - paused < 2
    before = await texts(postern)
    receipts = await postern.post(*(an_order(number) for number in range(5000, 5020)))
    for receipt in receipts:
        await postern.record(receipt["ref"], every(state="waiting"))
    told = json.loads(await command(postern, "status", "--json"))
    assert [(it["kind"], it["name"], it["by"]) for it in told["pauses"]] == [
        ("rule", "placed", "ada")
    ]
    assert told["rules"]["configuration"] == told["rules"]["newest_event"]
    preview = json.loads(
        await command(postern, "cancel", "--rule", "placed", "--dry-run", "--json")
    )
    assert preview["preview"]["wanted"] >= 20
    done = json.loads(
        await command(postern, "cancel", "--rule", "placed", "--yes", "--json", "--as", "ada")
    )
    assert done["result"]["changed"] == preview["preview"]["wanted"]
    await command(postern, "resume", "rule", "placed")
    assert "was not paused" in await command(postern, "resume", "rule", "placed", code=1)
    for receipt in receipts:
        await postern.record(receipt["ref"], every(state="cancelled"))
    (fresh,) = await postern.post(an_order(6000))
    await postern.record(fresh["ref"], every(state="done"))
    assert await texts(postern) - before == {"Thank you for order n-6000-.": 1}
    audit = json.loads(await command(postern, "audit", "--json"))["audit"]
    assert [(it["what"], it["who"] == "ada") for it in audit] == [
        ("resume", False),
        ("cancel", True),
        ("pause", True),
    ]
    assert audit[1]["actions"] == done["result"]["changed"]
    books = json.loads(await command(postern, "books", "--json"))
    cancelled = {
        "source": "shop",
        "provider": "sms",
        "state": "cancelled",
        "actions": done["result"]["changed"],
    }
    assert cancelled in books["parts"]


async def _waits(postern: Whole, event: dict[str, Any]) -> bool:
    """Whether an event that comes now is held back."""
    (receipt,) = await postern.post(event)
    record = await postern.record(
        receipt["ref"], lambda it: it["actions"][0]["state"] in {"waiting", "done"}
    )
    return bool(record["actions"][0]["state"] == "waiting")


async def test_a_mended_rule_fills_the_same_ids_and_each_is_carried_out_once(
    postern: Whole,
) -> None:
    receipts = await postern.post(*(an_order(number, "shipped") for number in range(30)))
    for receipt in receipts:
        await postern.record(receipt["ref"], every(state="parked"))
    select = ("replay", "--rule", "shipped", "--rate", "1000")
    still = json.loads(await command(postern, *select, "--dry-run", "--json"))
    assert still["would_be"]["changed"] == 0
    assert still["would_be"]["not_changed"]["still-fails"]["actions"] == 30
    assert "data.nummer" in still["would_be"]["details"][0]
    postern.config.write_text(postern.config.read_text().replace(*MENDED))
    assert "30 would be set waiting" in await command(postern, *select, "--dry-run")
    assert "--yes" in await command(postern, *select, code=2)
    first, second = await asyncio.gather(
        command(postern, *select, "--yes", "--json"), command(postern, *select, "--yes", "--json")
    )
    results = [json.loads(out).get("result", {"changed": 0}) for out in (first, second)]
    assert sum(result["changed"] for result in results) == 30
    for receipt in receipts:
        record = await postern.record(receipt["ref"], every(state="done"))
        assert record["actions"][0]["id"] == receipt["actions"][0]["id"]
    expected = {f"Order n-{number}- is on its way.": 1 for number in range(30)}
    assert await texts(postern) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cancel", "--yes"), "say which actions"),
        (("replay", "--yes", "--state", "parked"), "say which actions"),
        (("replay", "--rule", "placed", "--since", "yesterday"), "--since: expected a time"),
        (("pause", "rule", "plced"), "did you mean placed?"),
        (("pause", "provider", "smss"), "did you mean sms?"),
    ],
)
async def test_what_is_not_clear_is_refused_with_exit_2(
    postern: Whole, arguments: tuple[str, ...], said: str
) -> None:
    assert said in await command(postern, *arguments, code=2)


async def test_a_name_that_is_not_configured_can_be_paused_when_it_is_meant(
    postern: Whole,
) -> None:
    assert "paused" in await command(postern, "pause", "rule", "gone", "--force")
    assert "goes on" in await command(postern, "resume", "rule", "gone")


async def test_what_the_provider_refused_is_made_once_when_it_no_longer_does(
    postern: Whole,
) -> None:
    await postern.fault("addsms", "error-body", times=None, status=400)
    receipts = await postern.post(*(an_order(number) for number in range(20)))
    for receipt in receipts:
        await postern.record(receipt["ref"], every(state="parked"))
    await postern.ask("DELETE", "/_sandbox/faults")
    await command(postern, "replay", "--provider", "sms", "--rate", "1000", "--yes")
    for receipt in receipts:
        await postern.record(receipt["ref"], every(state="done"))
    assert await texts(postern) == {f"Thank you for order n-{n}-.": 1 for n in range(20)}


async def test_a_text_that_had_been_sent_after_all_is_found_and_not_sent_again(
    postern: Whole,
) -> None:
    """Its answer was lost, and the provider could not be asked: parked, outcome unknown."""
    await postern.fault("getallsms", "error-body", times=None)
    await postern.fault("addsms", "drop-after-effect", times=1)
    (receipt,) = await postern.post(an_order(1))
    await postern.record(receipt["ref"], every(state="parked"))
    await postern.ask("DELETE", "/_sandbox/faults")
    (action,) = receipt["actions"]
    looked = json.loads(
        await command(postern, "replay", "--id", action["id"], "--dry-run", "--json")
    )
    assert looked["preview"]["unknown"] == 1
    await command(postern, "replay", "--id", action["id"], "--yes")
    await postern.record(receipt["ref"], every(state="done"))
    assert await texts(postern) == {"Thank you for order n-1-.": 1}
    out = await command(
        postern, "replay", "--id", action["id"], "--state", "done", "--anew", "--yes"
    )
    assert "WARNING: what is done is done a second time" in out
    for _ in range(200):
        if (await texts(postern)).total() == 2:
            break
        await asyncio.sleep(0.05)
    assert await texts(postern) == {"Thank you for order n-1-.": 2}
