"""Faults on order, on real connections: which effect remains is the whole point."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import aiohttp
import pytest

from sandbox.app import serve_sandbox
from tests.unit.sandbox.conftest import TEXT, Sandbox

ADD = "/smsgateway24/getdata/addsms"


@pytest.mark.parametrize(
    ("fault", "effects"),
    [("drop-before", 0), ("drop-after-effect", 1)],
)
async def test_a_dropped_connection_gives_no_byte_of_an_answer(
    sandbox: Sandbox, fault: str, effects: int
) -> None:
    await sandbox.fault("addsms", fault)
    host, port = sandbox.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = "token=t&sendto=%2B1&body=x&device_id=1"
    writer.write(
        f"POST {ADD} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}".encode()
    )
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    assert len(await sandbox.effects()) == effects


@pytest.mark.parametrize(
    ("fault", "effects"),
    [("hang", 0), ("hang-after-effect", 1), ("slow-after-effect", 1)],
)
async def test_a_client_that_gives_up_does_not_know(
    sandbox: Sandbox, fault: str, effects: int
) -> None:
    await sandbox.fault("addsms", fault, delay=60)
    impatient = aiohttp.ClientTimeout(total=0.2)
    with pytest.raises(TimeoutError):
        await sandbox.http.post(sandbox.url + ADD, data=TEXT, timeout=impatient)
    assert len(await sandbox.effects()) == effects


async def test_an_effect_may_come_after_the_client_has_given_up(sandbox: Sandbox) -> None:
    await sandbox.fault("addsms", "slow", delay=0.3)
    with pytest.raises(TimeoutError):
        await sandbox.http.post(
            sandbox.url + ADD, data=TEXT, timeout=aiohttp.ClientTimeout(total=0.05)
        )
    assert await sandbox.effects() == []
    async with asyncio.timeout(5), sandbox.http.get(f"{sandbox.url}/_sandbox/live") as live:
        async for line in live.content:
            if b"Hello!" in line:
                break
    assert len(await sandbox.effects()) == 1


@pytest.mark.parametrize(("fault", "effects"), [("status", 0), ("status-after-effect", 1)])
async def test_a_status_with_a_waiting_time(sandbox: Sandbox, fault: str, effects: int) -> None:
    await sandbox.fault("addsms", fault, status=429, retry_after=2)
    async with sandbox.http.post(sandbox.url + ADD, data=TEXT) as answer:
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "2"
    assert len(await sandbox.effects()) == effects


@pytest.mark.parametrize(("fault", "effects"), [("html", 0), ("html-after-effect", 1)])
async def test_a_web_page_behind_a_200(sandbox: Sandbox, fault: str, effects: int) -> None:
    await sandbox.fault("addsms", fault)
    async with sandbox.http.post(sandbox.url + ADD, data=TEXT) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
    assert len(await sandbox.effects()) == effects


async def test_an_error_in_the_body_is_written_as_each_vendor_does(sandbox: Sandbox) -> None:
    await sandbox.fault("addsms", "error-body", message="Try again")
    assert await sandbox.add() == {"error": 1, "message": "Try again"}
    await sandbox.fault("subscriptions/set", "error-body", status=402, message="Limit")
    status, _, body = await sandbox.set()
    assert (status, body) == (200, {"error": 402, "error_text": "Limit"})
    assert await sandbox.effects() == []


async def test_a_fault_meets_only_those_it_was_ordered_for_and_only_so_often(
    sandbox: Sandbox,
) -> None:
    await sandbox.fault("addsms", "error-body", match={"sendto": "+1"}, times=2)
    errors = [(await sandbox.add(sendto=to))["error"] for to in ("+2", "+1", "+1", "+1")]
    assert errors == [0, 1, 1, 0]
    await sandbox.fault("subscriptions/set", "error-body", match={"db_id": 2})
    assert [(await sandbox.set(db_id=db))[2]["error"] for db in (1, 2, 2)] == [0, 500, 0]


async def test_a_probability_with_a_seed_is_repeatable(sandbox: Sandbox) -> None:
    async def run() -> list[int]:
        await sandbox.http.delete(f"{sandbox.url}/_sandbox/faults")
        await sandbox.fault("addsms", "error-body", probability=0.3, seed=7)
        return [(await sandbox.add())["error"] for _ in range(40)]

    first = await run()
    assert first == await run()
    assert 3 < sum(first) < 25


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"call": "nothing"}, "call"),
        ({"fault": "explode"}, "fault"),
        ({"times": 0}, "times"),
        ({"probability": 2}, "probability"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_order_is_told_what_is_wrong(
    sandbox: Sandbox, order: dict[str, object], named: str
) -> None:
    answer = await sandbox.fault(**{"call": "addsms", "fault": "html", **order})  # type: ignore[arg-type]  # wrong on purpose
    assert answer["http"] == 400
    assert answer["detail"].startswith(named)


async def test_orders_are_listed_and_removed_and_a_reset_forgets_everything(
    sandbox: Sandbox,
) -> None:
    first = await sandbox.fault("addsms", "html", times=3)
    await sandbox.fault("getallsms", "html")
    await sandbox.http.delete(f"{sandbox.url}/_sandbox/faults/{first['id']}")
    async with sandbox.http.get(f"{sandbox.url}/_sandbox/faults") as answer:
        (left,) = (await answer.json())["faults"]
    assert left["call"] == "getallsms"
    await sandbox.add()
    await sandbox.http.post(f"{sandbox.url}/_sandbox/reset")
    assert await sandbox.effects() == []
    assert (await sandbox.texts())["count"] == 0


async def test_stopping_does_not_wait_for_those_who_hang() -> None:
    async with asyncio.timeout(5), aiohttp.ClientSession() as http:
        async with serve_sandbox("127.0.0.1:0", pace=timedelta(seconds=1)) as url:
            order = {"call": "addsms", "fault": "hang"}
            await http.post(f"{url}/_sandbox/faults", json=order)
            live = await http.get(f"{url}/_sandbox/live")
            assert (await live.content.readline()).startswith(b"data: ")
            hanging = asyncio.create_task(http.post(url + ADD, data=TEXT))
            while True:
                async with http.get(f"{url}/_sandbox/counts") as answer:
                    if (await answer.json())["faults"]:
                        break
        with pytest.raises(aiohttp.ClientError):
            await hanging


async def test_the_effects_are_whole_under_load(sandbox: Sandbox) -> None:
    """Read in the middle, they are a prefix; read at the end, every answered call is there once."""
    sent: list[str] = []

    async def send(worker: int) -> None:
        for number in range(25):
            answer = await sandbox.add(body=f"{worker}-{number}")
            sent.append(str(answer["sms_id"]))

    async with asyncio.TaskGroup() as group:
        for worker in range(20):
            group.create_task(send(worker))
        for _ in range(5):
            numbers = [effect["n"] for effect in await sandbox.effects()]
            assert numbers == list(range(1, len(numbers) + 1))
    effects = await sandbox.effects()
    assert sorted(effect["reference"] for effect in effects) == sorted(sent)
    assert len({effect["params"]["body"] for effect in effects}) == 500
