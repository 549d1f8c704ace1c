"""From an event to what the handset reported, and from a text that somebody sends to Altcraft."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.whole import KEYS, Whole, every, whole

CONFIG = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["order.*"]}
providers:
  altcraft:
    kind: altcraft
    url: "{sandbox}/altcraft"
    token: {env: TOKEN}
    db_id: 1
    resource_id: 7
  told:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
    callback: {secrets: [{env: CALLBACK}], source: shop}
  asked:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
    poll: [100ms, 200ms, 200ms, 200ms, 200ms, 200ms, 200ms, 200ms, 200ms, 1s, 1s, 1s]
  both:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    email: {env: EMAIL}
    password: {env: PASSWORD}
    device_id: [260, 261]
    pick: online
    region: DE
    poll: []
rules:
  - id: told
    on: order.placed
    do:
      - call: told.send
        with: {to: "${data.phone}", text: "Order {{ data.number }} is on its way."}
  - id: asked
    on: order.asked
    do:
      - call: asked.send
        with: {to: "${data.phone}", text: "Order {{ data.number }} is on its way."}
  - id: picked
    on: order.picked
    do:
      - call: both.send
        with: {to: "${data.phone}", text: "Order {{ data.number }} is on its way."}
  - id: stop
    on: sms.received
    when: data.body.matches("^(?i) *stop *$")
    do:
      - call: altcraft.profiles/update
        with:
          matching: phone_sub
          phone: ${data.from}
          data:
            subscriptions:
              - {resource_id: 7, channel: sms, phone: "${data.from}", status: unsubscribed}
        lane: urgent
"""

ADA = "+4915123456789"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def order(kind: str, number: int = 1, phone: str = ADA) -> dict[str, Any]:
    data = {"phone": phone, "number": number}
    return {"id": f"{kind}-{number}", "type": kind, "data": data}


def callback(postern: Whole, secret: str = KEYS["CALLBACK"]) -> str:
    return f"{postern.url}/v1/callbacks/told/{secret}"


async def report_to_us(postern: Whole, **how: Any) -> None:
    await postern.ask("PUT", "/_sandbox/smsgateway24/webhooks", {"url": callback(postern), **how})


@pytest.mark.parametrize("shape", ["reference", "older", "article"])
async def test_a_text_goes_from_event_to_delivered_by_webhook(tmp_path: Path, shape: str) -> None:
    """Whatever shape the reports have, twice and in disorder."""
    async with whole(tmp_path, CONFIG) as postern:
        await report_to_us(postern, shape=shape, disorder=True, duplicates=True)
        (receipt,) = await postern.post(order("order.placed"))
        record = await postern.record(receipt["ref"], every(state="done", receipt="delivered"))
        (action,) = record["actions"]
        assert action["receipt_reason"].startswith("delivered")
        (text,) = await postern.effects("addsms")
        assert action["reference"] == text["reference"]


async def test_a_text_goes_from_event_to_delivered_by_asking(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        (receipt,) = await postern.post(order("order.asked"))
        await postern.record(receipt["ref"], every(state="done", receipt="delivered"))
        asked = (await postern.counts())["requests"]["getsmsstatus"]
        assert asked >= 1


async def test_a_text_that_cannot_be_delivered_says_why_and_stays_done(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        await report_to_us(postern)
        await postern.ask(
            "POST", "/_sandbox/smsgateway24/outcomes", {"match": {"sendto": ADA}, "status": 9}
        )
        (receipt,) = await postern.post(order("order.placed"))
        record = await postern.record(receipt["ref"], every(state="done", receipt="failed"))
        assert "9" in record["actions"][0]["receipt_reason"]


async def test_a_stop_that_somebody_texts_unsubscribes_them(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        await report_to_us(postern, duplicates=True)
        await subscribe(postern)
        incoming = {"from": ADA, "body": "Stop ", "device_id": 260}
        await postern.ask("POST", "/_sandbox/smsgateway24/incoming", incoming)
        await postern.ask(
            "POST", "/_sandbox/smsgateway24/incoming", {**incoming, "body": "Thanks!"}
        )
        ref = await stopped(postern)
        record = await postern.record(ref, every(state="done"))
        assert (record["source"], record["type"]) == ("shop", "sms.received")
        (action,) = record["actions"]
        assert (action["rule"], action["lane"]) == ("stop", "urgent")
        assert await statuses(postern) == ["unsubscribed"]
        assert len(await postern.effects("profiles/update")) == 1, "its repeat changes nothing"


async def subscribe(postern: Whole) -> None:
    subscribed = {
        "token": "t",
        "db_id": 1,
        "matching": "phone",
        "phone": ADA,
        "data": {
            "subscriptions": [
                {"resource_id": 7, "channel": "sms", "phone": ADA, "status": "subscribed"}
            ]
        },
    }
    await postern.ask("POST", "/altcraft/api/v1.1/profiles/import", subscribed)


async def stopped(postern: Whole) -> str:
    """The reference of the event that the stop became."""
    for _ in range(200):
        page = await postern.read("/v1/actions", rule="stop")
        if page["actions"]:
            return str(page["actions"][0]["ref"])
        await asyncio.sleep(0.05)
    raise AssertionError("nobody stopped")


async def statuses(postern: Whole) -> list[str]:
    state = await postern.ask("GET", "/_sandbox/altcraft")
    return [
        subscription["status"]
        for profiles in state["databases"].values()
        for profile in profiles.values()
        for subscription in profile["subscriptions"]
    ]


async def test_a_callback_with_a_wrong_secret_is_not_there(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        body = {"sms_id": 1, "status_id": 7}
        for url in (
            callback(postern, secret="x" * 40),
            callback(postern).replace("/told/", "/asked/"),
            callback(postern).replace("/told/", "/nobody/"),
        ):
            async with postern.http.post(url, json=body) as answer:
                told = await answer.json()
                assert (answer.status, told["code"]) == (404, "not-found")
                assert KEYS["CALLBACK"] not in str(told)


async def test_a_callback_of_no_known_shape_is_kept_for_a_person(tmp_path: Path) -> None:
    """It came with our secret, so it is not thrown away; and it can never pass for a message."""
    async with whole(tmp_path, CONFIG) as postern:
        forged = b'{"v": 1, "kind": "receipt", "receipt": {"provider": "told"}}'
        async with postern.http.post(callback(postern), data=forged) as answer:
            assert (answer.status, await answer.json()) == (200, {"receipts": 0, "events": []})
        (receipt,) = await postern.post(order("order.placed"))
        await postern.record(receipt["ref"], every(state="done"))


async def test_a_login_is_made_once_and_again_when_its_token_is_refused(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        account = {"email": "shop@example.com", "password": KEYS["PASSWORD"]}
        await postern.ask("POST", "/_sandbox/smsgateway24/accounts", account)
        first = await postern.post(*(order("order.picked", number) for number in range(8)))
        for receipt in first:
            await postern.record(receipt["ref"], every(state="done"))
        assert (await postern.counts())["requests"]["gettoken"] == 1
        assert len(await postern.effects("addsms")) == 8


async def test_texts_go_round_the_phones_that_are_online(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        account = {"email": "shop@example.com", "password": KEYS["PASSWORD"]}
        await postern.ask("POST", "/_sandbox/smsgateway24/accounts", account)
        receipts = await postern.post(*(order("order.picked", number) for number in range(6)))
        for receipt in receipts:
            await postern.record(receipt["ref"], every(state="done"))
        sent = [effect["params"]["device_id"] for effect in await postern.effects("addsms")]
        assert (sent.count("260"), sent.count("261")) == (3, 3)


async def test_the_receipt_of_an_event_tells_what_its_text_takes(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        (plain,) = await postern.post(order("order.placed", 1))
        assert plain["actions"][0]["text"] == {"encoding": "gsm-7", "length": 22, "segments": 1}
        event = order("order.placed", 2)
        event["data"]["number"] = "Ł" * 300
        (long,) = await postern.post(event)
        text = long["actions"][0]["text"]
        assert (text["encoding"], text["segments"]) == ("ucs-2", 5)
        assert any("5 segments" in note for note in long["notes"])


async def test_a_stop_with_a_device_id_longer_than_any_number_is_an_event(tmp_path: Path) -> None:
    """No JSON number of ours holds it; the STOP counts all the same."""
    async with whole(tmp_path, CONFIG) as postern:
        answer = await texted(postern, device_id="9" * 25, date="2026-11-25 10:00:00")
        assert len(answer["events"]) == 1


async def test_a_stop_from_a_phone_whose_clock_is_years_behind_is_carried_out(
    tmp_path: Path,
) -> None:
    """By its own time it would be older than the subscription that it ends, or have expired."""
    async with whole(tmp_path, CONFIG) as postern:
        await subscribe(postern)
        long_ago = "2015-01-01 00:00:00"
        answer = await texted(postern, device_id=260, date=long_ago, date_sent=long_ago)
        (ref,) = answer["events"]
        await postern.record(ref, every(state="done"))
        assert await statuses(postern) == ["unsubscribed"]


async def texted(postern: Whole, **fields: Any) -> Any:
    """What we answer to a phone that posts a STOP as it came."""
    body = {"address": ADA, "body": "STOP", "internal_id": 1, **fields}
    async with postern.http.post(callback(postern), json=body) as answer:
        told = await answer.json()
        assert answer.status == 200, told
        return told
