"""Random schedules of calls with faults end as if all had come in the order of their events.

Deliveries in any order, several at once, doubled, and with answers lost end in the state that the
same actions, delivered one by one in the order of time, leave at a second simulator. A person who
is asked (parked) is a way out; an action that never ends, or another state with nobody asked, is
not.

Left out, for a known limit: deleting and undeleting. An unsubscription whose event lies between the
two can end in another state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from consumers.carrier import Carrier
from core.configuration import SecretRef
from core.journal.states import State
from core.messages import Action
from tests.faults.stage import Stage, message, open_stage
from tests.samples import NOON, an_action
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.wire import Params

ADA, BOB = "ada@example.com", "bob@example.com"
EMAILS = (ADA, BOB)
STATUSES = ("subscribed", "unsubscribed", "suspended", "unconfirmed")
FAULTS = ("status", "drop-before", "drop-after-effect", "status-after-effect")
OPEN = {State.QUEUED, State.RUNNING, State.WAITING}
LAG = timedelta(seconds=5)
PREPARING = AltcraftProvider(
    url="https://example.com", token=SecretRef(env="UNREAD"), db_id=1, resource_id=1
)

Profiles = Mapping[str, str]
"""The platform's ids of the profiles, by address: each simulator has its own."""


class Plan:
    """What is to happen, the same for both simulators. Values tell which event set them."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        kinds: tuple[Callable[[int], tuple[str, Params]], ...] = (
            *(self._set, self._set, self._set, self._profile, self._profile),
            *(self._batch, self._everybody),
        )
        self.calls = [rng.choice(kinds)(number) for number in range(rng.randint(3, 7))]

    def actions(self, profiles: Profiles) -> list[Action]:
        """In the order of their events."""
        return [
            an_altcraft_action(number, operation, with_profile(params, profiles))
            for number, (operation, params) in enumerate(self.calls)
        ]

    def _set(self, number: int) -> tuple[str, Params]:
        email = self._rng.choice(EMAILS)
        return "subscriptions/set", {"db_id": 1, **self._subscription(email, number)}

    def _profile(self, number: int) -> tuple[str, Params]:
        email = self._rng.choice(EMAILS)
        kind = self._rng.choice(["profiles/import", "profiles/import", "profiles/update"])
        return kind, {"db_id": 1, "email": email, "data": self._data(email, number)}

    def _batch(self, number: int) -> tuple[str, Params]:
        emails = self._rng.sample(EMAILS, 2)
        items = [{"email": email, **self._data(email, number)} for email in emails]
        return "profiles/import_batch", {"db_id": 1, "data": items}

    def _everybody(self, number: int) -> tuple[str, Params]:
        scope: Params = {"db_id": 1}
        if self._rng.random() < 0.3:
            scope["resource_id"] = self._rng.choice([1, 2])
        kind = self._rng.choice(["suspend_all", "unsuspend_all"])
        return f"subscriptions/{kind}", scope

    def _data(self, email: str, number: int) -> Params:
        data: Params = {}
        if self._rng.random() < 0.7:
            data[self._rng.choice(["_fname", "_lname"])] = f"v{number}"
        if self._rng.random() < 0.7:
            data["subscriptions"] = [self._subscription(email, number)]
        return data or {"_fname": f"v{number}"}

    def _subscription(self, email: str, number: int) -> Params:
        resource = self._rng.choice([1, 1, 2])
        fields: Params = {"channel": "email", "email": email, "resource_id": resource}
        if self._rng.random() < 0.6:
            fields["status"] = self._rng.choice(STATUSES)
        if self._rng.random() < 0.4:
            fields["priority"] = number
        if self._rng.random() < 0.3:
            fields["custom_fields"] = {self._rng.choice(["a", "b"]): number}
        if self._rng.random() < 0.2:
            fields["cats"] = [f"c{number}"]
        return fields


def with_profile(params: Params, profiles: Profiles) -> Params:
    """A subscription that is set by itself is found by its profile."""
    by_itself = "channel" in params
    return {**params, "profile_id": profiles[params["email"]]} if by_itself else params


def an_altcraft_action(number: int, operation: str, params: Params) -> Action:
    """Of an event that happened `number` minutes after the first."""
    return an_action(
        f"e-{number}",
        step=f"altcraft.{operation}",
        at=NOON + timedelta(minutes=number, hours=-3),
        provider="altcraft",
        operation=operation,
        params=dict(ALTCRAFT.operations[operation].prepare(params, PREPARING)),
    )


async def database(stage: Stage) -> dict[str, Any]:
    """Profiles by their id."""
    async with stage.http.get(f"{stage.sandbox}/_sandbox/altcraft") as answer:
        found: dict[str, Any] = (await answer.json())["databases"]["1"]
    return found


async def subscribe_all(stage: Stage, worker: Carrier) -> Profiles:
    """Everybody to both resources, long before the first event."""
    number = -1000
    for email in EMAILS:
        for resource in (1, 2):
            one = {"channel": "email", "email": email, "resource_id": resource}
            data = {"_fname": "", "subscriptions": [{**one, "status": "subscribed"}]}
            params = {"db_id": 1, "email": email, "data": data}
            action = an_altcraft_action(number, "profiles/import", params)
            await stage.deliver(worker, message(action))
            assert (await stage.stored(action)).state is State.DONE
            number += 1
    return {profile["fields"]["email"]: key for key, profile in (await database(stage)).items()}


async def shown(stage: Stage) -> dict[str, Any]:
    """What the calls can set, by address."""
    return {
        profile["fields"]["email"]: {
            **{name: profile["fields"].get(name) for name in ("_fname", "_lname")},
            **{
                it["resource_id"]: [
                    it[name] for name in ("status", "priority", "custom_fields", "cats")
                ]
                for it in profile["subscriptions"]
            },
        }
        for profile in (await database(stage)).values()
    }


async def play(stage: Stage, rng: Random, workers: list[Carrier], actions: list[Action]) -> None:
    """Everything in some order, up to four at a time, with faults, doubles and pauses."""
    left = rng.sample(actions, len(actions))
    while left:
        together, left = left[: (size := rng.choice([1, 1, 2, 3]))], left[size:]
        if rng.random() < 0.5:
            fault = rng.choice(FAULTS)
            await stage.fault(together[0].operation, fault, times=1, status=503)
        if rng.random() < 0.2:
            together.append(together[0])
        await asyncio.gather(
            *(stage.deliver(rng.choice(workers), message(action)) for action in together)
        )
        if rng.random() < 0.4:
            await stage.pass_time(rng.choice([1, 10, 40]))
            await stage.deliver_due(rng.choice(workers))
    for _ in range(60):
        await stage.pass_time(31)
        await stage.deliver_due(rng.choice(workers))


@pytest.mark.parametrize("seed", range(15))
async def test_any_schedule_ends_as_if_all_had_come_in_order(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTERN_TEST_TOKEN", "a-token-for-tests")
    rng = Random(seed)
    plan = Plan(rng)
    (tmp_path / "model").mkdir()
    async with open_stage(tmp_path) as stage, open_stage(tmp_path / "model") as model:
        workers = [await stage.altcraft(reconcile_lag=LAG) for _ in range(2)]
        actions = plan.actions(await subscribe_all(stage, workers[0]))
        await play(stage, rng, workers, actions)

        orderly = await model.altcraft()
        for action in plan.actions(await subscribe_all(model, orderly)):
            await model.deliver(orderly, message(action))
            assert (await model.stored(action)).state is State.DONE

        ends = {action.event_id: (await stage.stored(action)).state for action in actions}
        assert not OPEN & set(ends.values()), ends
        if State.PARKED not in ends.values():
            assert await shown(stage) == await shown(model), ends
