"""A campaign: thousands of texts in the bulk lane, while the provider drops connections after the
effect.

`python -m tests.bulk --texts 5000` prints how many HTTP calls it took, and fails if a text was lost
or sent twice. CI runs it too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.whole import KEYS, Whole, whole

BATCH = 250
DROPPED = 0.02
CALLS = ("addalotofsms", "addsms", "getallsms", "getsmsstatus")

CONFIG = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["campaign.*"]}
providers:
  sms:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
    gather: GATHER
    poll: []
    timeout: 5s
    retry: [200ms, 500ms, 1s, 1s, 1s, 1s, 1s, 1s]
    reconcile_lag: 500ms
rules:
  - id: sale
    on: campaign.text
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Sale! Number {{ data.number }}"}
        lane: bulk
"""


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What came of it."""

    texts: int
    lost: int
    twice: int
    unreferenced: int
    states: Counter[str]
    requests: dict[str, int]
    faults: int
    seconds: float

    @property
    def is_well(self) -> bool:
        return not self.lost and not self.twice and self.states == {"done": self.texts}

    def __str__(self) -> str:
        calls = ", ".join(f"{self.requests.get(name, 0)} {name}" for name in CALLS)
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return (
            f"{self.texts} texts in {sum(self.requests.values())} HTTP calls ({calls}), "
            f"{self.faults} dropped after the effect; lost {self.lost}, twice {self.twice}; "
            f"{states}, {self.unreferenced} without the provider's id; {self.seconds:.1f} s"
        )


async def campaign(folder: Path, *, texts: int, gather: int = 100, seed: int = 1) -> Campaign:
    config = CONFIG.replace("GATHER", str(gather))
    async with whole(folder, config) as postern:
        # An earlier text of this account, by which an empty lookup can be believed.
        await _send(postern, [_event(texts)])
        await _ended(postern, 1)
        for call in CALLS[:3]:
            await postern.fault(call, "drop-after-effect", probability=DROPPED, seed=seed)
        started = time.monotonic()
        before = await postern.counts()
        for first in range(0, texts, BATCH):
            events = [_event(number) for number in range(first, min(first + BATCH, texts))]
            await _send(postern, events)
        states, unreferenced = await _ended(postern, texts + 1)
        seconds = time.monotonic() - started
        states["done"] -= 1
        after = await postern.counts()
        sent = await _bodies(postern)
    wanted = {f"Sale! Number {number}" for number in range(texts)}
    return Campaign(
        texts=texts,
        lost=len(wanted - set(sent)),
        twice=sum(count - 1 for count in sent.values()),
        unreferenced=unreferenced,
        states=states,
        requests={
            name: count - before["requests"].get(name, 0)
            for name, count in after["requests"].items()
        },
        faults=sum(after["faults"].values()),
        seconds=seconds,
    )


def _event(number: int) -> dict[str, Any]:
    data = {"phone": f"+4915{number % 10_000_000 + 110_000_000:09d}", "number": number}
    return {"id": f"c-{number}", "type": "campaign.text", "data": data}


async def _send(postern: Whole, events: list[dict[str, Any]]) -> None:
    for receipt in await postern.post(*events):
        (action,) = receipt["actions"]
        assert action["state"] == "queued", action


async def _ended(postern: Whole, texts: int) -> tuple[Counter[str], int]:
    """Wait until every action has ended; how, and how many have no reference."""
    while True:
        states: Counter[str] = Counter()
        unreferenced, before = 0, None
        while True:
            query = {"limit": "1000"} | ({"before": before} if before else {})
            page = await postern.read("/v1/actions", **query)
            for action in page["actions"]:
                states[action["state"]] += 1
                unreferenced += action["state"] == "done" and "reference" not in action
            before = page["next"]
            if before is None:
                break
        open_ones = sum(states[name] for name in ("queued", "waiting", "running"))
        if states.total() == texts and not open_ones:
            return states, unreferenced
        await asyncio.sleep(0.5)


async def _bodies(postern: Whole) -> Counter[str]:
    bodies: Counter[str] = Counter()
    for call in ("addalotofsms", "addsms"):
        bodies.update(effect["params"]["body"] for effect in await postern.effects(call))
    return bodies


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--gather", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    os.environ.update(KEYS)
    with tempfile.TemporaryDirectory() as folder:
        done = asyncio.run(
            campaign(Path(folder), texts=options.texts, gather=options.gather, seed=options.seed)
        )
    sys.stdout.write(f"{done}\n")
    return 0 if done.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
