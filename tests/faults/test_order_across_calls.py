"""Consent across calls that find the same person in different ways, or reach over everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.journal.states import State
from core.messages import Action
from tests.faults.stage import Stage, an_update, message
from tests.samples import NOON, an_action

ADA = "+4915123456789"


def stop(event_id: str, *, minute: int) -> Action:
    """As a texted STOP does: found by phone, whatever the profile."""
    return an_action(
        event_id,
        step="altcraft.profiles/update",
        at=NOON + timedelta(minutes=minute) - timedelta(hours=1),
        provider="altcraft",
        operation="profiles/update",
        params={
            "db_id": 1,
            "matching": "phone_sub",
            "phone": ADA,
            "data": {
                "subscriptions": [
                    {"resource_id": 1, "channel": "sms", "phone": ADA, "status": "unsubscribed"}
                ]
            },
        },
    )


def by_profile(event_id: str, *, minute: int, **fields: Any) -> Action:
    """The same subscription, found by its profile."""
    return an_action(
        event_id,
        at=NOON + timedelta(minutes=minute) - timedelta(hours=1),
        provider="altcraft",
        operation="subscriptions/set",
        params={
            "db_id": 1,
            "resource_id": 1,
            "profile_id": "p1",
            "channel": "sms",
            "phone": ADA,
            **fields,
        },
    )


def everybody(event_id: str, *, minute: int, **scope: Any) -> Action:
    return an_action(
        event_id,
        at=NOON + timedelta(minutes=minute) - timedelta(hours=1),
        provider="altcraft",
        operation="subscriptions/suspend_all",
        params={"db_id": 1, **scope},
    )


async def status(stage: Stage, channel: str) -> list[str]:
    async with stage.http.get(f"{stage.sandbox}/_sandbox/altcraft") as answer:
        state = await answer.json()
    return [
        found["status"]
        for profiles in state["databases"].values()
        for profile in profiles.values()
        for found in profile["subscriptions"]
        if found["channel"] == channel
    ]


async def test_an_older_subscription_by_profile_does_not_undo_a_newer_stop_by_phone(
    stage: Stage,
) -> None:
    worker = await stage.altcraft()
    first = by_profile("first", minute=0, status="subscribed")
    await stage.deliver(worker, message(first))
    await stage.deliver(worker, message(stop("stop", minute=2)))
    assert await status(stage, "sms") == ["unsubscribed"]
    late = by_profile("late", minute=1, status="subscribed", priority=3)
    await stage.deliver(worker, message(late))
    assert await status(stage, "sms") == ["unsubscribed"]
    stored = await stage.stored(late)
    assert stored.state in {State.DONE, State.SUPERSEDED}


async def test_the_two_do_not_go_at_the_same_time(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.fault("subscriptions/set", "drop-after-effect", times=1)
    await stage.deliver(worker, message(by_profile("first", minute=0, status="subscribed")))
    later = stop("stop", minute=2)
    await stage.deliver(worker, message(later))
    assert (await stage.stored(later)).state is State.WAITING, "an unknown call may still land"
    await stage.pass_time(40)
    while await stage.deliver_due(worker):
        await stage.pass_time(40)
    assert await status(stage, "sms") == ["unsubscribed"]


async def test_a_sweep_waits_for_a_call_whose_outcome_is_unknown(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.fault("subscriptions/set", "drop-after-effect", times=1)
    await stage.deliver(worker, message(an_update("first", status="subscribed")))
    sweep = everybody("all", minute=5)
    await stage.deliver(worker, message(sweep))
    assert (await stage.stored(sweep)).state is State.WAITING
    held = an_update("held", minute=6, email="bob@example.com", status="subscribed")
    await stage.deliver(worker, message(held))
    assert (await stage.stored(held)).state is State.WAITING, "nobody begins while it waits"
    for _ in range(6):
        await stage.pass_time(40)
        await stage.deliver_due(worker)
    assert sorted(await status(stage, "email")) == ["subscribed", "suspended"]
    assert (await stage.stored(sweep)).state is State.DONE


async def test_what_is_older_than_a_sweep_does_not_come_after_it(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.deliver(worker, message(an_update("first", status="subscribed")))
    await stage.deliver(worker, message(everybody("all", minute=5)))
    late = an_update("late", minute=3, status="subscribed")
    await stage.deliver(worker, message(late))
    assert await status(stage, "email") == ["suspended"]
    assert (await stage.stored(late)).state is State.PARKED


async def test_a_sweep_of_one_channel_leaves_the_others_to_themselves(stage: Stage) -> None:
    worker = await stage.altcraft()
    newer = an_update("newer", minute=9, status="subscribed")
    await stage.deliver(worker, message(newer))
    by_sms = everybody("sms", minute=5, channel="sms")
    await stage.deliver(worker, message(by_sms))
    assert (await stage.stored(by_sms)).state is State.DONE
    over_all = everybody("all", minute=5)
    await stage.deliver(worker, message(over_all))
    assert (await stage.stored(over_all)).state is State.PARKED, "it would undo the newer word"
    assert await status(stage, "email") == ["subscribed"]
