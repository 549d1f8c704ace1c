"""`postern gateway --workers`: several processes on one port, on a real RabbitMQ, that look like
one from outside and outlive any of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.broker.counted import BrokerMetrics
from core.telemetry import new_registry
from gateway.metrics import Metrics
from gateway.workers.merging import GAUGES, Page, merged, written
from gateway.workers.parent import WorkerMetrics
from tests.e2e.serving import CONFIG, KEYS, ORDER, SHOP
from tests.e2e.test_gateway_process import Process, started

TWO = ("cli", "gateway", "--workers", "2")


@asynccontextmanager
async def two_workers(folder: Path, broker: str, config: str = CONFIG) -> AsyncIterator[Process]:
    async with started(folder, broker, config=config, command=TWO, POSTERN_GRACE="1s") as gateway:
        await until_serving(gateway, 2)
        yield gateway


async def test_both_take_events_and_are_counted_as_one(tmp_path: Path, broker_url: str) -> None:
    async with two_workers(tmp_path, broker_url) as gateway:
        await gateway.until("/readyz", 200)
        statuses = await post_each_anew(gateway, 60)
        assert statuses == {202}
        page = await metrics(gateway)
        assert page["postern_events_accepted_total", "shop"] == 60
        assert page["postern_ingress_seconds_count", ""] == 60
        assert page["postern_broker_connected", ""] == 1
        # Of 60 connections that the system shares out, all to one of two: 2 to the power of -59.
        for admin in admins_of(tmp_path / "told"):
            own = await metrics(gateway, admin)
            assert 0 < own["postern_events_accepted_total", "shop"] < 60
        assert await gateway.end(signal.SIGTERM) == 0


async def test_a_worker_that_is_killed_is_started_again_and_nothing_it_counted_is_gone(
    tmp_path: Path, broker_url: str
) -> None:
    async with two_workers(tmp_path, broker_url) as gateway:
        await post_each_anew(gateway, 40)
        assert (await metrics(gateway))["postern_events_accepted_total", "shop"] == 40
        os.kill(min(workers_of(gateway)), signal.SIGKILL)
        await until_serving(gateway, 1)
        # Whoever connects now is taken by the other one: nobody listens in the place of the dead.
        assert await post_each_anew(gateway, 20) == {202}
        assert await gateway.probe("/readyz") == 200
        await until_serving(gateway, 2)
        page = await metrics(gateway)
        assert page["postern_events_accepted_total", "shop"] == 60
        assert (
            page["postern_worker_starts_total", "1"] + page["postern_worker_starts_total", "2"] == 3
        )
        assert await gateway.end(signal.SIGTERM) == 0


async def test_no_worker_outlives_a_parent_that_is_killed(tmp_path: Path, broker_url: str) -> None:
    async with two_workers(tmp_path, broker_url) as gateway:
        pids = [*workers_of(gateway)]
        assert len(pids) == 2
        await gateway.end(signal.SIGKILL)
        async with asyncio.timeout(20):
            while any(os.path.exists(f"/proc/{pid}") for pid in pids):  # noqa: ASYNC110, ASYNC240, PTH110 - processes
                await asyncio.sleep(0.05)


async def test_a_request_in_progress_when_all_are_told_to_stop_is_answered(
    tmp_path: Path, broker_url: str
) -> None:
    async with two_workers(tmp_path, broker_url) as gateway:
        gateway.running.send_signal(signal.SIGTERM)
        await gateway.until("/readyz", 503)
        assert await post_each_anew(gateway, 20) == {202}
        async with asyncio.timeout(20):
            assert await gateway.running.wait() == 0


async def test_a_hangup_signal_reaches_every_worker(tmp_path: Path, broker_url: str) -> None:
    key = tmp_path / "key"
    key.write_text("an-older-key-0123456789-0123456789")
    config = CONFIG.replace("{env: SHOP_KEY}", f"{{file: {key}}}")
    async with two_workers(tmp_path, broker_url, config) as gateway:
        assert await post_each_anew(gateway, 20) == {401}
        key.write_text(KEYS["SHOP_KEY"] + "\n")
        gateway.running.send_signal(signal.SIGHUP)
        async with asyncio.timeout(10):
            while await post_each_anew(gateway, 20) != {202}:
                continue
        assert await gateway.end(signal.SIGINT) == 0


async def test_what_is_wrong_is_told_once_and_ends_all(tmp_path: Path) -> None:
    async with started(tmp_path, "amqp://127.0.0.1:9/", config="rules: 1", command=TWO) as gateway:
        assert await gateway.running.wait() == 2
    told = (tmp_path / "told").read_text().splitlines()
    assert len([line for line in told if "postern gateway:" in line]) == 1


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"POSTERN_SPOOL": "spool"}, "POSTERN_SPOOL: a spool belongs to one process"),
        ({"POSTERN_LISTEN": "127.0.0.1:0"}, "POSTERN_LISTEN: workers share a port: name it"),
    ],
)
async def test_what_only_one_process_can_have_is_refused(
    tmp_path: Path, variables: dict[str, str], problem: str
) -> None:
    async with started(tmp_path, "amqp://127.0.0.1:9/", command=TWO, **variables) as gateway:
        assert await gateway.running.wait() == 2
    assert problem in (tmp_path / "told").read_text()


async def test_a_port_that_another_gateway_has_is_not_shared_with_it(
    tmp_path: Path, broker_url: str
) -> None:
    async with two_workers(tmp_path, broker_url) as gateway:
        (tmp_path / "second").mkdir()
        taken = f"127.0.0.1:{gateway.listen}"
        async with started(
            tmp_path / "second", broker_url, command=TWO, POSTERN_LISTEN=taken
        ) as second:
            assert await second.running.wait() == 2
        assert f"cannot listen on {taken}" in (tmp_path / "second" / "told").read_text()


def test_every_gauge_of_a_gateway_says_what_it_is_of_several() -> None:
    registry = new_registry()
    Metrics(registry)
    BrokerMetrics(registry)
    WorkerMetrics(registry)
    gauges = {family.name for family in registry.collect() if family.type == "gauge"}
    assert {name for name in gauges if not name.endswith("_created")} == GAUGES.keys()


def test_pages_are_merged_as_each_metric_means() -> None:
    pages = [_page(connected=1, requests=3, largest=2), _page(connected=0, requests=4, largest=5)]
    again = Page.read(written(merged(pages)).decode())
    values = {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in again.families
        for sample in family.samples
    }
    assert values == {
        ("postern_broker_connected", ""): 0,
        ("requests_total", ""): 7,
        ("seconds_bucket", "0.1"): 1 + 1,
        ("seconds_bucket", "+Inf"): 2 + 5,
        ("seconds_sum", ""): 1,
        ("seconds_count", ""): 2 + 5,
    }


def _page(*, connected: int, requests: int, largest: int) -> Page:
    return Page.read(
        f"# TYPE postern_broker_connected gauge\npostern_broker_connected {connected}\n"
        f"# TYPE requests_total counter\nrequests_total {requests}\n"
        '# TYPE seconds histogram\nseconds_bucket{le="0.1"} 1\n'
        f'seconds_bucket{{le="+Inf"}} {largest}\nseconds_sum 0.5\nseconds_count {largest}\n'
    )


async def post_each_anew(gateway: Process, count: int) -> set[int]:
    """The statuses of so many orders, each on a connection of its own."""
    statuses = set()
    for number in range(count):
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"http://127.0.0.1:{gateway.listen}/v1/events",
                json=ORDER | {"id": f"{ORDER['id']}-{number}"},
                headers=SHOP,
            ) as response,
        ):
            statuses.add(response.status)
    return statuses


async def metrics(gateway: Process, admin: str | None = None) -> dict[tuple[str, str], float]:
    """By name and first label; of one worker by its own address."""
    address = admin or f"127.0.0.1:{gateway.admin}"
    async with gateway.session.get(f"http://{address}/metrics") as response:
        text = await response.text()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until_serving(gateway: Process, count: int) -> None:
    await gateway.until("/livez", 200)
    async with asyncio.timeout(30):
        while True:
            page = await metrics(gateway)
            serving = [page.get(("postern_worker_serving", name), 0) for name in ("1", "2")]
            if sum(serving) == count:
                return
            assert gateway.running.returncode is None, "the gateway has ended"
            await asyncio.sleep(0.05)


def admins_of(told: Path) -> list[str]:
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    found = {it["worker"]: it["admin"] for it in lines if it["event"] == "gateway_started"}
    assert sorted(found) == [1, 2]
    return [*found.values()]


def workers_of(gateway: Process) -> Iterator[int]:
    parent = gateway.running.pid
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status = (process / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(status[1]) == parent and status[0] != "Z":
            yield int(process.name)
