"""A shop opens: its virtual sender is cloned exactly once, whatever becomes of the connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.whole import KEYS, Whole, every, whole

CONFIG = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["shop.*"]}
providers:
  altcraft:
    kind: altcraft
    url: "{sandbox}/altcraft"
    token: {env: TOKEN}
    timeout: 2s
    retry: [100ms, 100ms, 100ms, 100ms]
    reconcile_lag: 300ms
rules:
  - id: new-shop
    on: shop.opened
    do:
      - call: altcraft.vsenders/clone
        with: {id: "${data.template}", name: "Shop {{ data.name }}"}
  - id: unnamed-shop
    on: shop.opened_unnamed
    do:
      - {call: altcraft.vsenders/clone, with: {id: "${data.template}"}}
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def opened(kind: str = "shop.opened", number: int = 1) -> dict[str, Any]:
    return {"id": f"s-{number}", "type": kind, "data": {"template": 14, "name": f"No. {number}"}}


async def senders(postern: Whole) -> list[str]:
    state = await postern.ask("GET", "/_sandbox/altcraft")
    return [sender["name"] for sender in state["vsenders"]]


@pytest.mark.parametrize("deduplicates", [True, False])
@pytest.mark.parametrize("kind", ["shop.opened", "shop.opened_unnamed"])
async def test_a_dropped_connection_after_the_effect_makes_no_second_clone(
    tmp_path: Path, kind: str, deduplicates: bool
) -> None:
    """Also where the platform does not recognise the repeat: the names are compared first."""
    async with whole(tmp_path, CONFIG) as postern:
        await postern.ask("PATCH", "/_sandbox/switches", {"deduplication": deduplicates})
        await postern.fault("vsenders/clone", "drop-after-effect", times=1)
        (receipt,) = await postern.post(opened(kind))
        record = await postern.record(receipt["ref"], every(state="done"))
        (clone,) = await postern.effects("vsenders/clone")
        (action,) = record["actions"]
        assert action["reference"] == clone["reference"]
        assert [attempt["outcome"] for attempt in action["attempts"]] == ["unknown", "done"]
        made = [name for name in await senders(postern) if name.startswith(("Clone", "Shop"))]
        assert len(made) == 1


async def test_a_clone_that_is_provably_not_there_is_made(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        await postern.fault("vsenders/clone", "drop-before", times=1)
        (receipt,) = await postern.post(opened())
        await postern.record(receipt["ref"], every(state="done"))
        assert len(await postern.effects("vsenders/clone")) == 1


async def test_every_shop_gets_its_own(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        await postern.fault("vsenders/clone", "drop-after-effect", probability=0.5, seed=3)
        receipts = await postern.post(*(opened(number=number) for number in range(12)))
        for receipt in receipts:
            await postern.record(receipt["ref"], every(state="done"))
        made = sorted(name for name in await senders(postern) if name.startswith("Shop"))
        assert made == sorted(f"Shop No. {number}" for number in range(12))
