"""The marketing platform's profiles: found in every way, imported, updated, added, in batches."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.unit.sandbox.conftest import Sandbox
from tests.unit.sandbox.platform import call, profiles, state

JOHN: dict[str, Any] = {
    "email": "john@example.com",
    "phones": ["+79000000000"],
    "CRM_ID": 123420,
    "tags": ["a", "b"],
    "subscriptions": [
        {"channel": "email", "email": "john@work.example", "resource_id": 1},
        {"channel": "sms", "phone": "+79000000001", "resource_id": 2},
        {"channel": "push", "provider": "Firefox", "subscription_id": "d-1", "resource_id": 1},
        {"channel": "telegram_bot", "cc_data": {"id": 7}, "resource_id": 1},
    ],
}


async def imported(sandbox: Sandbox, **params: Any) -> str:
    answer = await call(sandbox, "profiles/import", db_id=1, **params)
    assert answer["error"] == 0, answer
    return str(answer["profile_id"])


@pytest.fixture
async def john(sandbox: Sandbox) -> str:
    return await imported(sandbox, email="john@example.com", data=JOHN)


async def test_a_new_profile_gets_24_hexadecimal_digits(john: str, sandbox: Sandbox) -> None:
    assert len(john) == 24
    assert int(john, 16)
    again = await imported(sandbox, email="JOHN@example.com", data={"_fname": "John"})
    assert again == john
    assert (await profiles(sandbox))[john]["fields"]["_fname"] == "John"


@pytest.mark.parametrize(
    ("found", "is_there"),
    [
        ({"email": "john@example.com"}, True),
        ({"email": "john@work.example"}, True),
        ({"matching": "email_profile", "email": "john@work.example"}, False),
        ({"matching": "email_sub", "email": "john@example.com"}, False),
        ({"matching": "email_sub", "email": "John@Work.example"}, True),
        ({"matching": "phone", "phone": "+79000000000"}, True),
        ({"matching": "phone", "phone": "+79000000001"}, True),
        ({"matching": "phone_sub", "phone": "+79000000000"}, False),
        ({"matching": "phone_sub", "phone": "+79000000001", "resource_id": 2}, True),
        ({"matching": "phone_sub", "phone": "+79000000001", "resource_id": 1}, False),
        ({"matching": "push_sub", "provider": "Firefox", "subscription_id": "d-1"}, True),
        ({"matching": "push_sub", "provider": "Chrome", "subscription_id": "d-1"}, False),
        ({"matching": "custom", "field_name": "CRM_ID", "field_value": "123420"}, True),
        ({"matching": "custom", "field_name": "tags", "field_value": "b, a"}, True),
        ({"matching": "custom", "field_name": "tags", "field_value": "c"}, False),
        ({"matching": "custom_sub", "cc_data": {"id": 7}}, True),
        ({"matching": "custom_sub", "cc_data": {"phone": "+79000000000"}}, False),
        ({"matching": "email_phone", "phone": "+79000000000"}, True),
        ({"matching": "email_phone", "email": "x@y", "phone": "+79000000001"}, True),
        ({"matching": "email_phone_sub", "email": "john@example.com"}, False),
        ({"matching": "profile_id", "profile_id": "nobody"}, False),
    ],
)
async def test_a_profile_is_found_in_every_way(
    sandbox: Sandbox, john: str, found: dict[str, Any], is_there: bool
) -> None:
    answer = await call(sandbox, "profiles/get", db_id=1, **found)
    assert answer["error"] == (0 if is_there else 400)
    if is_there:
        assert answer["data"]["_id"] == john


@pytest.mark.parametrize(
    "wrong",
    [
        {"matching": "phone"},
        {"matching": "telepathy", "email": "a@b"},
        {"matching": "custom", "field_name": "CRM_ID"},
        {},
    ],
)
async def test_a_mode_without_its_fields_is_incorrect(
    sandbox: Sandbox, wrong: dict[str, Any]
) -> None:
    answer = await call(sandbox, "profiles/import", db_id=1, data={}, **wrong)
    assert answer["error"] == 400
    assert await profiles(sandbox) == {}


async def test_an_update_needs_a_profile_and_an_import_by_id_does_too(sandbox: Sandbox) -> None:
    for name, found in (
        ("update", {"email": "john@example.com"}),
        ("import", {"matching": "profile_id", "profile_id": "5f4f"}),
    ):
        answer = await call(sandbox, f"profiles/{name}", db_id=1, data={}, **found)
        assert answer["error"] == 400
    assert await profiles(sandbox) == {}


async def test_adding_fails_only_on_an_address_that_is_there(sandbox: Sandbox, john: str) -> None:
    taken = await call(sandbox, "profiles/add", db_id=1, data={"email": "John@example.com"})
    assert taken["error"] == 400
    for request_id in ("r-1", "r-2"):
        other = await call(sandbox, "profiles/add", request_id, db_id=1, data={"_fname": "John"})
        assert other["error"] == 0
    assert len(await profiles(sandbox)) == 3
    moved = await call(
        sandbox, "profiles/update", db_id=1, matching="profile_id", profile_id=other["profile_id"],
        data={"email": "john@example.com"},
    )  # fmt: skip
    assert moved["error"] == 400
    assert john in await profiles(sandbox)


async def test_fields_can_be_set_by_function(sandbox: Sandbox, john: str) -> None:
    found = {"email": "john@example.com"}
    for data in (
        {"visits": {"action": "incr", "value": 2}},
        {"visits": {"action": "incr", "value": 3}},
        {"tags": {"action": "add", "value": "c"}, "CRM_ID": {"action": "unset"}},
        {"tags": {"action": "delete", "value": ["a"]}},
        {"_fname": {"action": "set", "value": "John"}},
    ):
        await imported(sandbox, **found, data=data)
    fields = (await profiles(sandbox))[john]["fields"]
    assert fields["visits"] == 5
    assert fields["tags"] == ["b", "c"]
    assert "CRM_ID" not in fields
    assert fields["_fname"] == "John"
    wrong = await call(
        sandbox, "profiles/import", db_id=1, **found, data={"tags": {"action": "incr", "value": 1}}
    )
    assert wrong["error"] == 400


async def test_a_wrong_subscription_fails_all_of_it_unless_it_may_be_left_out(
    sandbox: Sandbox,
) -> None:
    data = {
        "_fname": "J",
        "subscriptions": [{"channel": "fax"}, {"email": "a@b", "resource_id": 1}],
    }
    failed = await call(sandbox, "profiles/import", db_id=1, email="a@b", data=data)
    assert failed["error"] == 400
    assert await profiles(sandbox) == {}
    profile_id = await imported(sandbox, email="a@b", data=data, skip_invalid_subscriptions=True)
    assert len((await profiles(sandbox))[profile_id]["subscriptions"]) == 1


async def test_segments_and_statuses_that_are_left_as_they_are(sandbox: Sandbox) -> None:
    entry = {"email": "a@b", "resource_id": 1, "status": 1}
    profile_id = await imported(
        sandbox, email="a@b", add_to_segments=[1, 2], data={"subscriptions": [entry]}
    )
    entry = {**entry, "status": -1, "priority": -1}
    await imported(sandbox, email="a@b", remove_from_segments=[2], data={"subscriptions": [entry]})
    profile = (await profiles(sandbox))[profile_id]
    assert profile["segments"] == [1]
    assert profile["subscriptions"][0]["status"] == "unsubscribed"


async def test_a_batch_answers_item_by_item_and_keeps_what_succeeded(sandbox: Sandbox) -> None:
    items = [
        {"email": "a@b", "_fname": "A"},
        {"_fname": "nobody"},
        {"email": "c@d", "subscriptions": [{"email_data": {"email": "c@d"}, "resource_id": 1}]},
        {"email": "e@f", "subscriptions": [{"channel": "fax"}]},
    ]
    answer = await call(sandbox, "profiles/import_batch", db_id=1, data=items)
    assert answer["error"] == 0
    assert [item["error"] for item in answer["result"]] == [0, 400, 0, 400]
    assert len(await profiles(sandbox)) == 2
    updated = await call(
        sandbox, "profiles/update_batch", db_id=1, data=[items[0], {"email": "x@y"}]
    )
    assert [item["error"] for item in updated["result"]] == [0, 400]
    added = await call(sandbox, "profiles/add_batch", db_id=1, data=[items[0], {"_fname": "B"}])
    assert [item["error"] for item in added["result"]] == [400, 0]


async def test_a_batch_is_found_by_a_field_of_the_shops_own(sandbox: Sandbox) -> None:
    by_field = {"matching": "custom", "field_name": "CRM_ID"}
    for name in ("A", "B"):
        items = [{"CRM_ID": 5, "_fname": name}]
        await call(sandbox, "profiles/import_batch", db_id=1, **by_field, data=items)
    (profile,) = (await profiles(sandbox)).values()
    assert profile["fields"] == {"CRM_ID": 5, "_fname": "B"}


async def test_a_message_that_was_sent_unsubscribes_whom_it_went_to(
    sandbox: Sandbox, john: str
) -> None:
    await imported(
        sandbox,
        email="john@example.com",
        data={"subscriptions": [{**JOHN["subscriptions"][0], "cats": ["news", "sales"]}]},
    )
    started = await call(
        sandbox,
        "campaigns/triggers/start",
        id="5511",
        email="john@example.com",
        content={"H1": "x"},
    )
    assert started["profile_id"] == john
    (send,) = (await state(sandbox))["sends"]
    assert (send["id"], send["content"]) == ("5511", {"H1": "x"})

    async def unsubscribe(**more: Any) -> dict[str, Any]:
        return await call(sandbox, "profiles/message_unsub", rtoken="r", **more)

    assert (await unsubscribe(smid="nothing"))["error"] == 400
    assert (await unsubscribe(smid=send["smid"], categories=["news"]))["profile_id"] == john
    first = (await profiles(sandbox))[john]["subscriptions"][0]
    assert (first["status"], first["cats"]) == ("subscribed", ["sales"])
    await unsubscribe(smid=send["smid"])
    assert (await profiles(sandbox))[john]["subscriptions"][0]["status"] == "unsubscribed"


async def test_starts_find_or_import_somebody_and_are_recorded(sandbox: Sandbox, john: str) -> None:
    assert (await call(sandbox, "workflows/start", id=3, email="x@y"))["error"] == 400
    whom = {"matching": "profile_id", "profile_id": john}
    assert (await call(sandbox, "workflows/start", id=3, **whom))["error"] == 0
    batch = await call(
        sandbox,
        "campaigns/triggers/start_batch",
        trigger_id=8,
        data=[{"email": "john@example.com"}, {"email": "x@y"}],
    )
    assert [item["error"] for item in batch["result"]] == [0, 400]
    imports = await call(
        sandbox, "workflows/import_and_start", workflow_id=4, db_id=1, email="new@y", data={}
    )
    assert imports["error"] == 0
    many = await call(
        sandbox,
        "campaigns/triggers/import_and_start_batch",
        trigger_id=9,
        db_id=1,
        data=[{"email": "new2@y"}, {}],
    )
    assert [item["error"] for item in many["result"]] == [0, 400]
    query = await call(sandbox, "campaigns/triggers/start", id=1, custom_request={"CRM_ID": 123420})
    assert query["profile_id"] == john
    sends = [(send["what"], send["id"]) for send in (await state(sandbox))["sends"]]
    assert sends == [
        ("workflows", 3),
        ("campaigns/triggers", 8),
        ("workflows", 4),
        ("campaigns/triggers", 9),
        ("campaigns/triggers", 1),
    ]


async def test_subscriptions_within_an_import_are_shown_on_the_page(
    sandbox: Sandbox, john: str
) -> None:
    async with sandbox.http.get(
        f"{sandbox.url}/_sandbox/live", timeout=aiohttp.ClientTimeout(total=5)
    ) as live:
        line = await live.content.readline()
    assert line.count(b'"profile":"' + john.encode()) == 4
    assert b'"contact":"john@work.example"' in line
