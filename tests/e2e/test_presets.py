"""Shops as they really post: through verification, mapping and one rule for all to an action."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.broker.topology import RECORDER_QUEUE
from core.messages import EventRecord
from tests.e2e.deliveries import ADOBE_PEM, SECRET, SIGN, Recorded, recorded
from tests.e2e.serving import KEYS, Answer, Served, serving

CONFIG = """
sources:
  shopify:
    preset: shopify
    verify: {secrets: [{env: SHOPIFY}]}
    events: ["order.*", "user.*", "shopify.*"]
  woocommerce: {preset: woocommerce, verify: {secrets: [{env: WOOCOMMERCE}]}}
  stripe: {preset: stripe, verify: {secrets: [{env: STRIPE}]}}
  bigcommerce: {preset: bigcommerce, verify: {secrets: [{env: BIGCOMMERCE}]}}
  github: {preset: github, verify: {secrets: [{env: GITHUB}]}}
  adobe-commerce:
    preset: adobe-commerce
    verify: {secrets: [{env: ADOBE}]}
    types: {"*": order.placed}
  till:
    verify: {scheme: hmac, header: x-till-signature, encoding: base64, secrets: [{env: TILL}]}
    map:
      id: ${body.sale.no}
      type: order.placed
      time: ${body.sale.at}
      subject: ${"till " + headers["x-till"]}
      data: {number: "no. ${body.sale.no}", phone: "${body.buyer.mobile}"}
    on_invalid: park
providers:
  sms: {kind: smsgateway24, url: "http://127.0.0.1:9", token: {env: SMS_TOKEN}, device_id: 260,
  region: DE}
rules:
  - id: thanks
    on: [order.placed, order.paid]
    when: has(data.phone)
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Thank you for order {{ data.number }}!"}
  - id: tell-us
    on: [order.placed, "github.release.*"]
    when: "!has(data.phone)"
    do:
      - call: sms.send
        with: {to: "+491713920099", text: "{{ event.type }}"}
"""
SECRETS = ("SHOPIFY", "WOOCOMMERCE", "STRIPE", "BIGCOMMERCE", "GITHUB", "TILL")


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in SECRETS:
        # One system, one secret: here each has its own by a byte at its end.
        monkeypatch.setenv(name, SECRET + name)
    monkeypatch.setenv("ADOBE", ADOBE_PEM)
    path = tmp_path / "postern.yaml"
    path.write_text(CONFIG)
    async with serving(tmp_path, config_path=path) as it:
        yield it


async def deliver(
    served: Served,
    source: str,
    delivery: Recorded,
    *,
    body: bytes | None = None,
    more: Mapping[str, str] | None = None,
) -> Answer:
    raw = delivery.raw
    secret = SECRET + source.upper()
    headers = {**delivery.headers, **SIGN[source](raw, secret), **(more or {})}
    sent = raw if body is None else body
    return await served.ask("POST", f"/v1/hooks/{source}", data=sent, headers=headers)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is expected of a recorded delivery."""

    delivery: str
    source: str
    type: str
    id: str
    time: str | None
    rule: str
    data: dict[str, Any]
    text: str


CASES = [
    Case(
        delivery="shopify-orders-create",
        source="shopify",
        type="order.placed",
        id="orders/create:820982911946154508",
        time="2026-11-22T09:00:00+00:00",
        rule="thanks",
        data={
            "order_id": "820982911946154508",
            "number": "1234",
            "total": "398.00",
            "currency": "USD",
            "email": "jon@example.com",
            "phone": "+491713920021",
        },
        text="Thank you for order 1234!",
    ),
    Case(
        delivery="woocommerce-order-created",
        source="woocommerce",
        type="order.placed",
        id="order.created:727",
        time="2026-11-22T09:28:02+00:00",
        rule="thanks",
        data={"number": "727", "total": "29.35", "currency": "EUR", "phone": "0171 3920022"},
        text="Thank you for order 727!",
    ),
    Case(
        delivery="stripe-checkout-session-completed",
        source="stripe",
        type="order.paid",
        id="evt_1NG8Du2eZvKYlo2CUI79vXWy",
        time="2026-11-22T09:00:00+00:00",
        rule="thanks",
        data={"number": "1005", "total": "21.98", "currency": "EUR", "phone": "+491713920023"},
        text="Thank you for order 1005!",
    ),
    Case(
        delivery="bigcommerce-order-created",
        source="bigcommerce",
        type="order.placed",
        id="msg_2Yh3",
        time="2026-11-22T09:00:00+00:00",
        rule="tell-us",
        data={"order_id": "250", "store_id": "1025646"},
        text="order.placed",
    ),
    Case(
        delivery="github-release-published",
        source="github",
        type="github.release.published",
        id="body-",
        time=None,
        rule="tell-us",
        data={"repository": "Codertocat/Hello-World", "sender": "Codertocat"},
        text="github.release.published",
    ),
    Case(
        delivery="adobe-commerce-order-placed",
        source="adobe-commerce",
        type="order.placed",
        id="webhook:000000013:2026-11-22 09:00:00",
        time="2026-11-22T09:00:00+00:00",
        rule="thanks",
        data={"number": "000000013", "total": "36.39", "email": "roni_cost@example.com"},
        text="Thank you for order 000000013!",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.source))
async def test_a_delivery_becomes_an_event_and_an_action(served: Served, case: Case) -> None:
    delivery = recorded(case.delivery)
    answer = await deliver(served, case.source, delivery)
    assert answer.status == 200, answer.body
    record = await served.record_next()
    assert_is(record, case, delivery)
    if case.source == "adobe-commerce":
        assert answer.body == {"op": "success"}
    else:
        assert (answer.body["id"], answer.body["ref"]) == (record.event.id, record.event.ref)


def assert_is(record: EventRecord, case: Case, delivery: Recorded) -> None:
    event = record.event
    assert event.type == case.type
    assert event.id.startswith(case.id)
    assert (event.time.isoformat() if event.time else None) == case.time
    assert event.data.pop("original") == delivery.body
    assert {name: event.data.get(name) for name in case.data} == case.data
    (action,) = record.actions
    assert (action.rule, action.parked, action.params["text"]) == (case.rule, None, case.text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.source))
async def test_a_delivery_that_is_repeated_is_the_same_event(served: Served, case: Case) -> None:
    """Whatever its sender counts anew with each attempt, and whoever overheard it changes."""
    delivery = recorded(case.delivery)
    anew = {
        "X-WC-Webhook-Delivery-ID": "another",
        "X-Shopify-Webhook-Id": "another",
        "X-Shopify-Event-Id": "another",
        "X-GitHub-Delivery": "another",
    }
    assert (await deliver(served, case.source, delivery)).status == 200
    assert (await deliver(served, case.source, delivery, more=anew)).status == 200
    first, second = await served.record_next(), await served.record_next()
    assert first.event.id == second.event.id
    assert [action.id for action in first.actions] == [action.id for action in second.actions]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.source))
async def test_a_delivery_that_was_changed_is_refused(served: Served, case: Case) -> None:
    delivery = recorded(case.delivery)
    changed = delivery.raw.replace(b"1", b"2", 1)
    answer = await deliver(served, case.source, delivery, body=changed)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert await served.published() == (0, 0)


async def test_an_order_that_is_edited_after_it_was_paid_is_paid_once(served: Served) -> None:
    delivery = recorded("woocommerce-order-created")
    updated = {**delivery.headers, "X-WC-Webhook-Topic": "order.updated"}
    refs = []
    for minute, note in (("28:08", ""), ("31:00", "call first"), ("40:12", "called")):
        body = {
            **delivery.body,
            "date_modified_gmt": f"2026-11-22T09:{minute}",
            "customer_note": note,
        }
        answer = await deliver(served, "woocommerce", Recorded(headers=updated, body=body))
        assert answer.status == 200
        refs.append(answer.body["ref"])
        record = await served.record_next()
        assert (record.event.type, record.event.id) == (
            "order.paid",
            "order.updated/processing:727",
        )
    assert len(set(refs)) == 1
    # Told again with other data is no conflict that an operator would have to look at.
    assert (await served.journal.record([record])).conflicting == ()


async def test_what_is_not_mapped_keeps_its_own_name(served: Served) -> None:
    delivery = Recorded(
        headers={"Content-Type": "application/json", "X-Shopify-Topic": "products/update"},
        body={"id": 788032119674292922, "updated_at": "2026-11-22T04:00:00-05:00", "title": "x"},
    )
    answer = await deliver(served, "shopify", delivery)
    assert answer.status == 200
    event = (await served.record_next()).event
    assert event.type == "shopify.products.update"
    assert event.id == "products/update:788032119674292922:2026-11-22T04:00:00-05:00"


async def test_a_topic_that_is_not_wanted_is_answered_well_and_left_aside(served: Served) -> None:
    delivery = recorded("shopify-orders-create")
    headers = {**delivery.headers, "X-Shopify-Topic": "customers_marketing_consent/update"}
    body = {"customer_id": 7, "sms_marketing_consent": {"state": "subscribed"}}
    answer = await deliver(served, "shopify", Recorded(headers=headers, body=body))
    assert (answer.status, answer.body["status"]) == (200, "ignored")
    assert await served.published() == (0, 0)


@pytest.mark.parametrize(
    ("source", "topic", "body"),
    [
        ("woocommerce", {"X-WC-Webhook-Topic": "order.created"}, {"number": "7"}),
        ("bigcommerce", {}, {"data": {"id": 1}}),
        ("bigcommerce", {}, {"scope": "\x00"}),
        ("shopify", {}, {"id": 1}),
        ("stripe", {}, {"id": "evt_1", "type": 7}),
        ("adobe-commerce", {}, []),
    ],
)
async def test_an_authentic_delivery_that_is_no_event_is_kept_and_answered_200(
    served: Served, source: str, topic: dict[str, str], body: Any
) -> None:
    headers = {"Content-Type": "application/json", **topic}
    answer = await deliver(served, source, Recorded(headers=headers, body=body))
    assert answer.status == 200
    assert answer.body.get("status", answer.body.get("op")) in {"parked", "success"}
    assert await served.broker.depth(RECORDER_QUEUE) == 1


async def test_woocommerce_is_answered_when_it_asks_if_somebody_is_there(served: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    asked = {"data": b"webhook_id=7", "headers": form}
    answer = await served.ask("POST", "/v1/hooks/woocommerce", **asked)
    assert (answer.status, answer.body) == (200, {"status": "ping"})
    for source in ("shopify", "stripe", "github", "till"):
        assert (await served.ask("POST", f"/v1/hooks/{source}", **asked)).status == 401
    for other in (b"webhook_id=7&x=1", b"", b'{"id":1}'):
        answer = await served.ask("POST", "/v1/hooks/woocommerce", data=other, headers=form)
        assert answer.status == 401
    assert await served.published() == (0, 0)


async def test_a_map_makes_events_of_an_unknown_system(served: Served) -> None:
    body = {"sale": {"no": 4711, "at": "2026-11-22T09:00:00Z"}, "buyer": {"mobile": "01713920025"}}
    answer = await till(served, Recorded(headers={"X-Till": "3"}, body=body))
    assert answer.status == 202
    record = await served.record_next()
    assert (record.event.id, record.event.subject) == ("4711", "till 3")
    assert record.event.data == {"number": "no. 4711", "phone": "01713920025"}
    assert record.actions[0].params["text"] == "Thank you for order no. 4711!"


async def test_what_a_map_cannot_be_made_for_is_parked(served: Served) -> None:
    answer = await till(served, Recorded(headers={}, body={"sale": {}}))
    assert (answer.status, answer.body["status"]) == (200, "parked")
    assert await served.broker.depth(RECORDER_QUEUE) == 1


async def till(served: Served, delivery: Recorded) -> Answer:
    digest = SIGN["woocommerce"](delivery.raw, SECRET + "TILL")["X-WC-Webhook-Signature"]
    headers = {"Content-Type": "application/json", "x-till-signature": digest, **delivery.headers}
    return await served.ask("POST", "/v1/hooks/till", data=delivery.raw, headers=headers)
