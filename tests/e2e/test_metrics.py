"""What `/metrics` tells of a whole Postern: everything is there from the start, and it follows what
happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.metrics_page import TRACES, WORKERS, described
from tests.e2e.whole import KEYS, Whole, every, whole

CONFIG = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}
    events: ["order.*"]
providers:
  sms: {kind: smsgateway24, url: "{sandbox}/smsgateway24", token: {env: TOKEN}, device_id: 260,
    region: DE, rate: 50/s}
rules:
  - id: thanks
    on: order.placed
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Thanks"}
  - id: never
    on: order.cancelled
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Sorry"}
"""
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def postern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Whole]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    async with whole(tmp_path, CONFIG) as it:
        yield it


async def scraped(postern: Whole) -> Samples:
    async with postern.http.get(f"{postern.admin}/metrics") as answer:
        assert answer.status == 200
        text = await answer.text()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


async def until(postern: Whole, name: str, wanted: float, **labels: str) -> None:
    async with asyncio.timeout(30):
        while True:
            if value(await scraped(postern), name, **labels) == wanted:
                return
            await asyncio.sleep(0.1)


async def test_every_metric_of_the_page_is_told_by_an_idle_process(postern: Whole) -> None:
    """One that has no series yet is told with its type and meaning all the same."""
    async with postern.http.get(f"{postern.admin}/metrics") as answer:
        text = await answer.text()
    told = {family.name for family in text_string_to_metric_families(text)}
    wanted = {
        metric.name.removesuffix("_total")
        for part, metrics in described().items()
        if part not in {TRACES, WORKERS}
        for metric in metrics
    }
    assert wanted <= told
    assert "process_resident_memory_bytes" in told


async def test_an_event_is_counted_from_the_rule_to_the_end_of_its_action(postern: Whole) -> None:
    (receipt,) = await postern.post(
        {"id": "o-1", "type": "order.placed", "data": {"phone": "+4915112345678"}}
    )
    await postern.record(receipt["ref"], every(state="done"))
    await until(postern, "postern_messages_in_hand", 0, queue="postern.sms.normal")
    samples = await scraped(postern)
    assert value(samples, "postern_rules_matched_total", rule="thanks") == 1
    assert value(samples, "postern_rules_matched_total", rule="never") == 0
    assert value(samples, "postern_messages_published_total", result="confirmed") == 2
    assert value(samples, "postern_messages_published_total", result="returned") == 0
    assert value(samples, "postern_messages_received_total", queue="postern.sms.normal") == 1
    assert value(samples, "postern_consuming", queue="postern.sms.normal") == 1
    assert value(samples, "postern_consuming", queue="postern.recorder") == 1
    assert value(samples, "postern_actions_ended_total", provider="sms", state="done") == 1
    assert value(samples, "postern_actions_ended_total", provider="sms", state="parked") == 0
    assert value(samples, "postern_rate_limit", limit="sms") == 50
    for what in ("claim", "outcome", "record"):
        assert value(samples, "postern_journal_seconds_count", what=what) == 1
    assert value(samples, "postern_plan_seconds_count") == 1
    assert value(samples, "postern_ingress_in_progress") == 0


async def test_what_is_parked_is_told_from_the_journal_with_its_age(postern: Whole) -> None:
    await postern.post({"id": "o-2", "type": "order.placed", "data": {}})
    of = {"provider": "sms", "lane": "normal", "state": "parked"}
    await until(postern, "postern_actions_open", 1, **of)
    samples = await scraped(postern)
    assert value(samples, "postern_rules_failed_total", rule="thanks") == 1
    age = value(samples, "postern_actions_oldest_seconds", **of)
    assert age is not None
    assert 0 < age < 60
    assert value(samples, "postern_actions_open", **{**of, "state": "queued"}) == 0
    turned = value(samples, "postern_scheduler_turn_timestamp_seconds")
    assert turned is not None
    assert turned > 0


async def test_a_configuration_that_is_refused_is_told_until_it_is_mended(postern: Whole) -> None:
    good = postern.config.read_text(encoding="utf-8")
    postern.config.write_text(good + "rulez: []\n", encoding="utf-8")
    for side in ("rules", "providers"):
        await until(postern, f"postern_{side}_reload_failing", 1)
    postern.config.write_text(good + "# mended\n", encoding="utf-8")
    for side in ("rules", "providers"):
        await until(postern, f"postern_{side}_reload_failing", 0)
        samples = await scraped(postern)
        assert value(samples, f"postern_{side}_reload_total", result="refused") == 1
