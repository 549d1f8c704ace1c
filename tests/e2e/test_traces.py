"""Traces of a whole Postern in one process: where they begin, what they hold, what ends up in
them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.e2e.serving import KEYS as HOOKS
from tests.e2e.serving import sign
from tests.e2e.whole import KEYS, SHOP, Whole, every, whole
from tests.servers.collector import Collector, Seen, collecting, variables

CONFIG = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["order.*", "news.*"]}
  front: {verify: {scheme: standard-webhooks, secrets: [{env: HOOK_NEW}]}, events: ["order.*"]}
providers:
  sms:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
    timeout: 2s
    retry: [100ms, 100ms, 100ms]
    reconcile_lag: 300ms
    gather: 25
rules:
  - id: thanks
    on: order.placed
    do:
      - {call: sms.send, with: {to: "${data.phone}", text: "Thank you, {{ data.name }}!"}}
  - id: news
    on: news.sent
    do:
      - {call: sms.send, with: {to: "${data.phone}", text: "Hello {{ data.name }}"}, lane: bulk}
"""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
PERSONAL = ("Ada Unmistakable", "15112345678", "order-of-ada", KEYS["SHOP_KEY"], KEYS["TOKEN"])


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**KEYS, "HOOK_NEW": HOOKS["HOOK_NEW"]}.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True, kw_only=True)
class Traced:
    postern: Whole
    collector: Collector

    async def post(
        self, event: dict[str, Any], headers: dict[str, str], *, status: int = 202
    ) -> dict[str, Any]:
        async with self.postern.http.post(
            f"{self.postern.url}/v1/events", json=event, headers=headers
        ) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status == status, body
            return body

    async def carried_out(self, event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        receipt = await self.post(event, SHOP | headers)
        return await self.postern.record(receipt["ref"], every(state="done"))


@asynccontextmanager
async def traced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Traced]:
    async with collecting() as collector:
        for name, value in variables(collector.url).items():
            if name.startswith("OTEL_"):
                monkeypatch.setenv(name, value)
        async with whole(folder, CONFIG, traces="otlp") as postern:
            yield Traced(postern=postern, collector=collector)


def an_order(number: int = 1, kind: str = "order.placed") -> dict[str, Any]:
    data = {"phone": f"+4915112345{678 + number}", "name": "Ada Unmistakable"}
    return {"id": f"order-of-ada-{number}", "type": kind, "data": data}


def line(spans: list[Seen]) -> list[tuple[str, str]]:
    """From the first to the last, each the parent of the next."""
    by_parent = {seen.parent: seen for seen in spans}
    parents = {seen.id for seen in spans}
    (first,) = [seen for seen in spans if seen.parent not in parents]
    found = [first]
    while found[-1].id in by_parent:
        found.append(by_parent[found[-1].id])
    return [(seen.kind, seen.name) for seen in found]


WAY = [
    ("server", "POST /v1/events"),
    ("producer", "send postern.actions"),
    ("consumer", "process postern.sms.normal"),
    ("client", "sms.send"),
]


async def test_the_embedded_form_goes_on_with_the_senders_trace_up_to_the_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        record = await on.carried_out(an_order(), SAMPLED)
        await on.collector.until(lambda spans: len(spans) == 4)
    assert {seen.trace for seen in on.collector.spans} == {TRACE}
    assert line(on.collector.spans) == WAY
    (server,) = on.collector.of("server")
    assert server.parent == PARENT
    assert server.service == "postern"
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/events",
        "http.response.status_code": 202,
        "url.path": "/v1/events",
        "url.scheme": "http",
        "postern.source": "shop",
    }
    (process,) = on.collector.of("consumer")
    (action,) = record["actions"]
    assert process.attributes["postern.action"] == action["id"]
    assert process.attributes["postern.event"] == record["ref"]
    assert process.attributes["postern.state"] == "done"
    (call,) = on.collector.of("client")
    assert call.attributes["postern.attempt"] == 1
    assert call.attributes["postern.outcome"] == "done"
    assert call.attributes["http.response.status_code"] == 200
    assert call.attributes["server.address"] == "127.0.0.1"
    assert not any(seen.failed for seen in on.collector.spans)


async def test_a_signed_webhook_goes_on_with_a_trace_only_if_its_signature_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        body = orjson.dumps(an_order()).decode()
        signed = sign(body, secret=HOOKS["HOOK_NEW"]) | {"Content-Type": "application/json"}
        statuses = []
        for sent in (body.replace("placed", "raised"), body):
            async with on.postern.http.post(
                f"{on.postern.url}/v1/hooks/front", data=sent, headers=signed | SAMPLED
            ) as answer:
                statuses.append(answer.status)
        await on.collector.until(lambda spans: len(spans) == 4)
    assert statuses == [401, 202]
    assert {seen.trace for seen in on.collector.spans} == {TRACE}
    (server,) = on.collector.of("server")
    assert server.name == "POST /v1/hooks/{source}"
    assert server.attributes["postern.source"] == "front"
    assert len(on.collector.spans) == 4


async def test_spans_hold_nothing_of_a_person_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not where a call fails, whose words may repeat what it was about."""
    async with traced(tmp_path, monkeypatch) as on:
        await on.carried_out(an_order(1), SAMPLED)
        await on.postern.fault("addsms", "drop-before", times=1)
        await on.carried_out(an_order(2), {"tracestate": "ada=15112345678", "baggage": "who=ada"})
        await on.postern.fault("addsms", "error-body", times=1, message="not for 15112345678")
        refused = await on.post(an_order(3), SHOP)
        await on.postern.record(refused["ref"], every(state="parked"))
        await on.post({"id": "order-of-ada-4"}, SHOP, status=422)
        await on.collector.until(lambda _: len(on.collector.of("server")) == 4)
        await on.collector.until(lambda _: len(on.collector.of("consumer", state="parked")) == 1)
    assert [seen.name for seen in on.collector.of("client")].count("sms question") >= 1
    (parked,) = on.collector.of("consumer", state="parked")
    assert parked.failed
    everything = on.collector.everything
    assert b"postern.action" in everything
    for personal in PERSONAL:
        assert personal.encode() not in everything, personal
    assert all(seen.told == "" for seen in on.collector.spans)


async def test_a_retry_stays_in_the_trace_and_tells_which_try_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        await on.carried_out(an_order(1), {"traceparent": f"00-{TRACE}-{PARENT}-00"})
        await on.postern.fault("addsms", "status", status=503, times=2)
        await on.carried_out(an_order(2), SAMPLED)
        await on.collector.until(lambda _: len(on.collector.of("consumer", state="done")) == 1)
    assert {seen.trace for seen in on.collector.spans} == {TRACE}
    calls = on.collector.of("client", operation="send")
    assert [call.attributes["postern.attempt"] for call in calls] == [1, 2, 3]
    outcomes = [call.attributes["postern.outcome"] for call in calls]
    assert outcomes[-1] == "done"
    assert "done" not in outcomes[:2]
    assert [call.failed for call in calls] == [True, True, False]
    states = [seen.attributes["postern.state"] for seen in on.collector.of("consumer")]
    assert states == ["waiting", "waiting", "done"]
    again = on.collector.of("producer", again=True)
    assert len(again) == 2
    (first,) = on.collector.of("producer", events=1)
    assert {seen.parent for seen in again} == {first.id}, "published from the journal's copy"
    assert [seen.parent for seen in on.collector.of("consumer")] == [
        first.id,
        *(seen.id for seen in again),
    ]


async def test_texts_that_share_a_call_are_linked_with_it_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        receipts = await on.postern.post(*(an_order(n, "news.sent") for n in range(5)))
        for receipt in receipts:
            await on.postern.record(receipt["ref"], every(state="done"))
        await on.collector.until(lambda _: len(on.collector.of("consumer", state="done")) == 5)
        await on.collector.until(lambda _: len(on.collector.of("internal")) == 1)
    (shared,) = on.collector.of("internal")
    assert shared.attributes["messaging.batch.message_count"] == 5
    processed = {seen.id: seen for seen in on.collector.of("consumer")}
    others = processed.keys() - {shared.parent}
    assert {span for _, span in shared.links} == others
    for other in others:
        assert processed[other].links == ((shared.trace, shared.id),)
    (call,) = on.collector.of("client", operation="send")
    assert call.parent == shared.id


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x" * 8000,
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-0g",
        f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01-{'y' * 4000}",
    ],
    ids=lambda given: given[:60],
)
async def test_a_traceparent_that_is_none_is_read_past_and_a_new_trace_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        await on.carried_out(an_order(), {"traceparent": given})
        await on.collector.until(lambda spans: len(spans) == 4)
    (trace,) = {seen.trace for seen in on.collector.spans}
    assert trace != TRACE
    (server,) = on.collector.of("server")
    assert server.parent == ""


async def test_two_traceparents_count_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        headers = [*SHOP.items(), *SAMPLED.items(), *SAMPLED.items()]
        async with on.postern.http.post(
            f"{on.postern.url}/v1/events", json=an_order(), headers=headers
        ) as answer:
            assert answer.status == 202
        await on.collector.until(lambda spans: len(spans) == 4)
    assert TRACE not in {seen.trace for seen in on.collector.spans}


async def test_a_traceparent_of_a_megabyte_is_refused_and_nothing_else_suffers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        try:
            async with on.postern.http.post(
                f"{on.postern.url}/v1/events",
                json=an_order(),
                headers=SHOP | {"traceparent": "0" * 1_000_000},
            ) as answer:
                assert answer.status == 400
        except aiohttp.ClientOSError:
            pass  # it hung up while we were still writing
        await on.carried_out(an_order(), SAMPLED)
        await on.collector.until(lambda spans: len(spans) == 4)
    assert {seen.trace for seen in on.collector.spans} == {TRACE}


async def test_who_cannot_prove_who_they_are_leaves_no_span(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor has anything of theirs kept: a trace is asked for by those who may send."""
    async with traced(tmp_path, monkeypatch) as on:
        wrong = {"Authorization": "Bearer not-a-key-0123456789-0123456789"}
        for _ in range(20):
            await on.post(an_order(), wrong | SAMPLED, status=401)
        await on.carried_out(an_order(), {})
        await on.collector.until(lambda spans: len(spans) == 4)
    assert TRACE not in {seen.trace for seen in on.collector.spans}
    assert len(on.collector.spans) == 4


async def test_a_sender_that_does_not_keep_its_trace_has_none_kept_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, monkeypatch) as on:
        await on.carried_out(an_order(1), {"traceparent": f"00-{TRACE}-{PARENT}-00"})
        await on.carried_out(an_order(2), {})
        await on.collector.until(lambda spans: len(spans) == 4)
    assert TRACE not in {seen.trace for seen in on.collector.spans}
    assert len(on.collector.spans) == 4


async def test_a_repeat_under_another_trace_is_the_same_action(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that tries again has a new trace each time, and nothing is done twice for it."""
    async with traced(tmp_path, monkeypatch) as on:
        first = await on.carried_out(an_order(), SAMPLED)
        second = await on.carried_out(an_order(), {})
        assert [action["id"] for action in first["actions"]] == [
            action["id"] for action in second["actions"]
        ]
        await on.collector.until(lambda _: len(on.collector.of("consumer")) == 2)
        assert len(await on.postern.effects("addsms")) == 1
    assert len({seen.trace for seen in on.collector.of("consumer")}) == 2
