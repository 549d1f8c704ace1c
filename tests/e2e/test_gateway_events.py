"""Events over real HTTP: receipts, formats, signatures, and that a repeat is recognised."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import BrokerUnavailable, PublishRefused, Unroutable
from core.identity import action_id, event_ref
from core.messages import decode_action
from gateway.settings import Limits
from tests.e2e.serving import KEYS, ORDER, OTHER, SHOP, Served, serving, sign


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def served(tmp_path: Path, keys: None) -> AsyncIterator[Served]:
    async with serving(tmp_path) as it:
        yield it


async def test_a_receipt_names_the_event_and_every_planned_action(served: Served) -> None:
    answer = await served.post(ORDER)
    assert answer.status == 202
    version = answer.body.pop("rules_version")
    assert version
    assert answer.body == {
        "ref": event_ref("shop", "o-1001"),
        "source": "shop",
        "id": "o-1001",
        "notes": [],
        "actions": [
            {
                "id": action_id("shop", "o-1001", "thanks", "sms.send"),
                "rule": "thanks",
                "step": "sms.send",
                "lane": "urgent",
                "state": "queued",
                "text": {"encoding": "gsm-7", "length": 21, "segments": 1},
            }
        ],
    }
    assert await served.published() == (1, 1)


async def test_the_same_event_again_gets_the_same_ids(served: Served) -> None:
    first, second = await served.post(ORDER), await served.post(ORDER)
    assert (first.status, second.status) == (202, 202)
    assert first.body == second.body


async def test_an_event_that_no_rule_wants_is_accepted_and_told_so(served: Served) -> None:
    answer = await served.post({**ORDER, "data": {"total": 1}})
    assert answer.status == 202
    assert answer.body["actions"] == []
    assert "no rule matched this event" in answer.body["notes"]
    assert await served.published() == (1, 0)


async def test_a_rule_that_fails_parks_its_action_and_the_event_is_accepted(
    served: Served,
) -> None:
    answer = await served.post({**ORDER, "data": {"total": 20}})
    assert answer.status == 202
    (action,) = answer.body["actions"]
    assert action["state"] == "parked"
    assert "thanks" in action["reason"]
    assert "phone" in action["reason"]
    assert await served.published() == (1, 0)


async def test_a_list_is_a_batch_with_a_receipt_each(served: Served) -> None:
    answer = await served.post([ORDER, {**ORDER, "id": "o-1002"}])
    assert answer.status == 202
    assert [receipt["id"] for receipt in answer.body["receipts"]] == ["o-1001", "o-1002"]
    assert await served.published() == (2, 2)


async def test_a_list_of_one_is_still_a_batch(served: Served) -> None:
    answer = await served.post([ORDER])
    assert len(answer.body["receipts"]) == 1


CLOUD = {
    "specversion": "1.0",
    "id": "o-1001",
    "source": "/shop",
    "type": "order.placed",
    "time": "2026-01-22T10:00:00Z",
    "data": ORDER["data"],
}


async def test_cloudevents_get_the_same_receipts_in_every_mode(served: Served) -> None:
    structured = await served.ask(
        "POST",
        "/v1/events",
        data=json.dumps(CLOUD),
        headers={**SHOP, "Content-Type": "application/cloudevents+json"},
    )
    binary = await served.ask(
        "POST",
        "/v1/events",
        data=json.dumps(CLOUD["data"]),
        headers={
            **SHOP,
            "Content-Type": "application/json",
            **{f"ce-{name}": str(CLOUD[name]) for name in CLOUD if name != "data"},
        },
    )
    batched = await served.ask(
        "POST",
        "/v1/events",
        data=json.dumps([CLOUD]),
        headers={**SHOP, "Content-Type": "application/cloudevents-batch+json"},
    )
    assert (structured.status, binary.status, batched.status) == (202, 202, 202)
    assert structured.body == binary.body
    assert batched.body == {"receipts": [structured.body]}


@pytest.mark.parametrize("secret", ["HOOK_NEW", "HOOK_OLD"])
@pytest.mark.fault(38)
async def test_a_signed_webhook_is_taken_with_any_active_secret(
    served: Served, secret: str
) -> None:
    answer = await served.hook(json.dumps(ORDER), secret=KEYS[secret])
    assert (answer.status, answer.body["source"]) == (202, "storefront")


async def test_a_webhooks_own_id_stands_in_for_an_event_without_one(served: Served) -> None:
    body = json.dumps({"type": "order.placed", "data": ORDER["data"]})
    first, second = await served.hook(body), await served.hook(body)
    assert (first.status, first.body["id"]) == (202, "msg_1")
    assert first.body == second.body


async def test_a_signature_is_over_the_bytes_and_not_over_what_they_mean(served: Served) -> None:
    body = json.dumps(ORDER)
    headers = {**sign(body, secret=KEYS["HOOK_NEW"]), "Content-Type": "application/json"}
    compact = json.dumps(ORDER, separators=(",", ":"))
    answer = await served.ask("POST", "/v1/hooks/storefront", data=compact, headers=headers)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert await served.published() == (0, 0)


async def test_a_trial_explains_and_does_nothing(served: Served) -> None:
    answer = await served.ask("POST", "/v1/rules/try", json=ORDER, headers=SHOP)
    assert answer.status == 200
    assert answer.body["decision"] == [{"rule": "thanks", "matched": True}]
    (action,) = answer.body["actions"]
    assert (action["provider"], action["call"]) == ("sms", "send")
    assert action["params"]["to"] == "+4915112345678"
    refused = await served.ask(
        "POST", "/v1/rules/try", json={**ORDER, "data": {"total": 3}}, headers=SHOP
    )
    (decided,) = refused.body["decision"]
    assert (decided["matched"], decided["failed"]) == (False, "data.total > 10")
    assert decided["values"] == {"data.total": 3}
    assert await served.published() == (0, 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BrokerUnavailable("away"), "broker-unavailable"),
        (PublishRefused("full"), "publish-refused"),
        (Unroutable("gone"), "unroutable"),
    ],
)
@pytest.mark.fault(6)
async def test_while_the_broker_will_not_take_it_senders_are_told_when_to_come_back(
    served: Served, error: Exception, code: str
) -> None:
    served.broker.error = error
    answer = await served.post(ORDER)
    assert (answer.status, answer.body["code"]) == (503, code)
    assert int(answer.headers["Retry-After"]) >= 1
    served.broker.error = None
    assert (await served.post(ORDER)).status == 202


async def test_a_broker_that_hangs_is_answered_for_within_three_seconds(served: Served) -> None:
    served.broker.hold = asyncio.Event()
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await served.post(ORDER)
    assert answer.status == 503
    assert loop.time() - started < 3
    served.broker.hold = None
    assert (await served.post(ORDER)).status == 202


async def test_a_client_that_hangs_up_does_not_stop_its_publish_half_way(served: Served) -> None:
    served.broker.hold = asyncio.Event()
    asking = asyncio.ensure_future(served.post(ORDER))
    await served.broker.entered.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    served.broker.hold.set()
    async with served.broker.subscribe("postern.sms.urgent", prefetch=1) as deliveries:
        async for delivery in deliveries:
            assert decode_action(delivery.body).action.event_id == "o-1001"
            break


async def test_stopping_waits_for_the_request_in_progress(tmp_path: Path) -> None:
    answers = []
    async with serving(tmp_path) as served:
        hold = served.broker.hold = asyncio.Event()
        asking = asyncio.ensure_future(served.post(ORDER))
        asking.add_done_callback(lambda done: answers.append(done.result().status))
        await served.broker.entered.wait()
        asyncio.get_running_loop().call_later(0.1, hold.set)
    assert answers == [202]


async def test_too_many_bodies_at_once_are_refused_and_the_slot_comes_back(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(bodies=1)) as served:
        served.broker.hold = asyncio.Event()
        first = asyncio.ensure_future(served.post(ORDER))
        await served.broker.entered.wait()
        second = await served.post(ORDER, headers=OTHER)
        assert (second.status, second.body["code"]) == (503, "overloaded")
        assert "Retry-After" in second.headers
        served.broker.hold.set()
        assert (await first).status == 202
        assert (await served.post(ORDER, headers=OTHER)).status == 202


async def test_no_answer_tells_what_software_serves_it_and_all_carry_security_headers(
    served: Served,
) -> None:
    for answer in (
        await served.post(ORDER),
        await served.post({}),
        await served.ask("GET", "/nothing"),
        await served.probe("/livez"),
    ):
        assert answer.headers["Server"] == "postern"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
