"""The gateway as a process of its own, on a real RabbitMQ: start, signals, and a broker that comes
late."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from core.broker.connect import open_broker
from core.broker.topology import RECORDER_QUEUE
from core.messages import decode_record
from tests.e2e.serving import CONFIG, KEYS, ORDER, SHOP
from tests.servers.process import free_ports
from tests.servers.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Process:
    running: asyncio.subprocess.Process
    listen: int
    admin: int
    session: aiohttp.ClientSession

    async def post(self, event: Any) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self.listen}/v1/events"
        async with self.session.post(url, json=event, headers=SHOP) as response:
            return response.status, await response.json(content_type=None)

    async def probe(self, path: str) -> int:
        try:
            async with self.session.get(f"http://127.0.0.1:{self.admin}{path}") as response:
                return response.status
        except aiohttp.ClientConnectionError:
            return 0

    async def until(self, path: str, status: int) -> None:
        async with asyncio.timeout(20):
            while await self.probe(path) != status:
                assert self.running.returncode is None, "the gateway has ended"
                await asyncio.sleep(0.05)

    async def end(self, number: signal.Signals) -> int:
        self.running.send_signal(number)
        async with asyncio.timeout(20):
            return await self.running.wait()


@asynccontextmanager
async def started(
    folder: Path,
    broker: str,
    *,
    config: str = CONFIG,
    command: Sequence[str] = ("gateway",),
    **variables: str,
) -> AsyncIterator[Process]:
    """`command`: what to hand to `python -m`."""
    path = folder / "postern.yaml"
    path.write_text(config)
    listen, admin = free_ports(2)
    environ = {name: value for name, value in os.environ.items() if "POSTERN" not in name}
    # A file, not a pipe: a full pipe that nobody reads would stop the gateway.
    told = (folder / "told").open("wb")
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *command,
        cwd=ROOT,
        env={
            **environ,
            **KEYS,
            "POSTERN_BROKER": broker,
            "POSTERN_LISTEN": f"127.0.0.1:{listen}",
            "POSTERN_ADMIN": f"127.0.0.1:{admin}",
            "POSTERN_DATA": str(folder),
            "POSTERN_CONFIG": str(path),
            **variables,
        },
        stderr=told,
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield Process(running=running, listen=listen, admin=admin, session=session)
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()
        told.close()


async def test_an_accepted_event_stands_at_the_broker_after_the_gateway_is_killed(
    tmp_path: Path, broker_url: str
) -> None:
    async with started(tmp_path, broker_url) as gateway:
        await gateway.until("/readyz", 200)
        status, receipt = await gateway.post(ORDER)
        assert status == 202
        await gateway.end(signal.SIGKILL)
    async with (
        open_broker(broker_url) as broker,
        broker.subscribe(RECORDER_QUEUE, prefetch=1) as deliveries,
    ):
        async for delivery in deliveries:
            record = decode_record(delivery.body)
            break
    assert record.event.ref == receipt["ref"]
    assert [action.id for action in record.actions] == [receipt["actions"][0]["id"]]


async def test_a_request_in_progress_when_it_is_told_to_stop_is_answered(
    tmp_path: Path, broker_url: str
) -> None:
    async with started(tmp_path, broker_url) as gateway:
        await gateway.until("/readyz", 200)
        gateway.running.send_signal(signal.SIGTERM)
        await gateway.until("/readyz", 503)
        status, _ = await gateway.post(ORDER)
        assert status == 202
        async with asyncio.timeout(20):
            assert await gateway.running.wait() == 0


@pytest.mark.fault(38)
async def test_a_hangup_signal_has_the_configuration_and_its_secrets_read_again(
    tmp_path: Path, broker_url: str
) -> None:
    """A secret in a file of its own: nothing but the signal tells that it was changed."""
    key = tmp_path / "key"
    key.write_text("an-older-key-0123456789-0123456789")
    config = CONFIG.replace("{env: SHOP_KEY}", f"{{file: {key}}}")
    async with started(tmp_path, broker_url, config=config) as gateway:
        await gateway.until("/readyz", 200)
        assert (await gateway.post(ORDER))[0] == 401
        key.write_text(KEYS["SHOP_KEY"] + "\n")
        gateway.running.send_signal(signal.SIGHUP)
        async with asyncio.timeout(10):
            while (await gateway.post(ORDER))[0] != 202:
                continue
        assert await gateway.end(signal.SIGINT) == 0


@pytest.mark.fault(1)
async def test_a_broker_that_comes_late_goes_and_returns_is_found_again(
    tmp_path: Path, broker_url: str
) -> None:
    """The way to the real broker is cut and opened; nobody touches the gateway."""
    with Proxy(urlsplit(broker_url).port or 0) as road:
        road.refuse()
        await _late_and_gone(tmp_path, broker_url, road)


async def _late_and_gone(folder: Path, broker_url: str, road: Proxy) -> None:
    async with started(folder, road.url(broker_url)) as gateway:
        await gateway.until("/livez", 200)
        assert await gateway.probe("/readyz") == 503
        assert (await timed(gateway))[0] == 503
        road.refuse(refusing=False)
        await gateway.until("/readyz", 200)
        assert (await gateway.post(ORDER))[0] == 202
        road.refuse()
        road.reset()
        assert (await timed(gateway))[0] == 503
        assert await gateway.probe("/readyz") == 200
        road.refuse(refusing=False)
        async with asyncio.timeout(30):
            while (await gateway.post(ORDER))[0] != 202:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        assert await gateway.end(signal.SIGTERM) == 0


async def timed(gateway: Process) -> tuple[int, Any]:
    """Post while the broker is away: the answer must come within three seconds."""
    async with asyncio.timeout(3):
        return await gateway.post(ORDER)


async def test_a_wrong_configuration_stops_the_start_with_one_line(tmp_path: Path) -> None:
    async with started(tmp_path, f"embedded:{tmp_path / 'broker.db'}") as gateway:
        assert await gateway.running.wait() == 2
    told = (tmp_path / "told").read_text()
    assert told.count("\n") == 1
    assert "POSTERN_BROKER" in told
    assert "postern run" in told
    async with started(tmp_path, "amqp://127.0.0.1:9/", POSTERN_BORKER="x") as gateway:
        assert await gateway.running.wait() == 2
    assert "did you mean POSTERN_BROKER?" in (tmp_path / "told").read_text()
