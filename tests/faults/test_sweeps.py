"""Calls that reach over a whole database, beside calls for one person: nobody is written to again
who was suspended later.

The rules are held in the journal's conformance suite; here, that the calls of the vendor are wired
to them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.journal.states import State
from core.messages import Action
from tests.faults.stage import Stage, an_update, message
from tests.samples import NOON, an_action


def a_sweep(event_id: str, call: str, *, minute: int, **scope: Any) -> Action:
    return an_action(
        event_id,
        step=f"altcraft.subscriptions/{call}",
        at=NOON + timedelta(minutes=minute) - timedelta(hours=1),
        provider="altcraft",
        operation=f"subscriptions/{call}",
        params={"db_id": 1, **scope},
    )


async def statuses(stage: Stage) -> list[str]:
    async with stage.http.get(f"{stage.sandbox}/_sandbox/altcraft") as answer:
        state = await answer.json()
    return [
        subscription["status"]
        for profile in state["databases"]["1"].values()
        for subscription in profile["subscriptions"]
    ]


async def test_an_older_unsuspend_all_does_not_undo_a_newer_suspension(stage: Stage) -> None:
    worker = await stage.altcraft()
    await stage.deliver(worker, message(an_update("newer", minute=5, status="suspended")))
    older = a_sweep("older", "unsuspend_all", minute=1)
    await stage.deliver(worker, message(older))
    assert await statuses(stage) == ["suspended"]
    assert (await stage.stored(older)).state is State.PARKED


@pytest.mark.parametrize(
    ("newer_scope", "older_scope"),
    [
        pytest.param({}, {}, id="as-wide"),
        pytest.param({}, {"resource_id": 1}, id="narrower"),
        pytest.param({"resource_id": 1}, {}, id="wider"),
        pytest.param({"channel": "email"}, {"resource_id": 1}, id="across"),
    ],
)
async def test_an_older_unsuspend_does_not_undo_a_newer_suspension_it_overlaps(
    stage: Stage, newer_scope: dict[str, Any], older_scope: dict[str, Any]
) -> None:
    """Neither scope need hold the other: a resource and a channel meet in one subscription."""
    worker = await stage.altcraft()
    await stage.deliver(worker, message(an_update("first", minute=0, status="subscribed")))
    newer = a_sweep("newer", "suspend_all", minute=5, **newer_scope)
    await stage.deliver(worker, message(newer))
    assert await statuses(stage) == ["suspended"]
    older = a_sweep("older", "unsuspend_all", minute=1, **older_scope)
    await stage.deliver(worker, message(older))
    assert await statuses(stage) == ["suspended"]
    assert (await stage.stored(older)).state in {State.PARKED, State.SUPERSEDED}


async def test_a_sweep_waits_for_a_call_that_may_still_land(stage: Stage) -> None:
    """It would subscribe somebody after everybody was suspended."""
    worker = await stage.altcraft()
    await stage.deliver(worker, message(an_update("first", minute=0, status="subscribed")))
    await stage.fault("subscriptions/set", "drop-before", times=1)
    unknown = an_update("unknown", minute=1, status="subscribed", email="bob@example.com")
    await stage.deliver(worker, message(unknown))
    sweep = a_sweep("sweep", "suspend_all", minute=2)
    await stage.deliver(worker, message(sweep))
    assert (await stage.stored(sweep)).state is State.WAITING
    assert await statuses(stage) == ["subscribed"]
    for _ in range(6):
        await stage.pass_time(40)
        await stage.deliver_due(worker)
    assert (await stage.stored(sweep)).state is State.DONE
    assert set(await statuses(stage)) == {"suspended"}, "the older call does not come after it"
