"""The marketing platform's senders, lists, orders and goals; XML; repeats; what is not allowed."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.sandbox.conftest import Sandbox
from tests.unit.sandbox.platform import call, profiles, state

RULE = {"type": "default", "value": "", "senders": [{"sender_id": 3, "percent": 100}]}


async def names(sandbox: Sandbox) -> list[str]:
    return [row["name"] for row in (await call(sandbox, "vsenders/list"))["data"]]


async def test_the_first_copy_gets_the_id_of_the_printed_answer(sandbox: Sandbox) -> None:
    answer = await call(sandbox, "vsenders/clone", id=14, name="Clone of virtual sender #14")
    assert answer == {
        "data": {"saved_id": 16},
        "error": 0,
        "error_text": "Successful operation",
    }
    assert (await call(sandbox, "vsenders/clone", id=15))["data"]["saved_id"] == 17
    assert (await names(sandbox))[2:] == [
        "Clone of virtual sender #14",
        "Clone of virtual sender #15",
    ]
    assert (await call(sandbox, "vsenders/clone", id=99))["error"] == 400


async def test_a_repeated_clone_makes_a_second_copy_unless_it_is_recognised(
    sandbox: Sandbox,
) -> None:
    for request_id in ("r-1", "r-1", "r-2", None, None):
        await call(sandbox, "vsenders/clone", request_id, id=14, name="Shop")
    assert (await names(sandbox)).count("Shop") == 4
    await sandbox.switch(deduplication=False)
    await call(sandbox, "vsenders/clone", "r-1", id=14, name="Shop")
    assert (await names(sandbox)).count("Shop") == 5


async def test_two_at_once_with_one_request_id_make_one_copy(sandbox: Sandbox) -> None:
    answers = await asyncio.gather(
        *(call(sandbox, "vsenders/clone", "r-1", id=14, name="Shop") for _ in range(20))
    )
    assert len({answer["data"]["saved_id"] for answer in answers}) == 1
    assert len(await sandbox.effects()) == 1


async def test_names_of_new_senders_are_unique(sandbox: Sandbox) -> None:
    new = {"name": "New", "email_rules": [RULE], "sms_rules": []}
    made = (await call(sandbox, "vsenders/add", **new))["data"]["saved_id"]
    assert (await call(sandbox, "vsenders/add", **new))["error"] == 400
    assert (await call(sandbox, "vsenders/update", id=14, name="New"))["error"] == 400
    assert (await call(sandbox, "vsenders/update", id=made, name="New"))["error"] == 0
    broken = {**new, "name": "Other", "email_rules": [{**RULE, "type": "group_id"}]}
    assert (await call(sandbox, "vsenders/add", **broken))["error"] == 400
    assert (await call(sandbox, "vsenders/get", id=made))["data"]["email_rules"] == [RULE]
    gone = await call(sandbox, "vsenders/delete", id=made)
    assert gone == {"data": None, "error": 0, "error_text": "Successful operation"}
    assert (await call(sandbox, "vsenders/get", id=made))["error"] == 400


async def test_administrators_see_the_senders_of_an_account(sandbox: Sandbox) -> None:
    await call(sandbox, "vsenders/clone", id=14, name="Theirs", account_id=306)
    assert (await call(sandbox, "admin/vsenders/list"))["error"] == 400
    theirs = await call(sandbox, "admin/vsenders/list", account_id=306)
    assert theirs["total_count"] == 3
    other = await call(sandbox, "admin/vsenders/list", account_id=7, from_id=15, limit=5)
    assert [row["id"] for row in other["data"]] == [15]
    assert "Theirs" not in await names(sandbox)


async def test_contacts_are_suppressed_and_allowed_again(sandbox: Sandbox) -> None:
    listed = (await call(sandbox, "suppresses/add", name="Mine"))["data"]["saved_id"]

    async def matched(kind: str, **contact: Any) -> bool:
        return bool(
            (await call(sandbox, f"suppresses/{kind}_check", id=listed, **contact))["matched"]
        )

    john, phone = {"email": "john@example.com"}, {"value": "+79000000000"}
    assert not await matched("email", **john)
    await call(sandbox, "suppresses/email_add", id=listed, email="John@Example.com")
    assert await matched("email", **john)
    await call(sandbox, "suppresses/email_remove", id=listed, **john)
    assert not await matched("email", **john)
    added = await call(sandbox, "suppresses/phone_add", id=listed, **phone)
    assert added["data"] == {"+79000000000": True}
    assert await matched("phone", **phone)
    counted = await call(
        sandbox, "suppresses/phones_add", id=listed, values=["+79000000000", "79000000001", "x"]
    )
    assert [counted[f"total_{it}"] for it in ("count", "imported", "duplicated", "invalid")] == [
        3,
        1,
        1,
        1,
    ]
    await call(sandbox, "suppresses/phone_remove", id=listed, **phone)
    assert not await matched("phone", **phone)
    assert (await state(sandbox))["suppresses"][str(listed)]["phones"] == ["+79000000001"]


async def test_orders_are_kept_by_the_shops_own_id_and_listed_by_cursor(sandbox: Sandbox) -> None:
    orders = [{"external_id": f"o-{n}", "status": "new", "endpoint": "web"} for n in range(5)]
    imported = await call(sandbox, "market/orders/import", data=[*orders, {"status": "new"}])
    assert (imported["error"], imported["error_text"]) == (0, "")
    assert [item["error"] for item in imported["result"]] == [0, 0, 0, 0, 0, 400]
    await call(
        sandbox, "market/orders/import", data=[{"external_id": "o-1", "status": "delivered"}]
    )
    status = await call(sandbox, "market/orders/get_status", external_id="o-1")
    assert status == {
        "error": 0,
        "error_text": "",
        "result": {"endpoint": "web", "status": "delivered"},
    }
    assert (await call(sandbox, "market/orders/get_status", id=2))["result"][
        "status"
    ] == "delivered"
    assert (await call(sandbox, "market/orders/get_status", id=99))["error"] == 400
    seen: list[str] = []
    cursor = ""
    while True:
        page = await call(sandbox, "market/orders/list", from_id=cursor, limit=2, endpoint="web")
        seen += [order["external_id"] for order in page["data"]]
        cursor = page["next_from_id"]
        if not cursor:
            break
    assert seen == [f"o-{n}" for n in range(5)]
    assert (await call(sandbox, "market/orders/list", from_id="nonsense"))["error"] == 400


async def test_goals_are_registered_for_profiles_that_are_there(sandbox: Sandbox) -> None:
    goal = {"db_id": 1, "pixel_id": 4, "goal": "Sale", "value": 2.5}
    assert (await call(sandbox, "goals/register", email="a@b", **goal))["error"] == 400
    made = await call(sandbox, "profiles/import", db_id=1, email="a@b", data={})
    assert (await call(sandbox, "goals/register", email="a@b", **goal))["error"] == 0
    (registered,) = (await state(sandbox))["goals"]
    assert (registered["goal"], registered["value"]) == ("Sale", 2.5)
    assert registered["profile_id"] == made["profile_id"]


XML = {"Content-Type": "application/xml"}


async def test_xml_is_understood_and_answered(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/altcraft/api/v1.1/vsenders/clone"
    body = "<xml>\n<token>t</token>\n<id>15</id>\n<name>Clone of virtual sender #15</name>\n</xml>"
    async with sandbox.http.post(url, data=body, headers=XML) as answer:
        assert answer.content_type == "application/xml"
        written = await answer.read()
    assert written == (
        b"<xml><data><saved_id>16</saved_id></data><error>0</error>"
        b"<error_text>Successful operation</error_text></xml>"
    )


async def test_arrays_and_types_survive_xml(sandbox: Sandbox) -> None:
    body = """<xml><token>t</token><db_id>1</db_id><skip_triggers>true</skip_triggers>
<data array='true'><email>a@b</email><_sex>1</_sex><city/>
<subscriptions array='true'><channel>email</channel><email_data><email>a@b</email></email_data>
<resource_id>1</resource_id><cats array='true'>news</cats></subscriptions></data>
<data array='true'><email>c@d</email></data><format>json</format></xml>"""
    url = f"{sandbox.url}/altcraft/api/v1.1/profiles/import_batch/"
    async with sandbox.http.post(url, data=body, headers=XML) as answer:
        assert (await answer.json())["error"] == 0
    first, second = (await profiles(sandbox)).values()
    assert first["fields"] == {"email": "a@b", "_sex": 1, "city": None}
    assert first["subscriptions"][0]["cats"] == ["news"]
    assert second["fields"] == {"email": "c@d"}


@pytest.mark.parametrize("asks", [{"format": "xml"}, {}])
async def test_an_answer_in_xml_can_be_asked_for_by_parameter_or_header(
    sandbox: Sandbox, asks: dict[str, str]
) -> None:
    url = f"{sandbox.url}/altcraft/api/v1.1/vsenders/list"
    headers = {} if asks else {"Accept": "application/xml"}
    async with sandbox.http.post(url, json={"token": "t", **asks}, headers=headers) as answer:
        root = fromstring(await answer.read())
    assert [row.findtext("id") for row in root.findall("data")] == ["14", "15"]


@pytest.mark.parametrize(
    "body",
    [
        b"<xml><token>t</token>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><token>&a;</token></xml>',
        b"<html/>",
        b"",
    ],
)
async def test_what_is_no_xml_of_the_platform_is_refused(sandbox: Sandbox, body: bytes) -> None:
    url = f"{sandbox.url}/altcraft/api/v1.1/vsenders/list?token=t"
    async with sandbox.http.post(url, data=body, headers=XML) as answer:
        assert b"<error>400</error>" in await answer.read()


async def test_without_a_request_id_only_some_calls_are_recognised_by_checksum(
    sandbox: Sandbox,
) -> None:
    """The same body and headers: the third of three equal wishes changes nothing any more."""
    first = await call(sandbox, "profiles/add", db_id=1, data={"_fname": "A"})
    again = await call(sandbox, "profiles/add", db_id=1, data={"_fname": "A"})
    assert first == again
    await call(sandbox, "profiles/add", db_id=1, data={"_fname": "B"})
    assert len(await profiles(sandbox)) == 2
    await sandbox.set()
    await sandbox.set()
    assert len(await sandbox.effects()) == 4
    await sandbox.switch(checksum_paths=["subscriptions/set"])
    await sandbox.set()
    _, headers, _ = await sandbox.set()
    assert headers["Duplicate-Request"] == "true"
    assert len(headers["Duplicate-Key"]) == 28
    assert len(await sandbox.effects()) == 5


async def test_reading_is_never_answered_from_memory(sandbox: Sandbox) -> None:
    assert len((await call(sandbox, "vsenders/list", "r-1"))["data"]) == 2
    await call(sandbox, "vsenders/clone", "r-2", id=14)
    assert len((await call(sandbox, "vsenders/list", "r-1"))["data"]) == 3
    assert len((await call(sandbox, "vsenders/list", "r-2"))["data"]) == 3


@pytest.mark.parametrize("way", ["body", "status"])
async def test_what_the_roles_or_the_tariff_do_not_allow(sandbox: Sandbox, way: str) -> None:
    await sandbox.switch(altcraft_errors=way, altcraft_forbidden=["subscriptions/set"])
    status, _, body = await sandbox.set()
    assert (status, body["error"]) == (200 if way == "body" else 403, 403)
    await sandbox.switch(altcraft_forbidden=[], altcraft_tariff_limit=True)
    assert (await sandbox.set())[2]["error"] == 402
    assert (await call(sandbox, "vsenders/list"))["error"] == 0
    assert await sandbox.effects() == []


@pytest.mark.parametrize("path", ["segments/add", "vsenders/create", "", "subscriptions/set/x"])
async def test_an_unknown_method_is_an_error(sandbox: Sandbox, path: str) -> None:
    assert (await call(sandbox, path))["error"] == 400
    assert await sandbox.effects() == []


@pytest.mark.parametrize("path", ["databases/list", "/databases/list/", "databases/fields_get/"])
async def test_known_lists_can_be_read_with_slashes_too_many(sandbox: Sandbox, path: str) -> None:
    await sandbox.set()
    answer = await call(sandbox, path, db_id=1)
    assert answer["error"] == 0
    assert answer["data"]


async def test_a_body_of_more_than_ten_megabytes_is_refused(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/altcraft/api/v1.1/profiles/import"
    async with sandbox.http.post(url, data=BytesIO(b"x" * (10 * 1024 * 1024 + 1))) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("name", ["profiles/import", "vsenders/clone", "market/orders/import"])
async def test_faults_can_be_ordered_for_every_call(sandbox: Sandbox, name: str) -> None:
    await sandbox.fault(name, "error-body", status=440, message="Undocumented")
    params = {"id": 14, "db_id": 1, "email": "a@b", "data": [{"external_id": "o"}]}
    answer = await call(sandbox, name, **params)
    assert answer == {"error": 440, "error_text": "Undocumented"}
    assert await sandbox.effects() == []
