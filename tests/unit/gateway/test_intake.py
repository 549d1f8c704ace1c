"""The intake: everything of a request is confirmed before a receipt is given, or the sender gets
an error."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from core.clock import ManualClock
from core.errors import BodyTooLarge, BrokerUnavailable, PublishRefused, Unroutable
from core.messages import Event, decode_action, decode_record
from gateway.intake import LARGEST, Intake
from gateway.metrics import Metrics
from tests.unit.gateway.fakes import FakePlanner, FakePublisher

CLOCK = ManualClock()


def event(event_id: str = "o-1", kind: str = "order.placed") -> Event:
    return Event(source="shop", id=event_id, type=kind, received_at=CLOCK.now())


def intake(
    publisher: FakePublisher,
    *,
    planner: FakePlanner | None = None,
    registry: CollectorRegistry | None = None,
    deadline: timedelta = timedelta(seconds=5),
) -> Intake:
    chosen = planner or FakePlanner()
    return Intake(
        planner=lambda: chosen,
        publisher=publisher,
        clock=CLOCK,
        metrics=Metrics(registry or CollectorRegistry()),
        label=lambda kind: kind if kind == "order.placed" else "other",
        deadline=deadline,
    )


async def test_all_messages_of_a_request_go_out_at_once_and_the_records_first() -> None:
    publisher = FakePublisher()
    planner = FakePlanner(rules=("welcome", "odd", "thanks"))
    await intake(publisher, planner=planner).accept([event("o-1"), event("o-2")])
    (sent,) = publisher.requests
    assert [message.queue for message in sent] == [
        *["postern.recorder"] * 2,
        *["postern.sms.urgent"] * 4,
    ]
    assert [decode_record(message.body).event.id for message in sent[:2]] == ["o-1", "o-2"]
    assert [decode_action(message.body).action.rule for message in sent[2:]] == [
        *("welcome", "thanks"),
        *("welcome", "thanks"),
    ]


async def test_what_the_broker_would_not_take_is_refused_before_anything_is_sent() -> None:
    """It would close the channel, and with it end what others wait for."""
    publisher = FakePublisher()
    large = replace(event(), data={"note": "x" * LARGEST})
    with pytest.raises(BodyTooLarge, match="What the rules make of it"):
        await intake(publisher).accept([event("o-1"), large])
    assert publisher.requests == []


async def test_a_parked_action_is_recorded_whole_and_never_published() -> None:
    publisher = FakePublisher()
    await intake(publisher, planner=FakePlanner(rules=("odd",))).accept([event()])
    (message,) = publisher.messages
    (action,) = decode_record(message.body).actions
    assert action.parked is not None


async def test_an_event_that_no_rule_wants_is_still_recorded() -> None:
    publisher = FakePublisher()
    (receipt,) = await intake(publisher, planner=FakePlanner(rules=())).accept([event()])
    assert [message.queue for message in publisher.messages] == ["postern.recorder"]
    assert receipt.plan.notes == ("no rule matched this event",)


async def test_the_same_event_twice_has_the_same_ids() -> None:
    publisher = FakePublisher()
    gate = intake(publisher)
    first = await gate.accept([event()])
    second = await gate.accept([event()])
    assert first == second
    assert publisher.requests[0] == publisher.requests[1]


@pytest.mark.parametrize("error", [BrokerUnavailable("x"), PublishRefused("x"), Unroutable("x")])
async def test_what_the_broker_says_reaches_the_sender(error: Exception) -> None:
    with pytest.raises(type(error)):
        await intake(FakePublisher(error=error)).accept([event()])


async def test_a_confirm_that_does_not_come_is_given_up_in_time() -> None:
    publisher = FakePublisher(gate=asyncio.Event())
    with pytest.raises(BrokerUnavailable):
        await intake(publisher, deadline=timedelta(milliseconds=20)).accept([event()])


async def test_no_receipt_is_given_before_the_confirm() -> None:
    publisher = FakePublisher(gate=asyncio.Event())
    task = asyncio.ensure_future(intake(publisher).accept([event()]))
    await publisher.entered.wait()
    assert not task.done()
    assert publisher.gate is not None
    publisher.gate.set()
    assert len(await task) == 1


async def test_others_get_their_turn_while_a_long_batch_is_planned() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await intake(FakePublisher()).accept([event(f"o-{number}") for number in range(100)])
    counting.cancel()
    assert turns >= 10


async def test_rules_are_asked_for_anew_with_each_request() -> None:
    planners = [FakePlanner(version="v1"), FakePlanner(version="v2")]
    gate = Intake(
        planner=lambda: planners.pop(0),
        publisher=FakePublisher(),
        clock=CLOCK,
        metrics=Metrics(CollectorRegistry()),
        label=str,
        deadline=timedelta(seconds=5),
    )
    versions = [(await gate.accept([event()]))[0].plan.rules_version for _ in range(2)]
    assert versions == ["v1", "v2"]


async def test_what_was_accepted_is_counted_under_configured_names_only() -> None:
    registry = CollectorRegistry()
    gate = intake(FakePublisher(), planner=FakePlanner(rules=("welcome", "odd")), registry=registry)
    await gate.accept([event("1"), event("2", "made.up"), event("3", "made.up.too")])

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    accepted = "postern_events_accepted_total"
    assert value(accepted, source="shop", type="order.placed") == 1
    assert value(accepted, source="shop", type="other") == 2
    planned = "postern_actions_planned_total"
    assert value(planned, provider="sms", lane="urgent", state="queued") == 3
    assert value(planned, provider="sms", lane="urgent", state="parked") == 3
    assert value("postern_rules_failed_total", rule="odd") == 3


async def test_what_was_refused_is_not_counted_as_accepted() -> None:
    registry = CollectorRegistry()
    gate = intake(FakePublisher(error=BrokerUnavailable("x")), registry=registry)
    with pytest.raises(BrokerUnavailable):
        await gate.accept([event()])
    labels = {"source": "shop", "type": "order.placed"}
    assert registry.get_sample_value("postern_events_accepted_total", labels) is None
