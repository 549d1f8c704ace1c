"""Every call of the SMS gateway's simulator, as its pages print them, and the controls."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import orjson
import pytest

from core.clock import ManualClock
from sandbox.smsgateway24.calls import SMSGATEWAY24_CALLS
from sandbox.smsgateway24.statuses import ENDINGS
from sandbox.smsgateway24.texts import Texts
from tests.unit.sandbox.conftest import TEXT, Sandbox

LOGIN = {"email": "login@example.com", "pass": "secret"}
SMSDATA = [
    {"sendto": "+49 157 52982212", "body": "a", "device_id": 260, "customerid": 7, "urgent": 1},
    {"sendto": "+4917642111111", "body": "b", "device_id": 261, "sim": 1, "urgent": 0},
]


async def control(
    sandbox: Sandbox, method: str, path: str, content: object = None
) -> tuple[int, Any]:
    url = f"{sandbox.url}/_sandbox/smsgateway24{path}"
    async with sandbox.http.request(method, url, json=content) as answer:
        raw = await answer.read()
        return answer.status, orjson.loads(raw) if raw else None


async def bulk(sandbox: Sandbox, smsdata: object, token: str = "t") -> dict[str, Any]:
    datajson = orjson.dumps({"token": token, "smsdata": smsdata}).decode()
    return await sandbox.sms("addalotofsms", {"datajson": datajson})


async def rows(sandbox: Sandbox, **filters: str) -> list[dict[str, Any]]:
    listed = (await sandbox.texts(**filters))["smss"]
    return list(listed.values()) if listed else []


async def status_of(sandbox: Sandbox, sms_id: int, expected: int) -> dict[str, Any]:
    """The answer about a text once the phone has brought it so far."""
    async with asyncio.timeout(5):
        while True:
            answer = await sandbox.sms("getsmsstatus", {"token": "t", "sms_id": str(sms_id)})
            if answer["status"] == expected:
                return answer
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("call", SMSGATEWAY24_CALLS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_call_answers_error_and_message_by_either_method(
    sandbox: Sandbox, call: str, method: str
) -> None:
    url = f"{sandbox.url}/smsgateway24/getdata/{call}"
    async with sandbox.http.request(method, url, params={"token": "t"}) as answer:
        content = await answer.json()
        assert answer.status == 200
    assert content["error"] in {0, 1}
    assert content["message"]


async def test_a_login_gets_a_token_of_32_hexadecimal_characters(sandbox: Sandbox) -> None:
    answer = await sandbox.sms("gettoken", LOGIN)
    assert (answer["error"], answer["message"]) == (0, "OK")
    assert re.fullmatch(r"[0-9a-f]{32}", answer["token"])


async def test_a_wrong_login_is_told_in_the_vendors_words(sandbox: Sandbox) -> None:
    refused = {"error": 1, "message": "Login or password incorrect"}
    assert await sandbox.sms("gettoken", {"email": "login@example.com"}) == refused
    account = {"email": LOGIN["email"], "password": LOGIN["pass"]}
    assert (await control(sandbox, "POST", "/accounts", account))[0] == 204
    assert (await sandbox.sms("gettoken", LOGIN))["error"] == 0
    assert await sandbox.sms("gettoken", {**LOGIN, "pass": "other"}) == refused
    assert await sandbox.sms("smstosend", {**TEXT, **LOGIN, "pass": "other"}) == refused
    assert await sandbox.effects() == []


async def test_revoked_tokens_are_refused_until_a_new_one_is_got(sandbox: Sandbox) -> None:
    before = (await sandbox.sms("gettoken", LOGIN))["token"]
    assert (await sandbox.add(token=before))["error"] == 0
    assert (await control(sandbox, "POST", "/tokens/revoke"))[0] == 204
    for token in (before, "t"):
        assert await sandbox.add(token=token) == {"error": 1, "message": "Token is incorrect"}
    after = (await sandbox.sms("gettoken", LOGIN))["token"]
    assert (await sandbox.add(token=after))["error"] == 0
    assert (await bulk(sandbox, SMSDATA, before))["message"] == "Token is incorrect"
    assert (await bulk(sandbox, SMSDATA, after))["error"] == 0


async def test_a_new_token_may_end_the_one_before(sandbox: Sandbox) -> None:
    await control(sandbox, "POST", "/tokens/revoke")
    first = (await sandbox.sms("gettoken", LOGIN))["token"]
    await sandbox.sms("gettoken", LOGIN)
    assert (await sandbox.add(token=first))["error"] == 0
    await sandbox.switch(rotate_tokens=True)
    await sandbox.sms("gettoken", LOGIN)
    assert (await sandbox.add(token=first))["error"] == 1


async def test_smstosend_takes_a_login_in_place_of_a_token(sandbox: Sandbox) -> None:
    text = {name: it for name, it in TEXT.items() if name != "token"}
    answer = await sandbox.sms("smstosend", {**text, **LOGIN, "customerid": "7"})
    assert answer["error"] == 0
    (effect,) = await sandbox.effects()
    assert (effect["call"], effect["reference"]) == ("smstosend", str(answer["sms_id"]))
    assert effect["params"] == {**text, "customerid": "7"}


async def test_many_texts_at_once_are_saved_and_no_ids_come_back(sandbox: Sandbox) -> None:
    answer = await bulk(sandbox, SMSDATA)
    assert answer == {"error": 0, "message": "Sms has been saved successfully"}
    first, second = await rows(sandbox)
    assert (first["sendto"], first["customerid"], first["urgent"]) == ("+4915752982212", 7, True)
    assert (second["customerid"], second["urgent"], second["sim"]) == (0, None, 1)
    effects = await sandbox.effects()
    assert [(it["call"], it["params"]["sendto"], it["reference"]) for it in effects] == [
        ("addalotofsms", "+4915752982212", str(first["id"])),
        ("addalotofsms", "+4917642111111", str(second["id"])),
    ]


async def test_many_texts_come_in_a_json_body_too(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/smsgateway24/getdata/addalotofsms"
    async with sandbox.http.post(url, json={"token": "t", "smsdata": SMSDATA}) as answer:
        assert (await answer.json())["error"] == 0
    assert len(await rows(sandbox)) == 2


@pytest.mark.parametrize(("partial", "saved"), [(False, 0), (True, 1)])
async def test_of_a_refused_call_all_or_the_right_ones_may_be_saved(
    sandbox: Sandbox, partial: bool, saved: int
) -> None:
    """The vendor does not say which; a client has to survive both."""
    await sandbox.switch(partial_bulk=partial)
    answer = await bulk(sandbox, [{"sendto": "", "body": "x", "device_id": 1}, SMSDATA[0]])
    assert answer["error"] == 1
    assert len(await rows(sandbox)) == saved


@pytest.mark.parametrize(
    "datajson", ["", "{", "[]", '{"token":"t"}', '{"token":"t","smsdata":[]}', '{"token":5}']
)
async def test_datajson_that_is_none_is_error_1(sandbox: Sandbox, datajson: str) -> None:
    answer = await sandbox.sms("addalotofsms", {"datajson": datajson})
    assert answer["error"] == 1
    assert await sandbox.effects() == []


async def test_the_status_of_a_text_is_described(sandbox: Sandbox) -> None:
    sms_id = (await sandbox.add())["sms_id"]
    answer = await sandbox.sms("getsmsstatus", {"token": "t", "sms_id": str(sms_id)})
    assert answer == {
        "error": 0,
        "sms_id": sms_id,
        "status": 1,
        "status_description": "New",
        "message": "Ok",
    }
    unknown = await sandbox.sms("getsmsstatus", {"token": "t", "sms_id": "1"})
    assert unknown == {"error": 1, "message": "Sms not found"}


@pytest.mark.parametrize("ending", sorted(ENDINGS))
async def test_a_text_comes_to_the_end_that_was_ordered(ending: int) -> None:
    texts = Texts(timedelta(seconds=1))
    start = ManualClock().now()
    texts.add(sendto="+1", body="x", device_id="1", created=start, ending=ending)
    seen = [change.status for change in texts.step(start + timedelta(seconds=10))]
    assert seen[:2] == [3, 2]
    assert seen[-1] == ending
    assert (6 in seen) == (ending in {6, 7, 8})


async def test_an_ordered_end_is_for_the_texts_it_names(sandbox: Sandbox) -> None:
    order = {"match": {"sendto": "+4915752982212"}, "status": 9, "times": 1}
    assert (await control(sandbox, "POST", "/outcomes", order))[0] == 201
    first, second = (await sandbox.add())["sms_id"], (await sandbox.add())["sms_id"]
    sandbox.clock.advance(timedelta(seconds=10))
    answer = await status_of(sandbox, first, 9)
    assert answer["status_description"] == "Not SENT - Generic failure"
    await status_of(sandbox, second, 7)
    assert [row["statustitle"] for row in await rows(sandbox)] == ["generic failure", "delivered"]


async def test_an_end_that_is_none_cannot_be_ordered(sandbox: Sandbox) -> None:
    for status in (1, 5, 13):
        code, content = await control(sandbox, "POST", "/outcomes", {"status": status})
        assert code == 400
        assert content["detail"].startswith("status: ")


async def test_devices_are_listed_as_the_page_prints_them(sandbox: Sandbox) -> None:
    answer = await sandbox.sms("getalldevices", {"token": "t"})
    assert (answer["count"], list(answer["device"])) == (2, ["260", "261"])
    device = answer["device"]["260"]
    assert set(device) == {
        "id",
        "title",
        "number",
        "imei",
        "created",
        "createdhumanformat",
        "lastseen",
        "lastseenhumanformat",
        "serialnumber",
        "siminfo",
        "appversion",
        "isappversionactual",
        "delaybetweeneachsms",
        "delaybetweenrequest",
        "subscription",
    }
    assert device["lastseen"] == {
        "date": "2026-11-22 10:00:00.000000",
        "timezone_type": 3,
        "timezone": "UTC",
    }
    assert device["lastseenhumanformat"] == "22.11.2026 10:00:00"
    assert set(device["siminfo"][0]) == {
        "Slot",
        "IccId",
        "Number",
        "Roaming",
        "CountryIso",
        "CarrierName",
    }


async def test_a_phone_that_goes_silent_is_seen_no_more_and_sends_nothing(
    sandbox: Sandbox,
) -> None:
    sandbox.clock.advance(timedelta(minutes=1))
    assert (await control(sandbox, "PATCH", "/devices/260", {"online": False}))[0] == 200
    sms_id = (await sandbox.add())["sms_id"]
    other = (await sandbox.add(device_id="261"))["sms_id"]
    sandbox.clock.advance(timedelta(minutes=10))
    await status_of(sandbox, other, 7)
    answer = await sandbox.sms("getdevicestatus", {"token": "t", "device_id": "260"})
    assert answer == {
        "online": False,
        "error": 0,
        "message": "OK",
        "device_id": 260,
        "lastseen": {"date": "2026-11-22 10:01:00.000000", "timezone_type": 3, "timezone": "UTC"},
        "diffseconds": 600,
        "title": "Pixel 6a (shop)",
    }
    await status_of(sandbox, sms_id, 1)
    devices = (await sandbox.sms("getalldevices", {"token": "t"}))["device"]
    assert [devices[it]["lastseenhumanformat"][-8:] for it in ("260", "261")] == [
        "10:01:00",
        "10:11:00",
    ]
    await control(sandbox, "PATCH", "/devices/260", {"online": True})
    sandbox.clock.advance(timedelta(minutes=1))
    await status_of(sandbox, sms_id, 7)


async def test_a_device_that_is_not_there_may_send_unless_that_is_switched_off(
    sandbox: Sandbox,
) -> None:
    assert (await sandbox.add(device_id="7"))["error"] == 0
    await sandbox.switch(known_devices_only=True)
    assert await sandbox.add(device_id="7") == {"error": 1, "message": "Device not found"}
    assert (await sandbox.add())["error"] == 0
    assert (await control(sandbox, "PATCH", "/devices/7", {"online": False}))[0] == 404


async def test_a_newsletter_goes_to_the_contacts_of_its_tags_once_it_is_started(
    sandbox: Sandbox,
) -> None:
    tags = [
        (await sandbox.sms("savetag", {"token": "t", "title": title}))["tag_id"]
        for title in ("Customers", "Friends", "Others")
    ]
    assert tags == [8303, 8304, 8305]
    people = [
        ("+49 157 52982212", "ctag_id", tags[0]),
        ("+4917642111111", "tag_id", tags[1]),
        ("+4915752982212", "tag_id", tags[1]),
        ("+4917642222222", "tag_id", tags[2]),
    ]
    for phone, name, tag in people:
        contact = {"token": "t", "phone": phone, name: str(tag), "fullname": "Anna"}
        assert (await sandbox.sms("savecontact", contact))["message"] == "ok"
    paket = {"token": "t", "title": "Sale", "device_id": "260", "body": "All shoes"}
    paket |= {"tags": f"{tags[0]}, {tags[1]}", "sim": "1", "time_to_send": "22.11.2026 12:00:00"}
    paket_id = (await sandbox.sms("savepaket", paket))["paket_id"]
    assert await rows(sandbox) == []

    assert (await control(sandbox, "POST", f"/pakets/{paket_id}/start"))[0] == 200
    saved = await rows(sandbox)
    assert [row["sendto"] for row in saved] == ["+4915752982212", "+4917642111111"]
    assert (saved[0]["paketid"], saved[0]["pakettitle"]) == (paket_id, "Sale")
    assert saved[0]["timetosend"]["date"] == "2026-11-22 12:00:00.000000"
    effects = [effect for effect in await sandbox.effects() if effect["call"] == "paket"]
    assert [effect["reference"] for effect in effects] == [str(row["id"]) for row in saved]
    assert (await control(sandbox, "POST", f"/pakets/{paket_id}/start"))[0] == 409
    assert (await control(sandbox, "POST", "/pakets/99/start"))[0] == 404


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ("savetag", {}),
        ("savecontact", {"phone": "+49"}),
        ("savecontact", {"phone": "+49", "tag_id": "1"}),
        ("savepaket", {"title": "x", "device_id": "1", "body": "x", "tags": "1"}),
        ("savepaket", {"title": "x", "device_id": "1", "body": "x", "tags": "all"}),
        ("getdevicestatus", {"device_id": "7"}),
    ],
)
async def test_what_is_missing_or_unknown_is_error_1(
    sandbox: Sandbox, call: str, fields: dict[str, str]
) -> None:
    assert (await sandbox.sms(call, {"token": "t", **fields}))["error"] == 1
    assert await sandbox.effects() == []


async def test_dates_are_answered_in_the_zone_that_was_asked_for(sandbox: Sandbox) -> None:
    await sandbox.add()
    (row,) = await rows(sandbox, timezone="Europe/Paris")
    assert row["created"] == {
        "date": "2026-11-22 11:00:00.000000",
        "timezone_type": 3,
        "timezone": "Europe/Paris",
    }


async def test_an_incoming_text_is_listed_with_status_5(sandbox: Sandbox) -> None:
    somebody = {"from": "+4915752982212", "body": "STOP", "device_id": 260}
    code, content = await control(sandbox, "POST", "/incoming", somebody)
    assert code == 201
    (row,) = await rows(sandbox, status="5")
    assert (row["id"], row["sendto"], row["body"]) == (content["sms_id"], "+4915752982212", "STOP")
    assert await sandbox.effects() == []


async def test_faults_can_be_ordered_for_every_call(sandbox: Sandbox) -> None:
    for call in SMSGATEWAY24_CALLS:
        assert (await sandbox.fault(call, "error-body"))["http"] == 201
    answer = await sandbox.sms("getalldevices", {"token": "t"})
    assert answer == {"error": 1, "message": "Fault on order"}


async def test_the_account_is_told_without_passwords_and_a_reset_starts_over(
    sandbox: Sandbox,
) -> None:
    await control(sandbox, "POST", "/accounts", {"email": "a@example.com", "password": "hunter2"})
    await sandbox.sms("savetag", {"token": "t", "title": "Customers"})
    await control(sandbox, "PATCH", "/devices/260", {"online": False})
    await sandbox.add()
    code, state = await control(sandbox, "GET", "")
    assert (code, state["accounts"]) == (200, ["a@example.com"])
    assert "hunter2" not in orjson.dumps(state).decode()
    assert [(it["id"], it["online"]) for it in state["devices"]] == [(260, False), (261, True)]
    assert state["tags"] == [{"id": 8303, "title": "Customers"}]
    assert state["counts"]["statuses"] == {"pending": 1}

    await sandbox.http.post(f"{sandbox.url}/_sandbox/reset")
    _, state = await control(sandbox, "GET", "")
    assert (state["accounts"], state["tags"], state["counts"]["texts"]) == ([], [], 0)
    assert all(device["online"] for device in state["devices"])
