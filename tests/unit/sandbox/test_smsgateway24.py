"""The SMS gateway's simulator: no deduplication, PHP's ways, the fake phone."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

from sandbox.smsgateway24.texts import Texts
from tests.unit.sandbox.conftest import TEXT, Sandbox


async def test_a_repeated_text_is_a_second_text(sandbox: Sandbox) -> None:
    first, second = await sandbox.add(), await sandbox.add()
    assert first["error"] == 0
    assert second["sms_id"] == first["sms_id"] + 1
    assert len(await sandbox.effects()) == 2


@pytest.mark.parametrize("missing", ["token", "sendto", "body", "device_id"])
async def test_what_is_missing_is_error_1(sandbox: Sandbox, missing: str) -> None:
    answer = await sandbox.add(**{missing: ""})
    assert answer["error"] == 1
    assert answer["message"]
    assert await sandbox.effects() == []


async def test_parameters_come_in_every_encoding(sandbox: Sandbox) -> None:
    """Form, multipart, JSON, query; `+` in a query is a space, and spaces are stripped."""
    url = f"{sandbox.url}/smsgateway24/getdata/addsms"
    multipart = aiohttp.FormData(TEXT, default_to_multipart=True)
    async with sandbox.http.post(url, data=multipart) as answer:
        assert (await answer.json())["error"] == 0
    async with sandbox.http.post(url, json=TEXT) as answer:
        assert (await answer.json())["error"] == 0
    query = "token=t&sendto=+4915752982212&body=Hi&device_id=260"
    async with sandbox.http.get(f"{url}?{query}") as answer:
        assert (await answer.json())["error"] == 0
    numbers = [effect["params"]["sendto"] for effect in await sandbox.effects()]
    assert numbers == ["+4915752982212", "+4915752982212", "4915752982212"]


async def test_several_numbers_are_several_texts_with_one_id_answered(sandbox: Sandbox) -> None:
    answer = await sandbox.add(sendto="+49 157 52982212, +4917642111111")
    listed = (await sandbox.texts())["smss"]
    assert [row["sendto"] for row in listed.values()] == ["+4915752982212", "+4917642111111"]
    assert str(answer["sms_id"]) in listed


async def test_a_row_is_written_as_documented(sandbox: Sandbox) -> None:
    sms_id = (await sandbox.add(timetosend="2026-11-23 12:00"))["sms_id"]
    answer = await sandbox.texts()
    assert (answer["error"], answer["count"]) == (0, 1)
    assert answer["smss"][str(sms_id)] == {
        "id": sms_id,
        "sendto": "+4915752982212",
        "body": "Hello!",
        "customerid": None,
        "status": 1,
        "statustitle": "pending",
        "deviceid": 260,
        "urgent": None,
        "created": {"date": "2026-11-22 10:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        "senttime": None,
        "timetosend": {"date": "2026-11-23 12:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        "sim": 0,
        "paketid": None,
        "pakettitle": None,
        "paketbody": None,
    }


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["a", "b"]),
        ({"customerid": "7"}, ["a"]),
        ({"customerid": "8"}, []),
        ({"phone": "+49 176 42111111"}, ["b"]),
        ({"phone": "4917642111111"}, ["b"]),
        ({"device_id": "260"}, ["a", "b"]),
        ({"device_id": "1"}, []),
        ({"sim": "1"}, ["b"]),
        ({"status": "1"}, ["a", "b"]),
        ({"status": "7"}, []),
        ({"begindate": "2026-11-22 10:00:00"}, ["a", "b"]),
        ({"begindate": "2026-11-22 10:00:30"}, ["b"]),
        ({"enddate": "2026-11-22 10:00:30"}, ["a"]),
        ({"enddate": "2026-11-22"}, []),
        ({"begindate": "2026-11-22 21:00:30", "timezone": "Australia/Sydney"}, ["b"]),
        ({"orderbydesc": "1"}, ["b", "a"]),
    ],
)
async def test_filters(sandbox: Sandbox, filters: dict[str, str], found: list[str]) -> None:
    await sandbox.add(body="a", customerid="7")
    sandbox.clock.advance(timedelta(minutes=1))
    await sandbox.add(body="b", sendto="+4917642111111", sim="1")
    rows = (await sandbox.texts(**filters))["smss"]
    assert [row["body"] for row in (rows.values() if rows else [])] == found
    assert (await sandbox.texts(onlycount="1", **filters))["count"] == len(found)


async def test_an_empty_list_is_written_both_ways(sandbox: Sandbox) -> None:
    assert (await sandbox.texts())["smss"] == []
    await sandbox.switch(empty_list="object")
    assert (await sandbox.texts())["smss"] == {}


async def test_a_gateway_that_loses_the_customers_number_can_be_switched_on(
    sandbox: Sandbox,
) -> None:
    await sandbox.switch(keep_customerid=False)
    await sandbox.add(customerid="7")
    (row,) = (await sandbox.texts())["smss"].values()
    assert row["customerid"] is None


async def test_the_phone_takes_sends_and_delivers_in_the_documented_order(
    sandbox: Sandbox,
) -> None:
    texts = Texts(timedelta(seconds=1))
    now = sandbox.clock.now()
    later = now + timedelta(hours=1)
    at_once, ordered = (
        texts.add(
            sendto="+1",
            body="x",
            device_id="1",
            created=now,
            sim=0,
            customerid=None,
            urgent=None,
            timetosend=moment,
        )
        for moment in (None, later)
    )
    seen = [at_once.status]
    for second in range(1, 6):
        texts.step(now + timedelta(seconds=second))
        seen.append(at_once.status)
    assert seen == [1, 3, 2, 6, 7, 7]
    assert ordered.status == 1
    texts.step(later + timedelta(seconds=10))
    assert (ordered.status, ordered.title) == (7, "delivered")
