"""The marketing platform's subscriptions: deleted and restored, suspended, listed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sandbox.conftest import SUBSCRIPTION, Sandbox
from tests.unit.sandbox.platform import call, profiles

JOHN = {name: it for name, it in SUBSCRIPTION.items() if name != "token"}


async def test_a_deleted_subscription_stays_marked_and_setting_it_restores_it(
    sandbox: Sandbox,
) -> None:
    await sandbox.set(status="unsubscribed")
    assert (await call(sandbox, "subscriptions/delete", **JOHN))["error"] == 0
    shown = (await call(sandbox, "subscriptions/get", **JOHN))["data"]
    assert (shown["is_delete"], shown["status"]) == (True, "unsubscribed")
    _, _, body = await sandbox.set(priority=2)
    assert body["data"] == {
        "action": "unsubscribed",
        "is_new_channel": False,
        "is_new_contact": False,
        "is_new_subscription": False,
        "is_restored": True,
        "is_safe": True,
    }
    assert not (await call(sandbox, "subscriptions/get", **JOHN))["data"]["is_delete"]


async def test_undelete_brings_it_back_as_it_was(sandbox: Sandbox) -> None:
    await sandbox.set(status="suspended", custom_fields={"_os": "linux"})
    await call(sandbox, "subscriptions/delete", **JOHN)
    await call(sandbox, "subscriptions/undelete", **JOHN)
    (shown,) = (await call(sandbox, "subscriptions/list", db_id=1, profile_id="p-1"))["data"]
    assert shown == {
        "channel": "email",
        "email": "john@example.com",
        "resource_id": 1,
        "status": "suspended",
        "priority": 0,
        "custom_fields": {"_os": "linux"},
        "cats": [],
        "is_delete": False,
    }


@pytest.mark.parametrize("name", ["get", "delete", "undelete"])
async def test_a_subscription_that_is_not_there_is_an_error(sandbox: Sandbox, name: str) -> None:
    await sandbox.set()
    for wrong in ({"email": "jane@example.com"}, {"profile_id": "p-2"}, {"resource_id": 2}):
        answer = await call(sandbox, f"subscriptions/{name}", **{**JOHN, **wrong})
        assert answer["error"] == 400


async def test_a_sweep_changes_only_what_stands_in_its_way_and_counts_it(sandbox: Sandbox) -> None:
    for profile, more in (
        ("a", {"status": 0}),
        ("b", {"status": 1}),
        ("c", {"status": 0, "resource_id": 2}),
        ("d", {"status": 0, "channel": "sms", "email": None, "phone": "+79000000000"}),
        ("e", {"status": 0, "db_id": 2}),
    ):
        await sandbox.set(profile_id=profile, **more)

    async def swept(name: str, **scope: Any) -> int:
        return int((await call(sandbox, f"subscriptions/{name}", db_id=1, **scope))["updated"])

    assert await swept("suspend_all", channel="email", resource_id=1) == 1
    assert await swept("suspend_all", channel="sms") == 1
    assert await swept("suspend_all") == 1
    assert await swept("suspend_all") == 0
    statuses = {
        name: profile["subscriptions"][0]["status"]
        for name, profile in (await profiles(sandbox)).items()
    }
    assert statuses == {"a": "suspended", "b": "unsubscribed", "c": "suspended", "d": "suspended"}
    assert await swept("unsuspend_all", resource_id=2) == 1
    assert await swept("unsuspend_all") == 2
    assert (await profiles(sandbox, 2))["e"]["subscriptions"][0]["status"] == "subscribed"


async def test_deleted_ones_are_not_swept(sandbox: Sandbox) -> None:
    await sandbox.set(status=0)
    await call(sandbox, "subscriptions/delete", **JOHN)
    assert (await call(sandbox, "subscriptions/suspend_all", db_id=1))["updated"] == 0


async def test_all_of_a_resource_are_listed_page_by_page(sandbox: Sandbox) -> None:
    for number in range(5):
        await sandbox.set(email=f"{number}@example.com", profile_id=f"p-{number}", status=number)
    await sandbox.set(resource_id=2)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await call(sandbox, "subscriptions/list_all", resource_id=1, limit=2, from_id=cursor)
        assert len(page["data"]) <= 2
        seen += [row["email"] for row in page["data"]]
        cursor = page["next_from_id"]
        if not cursor:
            break
    assert sorted(seen) == [f"{number}@example.com" for number in range(5)]
    only = await call(sandbox, "subscriptions/list_all", resource_id=1, status="unsubscribed")
    assert [row["profile_id"] for row in only["data"]] == ["p-1"]


async def test_reading_is_counted_but_is_no_effect(sandbox: Sandbox) -> None:
    await sandbox.set()
    await call(sandbox, "subscriptions/get", **JOHN)
    await call(sandbox, "subscriptions/delete", **JOHN)
    assert [effect["call"] for effect in await sandbox.effects()] == [
        "subscriptions/set",
        "subscriptions/delete",
    ]
    async with sandbox.http.get(f"{sandbox.url}/_sandbox/counts") as answer:
        assert (await answer.json())["requests"]["subscriptions/get"] == 1
