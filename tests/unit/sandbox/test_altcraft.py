"""The marketing platform's simulator: flags, errors in both ways, deduplication."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.sandbox.conftest import SUBSCRIPTION, Sandbox


async def test_the_result_flags_come_from_what_is_known_already(sandbox: Sandbox) -> None:
    async def flags(**params: Any) -> list[str]:
        _, _, body = await sandbox.set(**params)
        assert body["error"] == 0
        return [name for name, value in body["data"].items() if value is True]

    assert await flags() == ["is_new_subscription", "is_safe"]
    assert await flags() == ["is_safe"]
    assert await flags(email="jane@example.com") == ["is_new_contact", "is_safe"]
    assert await flags(channel="sms", email=None, phone="+79000000000") == [
        "is_new_channel",
        "is_safe",
    ]
    assert await flags(resource_id=2) == ["is_new_subscription", "is_safe"]
    assert await flags(status="hardbounced") == []


async def test_a_status_may_be_a_word_or_a_number_and_stays_until_changed(sandbox: Sandbox) -> None:
    assert (await sandbox.set(status=1))[2]["data"]["action"] == "unsubscribed"
    assert (await sandbox.set(priority=3))[2]["data"]["action"] == "unsubscribed"
    assert (await sandbox.set(status="subscribed"))[2]["data"]["action"] == "subscribed"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"token": None}, 401),
        ({"db_id": None}, 400),
        ({"db_id": "1"}, 400),
        ({"profile_id": None}, 400),
        ({"channel": "fax"}, 400),
        ({"email": None}, 400),
        ({"status": 7}, 400),
        ({"custom_fields": []}, 400),
    ],
)
@pytest.mark.parametrize("way", ["body", "status"])
async def test_errors_come_with_200_or_with_their_own_status(
    sandbox: Sandbox, wrong: dict[str, Any], error: int, way: str
) -> None:
    await sandbox.switch(altcraft_errors=way)
    status, _, body = await sandbox.set(**wrong)
    assert body["error"] == error
    assert body["error_text"]
    assert status == (200 if way == "body" else error)
    assert await sandbox.effects() == []
    assert (await sandbox.set())[2]["data"]["is_new_subscription"]


async def test_the_token_may_come_in_three_places(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/altcraft/api/v1.1/subscriptions/set/"
    body = {**SUBSCRIPTION, "token": ""}
    for headers, query in (({"Authorization": "Bearer t"}, ""), ({}, "?token=t")):
        async with sandbox.http.post(url + query, json=body, headers=headers) as answer:
            assert (await answer.json())["error"] == 0


async def test_a_repeat_within_a_day_gets_the_first_answer_and_changes_nothing(
    sandbox: Sandbox,
) -> None:
    _, first_headers, first = await sandbox.set("r-1", status="subscribed")
    await sandbox.set("r-2", status="unsubscribed")
    _, headers, again = await sandbox.set("r-1", status="subscribed")
    assert again == first
    assert "Duplicate-Request" not in first_headers
    assert headers["Duplicate-Request"] == "true"
    assert len(headers["Duplicate-Key"]) == 28
    assert len(await sandbox.effects()) == 2
    sandbox.clock.advance(timedelta(days=1))
    _, headers, _ = await sandbox.set("r-1", status="subscribed")
    assert "Duplicate-Request" not in headers
    assert len(await sandbox.effects()) == 3


async def test_deduplication_is_per_token_and_can_be_off_or_old(sandbox: Sandbox) -> None:
    await sandbox.set("r-1")
    await sandbox.set("r-1", token="other")
    assert len(await sandbox.effects()) == 2
    await sandbox.switch(duplicate_headers="old")
    assert (await sandbox.set("r-1"))[1]["X-Duplicate-Request"] == "true"
    await sandbox.switch(deduplication=False)
    await sandbox.set("r-1")
    assert len(await sandbox.effects()) == 3


async def test_a_failure_is_replayed_only_where_that_is_switched_on(sandbox: Sandbox) -> None:
    """The documentation leaves it open: a client needs a new Request-ID then."""
    for remembered, error in ((False, 0), (True, 500)):
        await sandbox.switch(remember_failures=remembered)
        await sandbox.fault("subscriptions/set", "error-body", status=500)
        request_id = f"r-{remembered}"
        assert (await sandbox.set(request_id))[2]["error"] == 500
        _, headers, body = await sandbox.set(request_id)
        assert body["error"] == error
        assert headers.get("Duplicate-Request", "false") == str(remembered).lower()


async def test_effects_hold_the_whole_request_but_the_token(sandbox: Sandbox) -> None:
    await sandbox.set("r-1", custom_fields={"city": "Vienna"})
    (effect,) = await sandbox.effects()
    assert effect["request_id"] == "r-1"
    assert effect["params"]["custom_fields"] == {"city": "Vienna"}
    assert "token" not in effect["params"]
