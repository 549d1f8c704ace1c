"""A gateway that is held open by more clients than the system gives it file descriptors for."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.serving import ORDER
from tests.e2e.test_gateway_process import Process, started


@contextlib.contextmanager
def few_files(count: int) -> Iterator[None]:
    """For what is started meanwhile."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def idle(gateway: Process, count: int) -> list[asyncio.StreamWriter]:
    """Connections on which nothing is ever said."""

    async def one() -> asyncio.StreamWriter | None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection("127.0.0.1", gateway.listen)
                return writer
        return None

    opened = [await one() for _ in range(count // 2)]
    opened += await asyncio.gather(*(one() for _ in range(count // 2)))
    return [writer for writer in opened if writer is not None]


async def metric(gateway: Process, name: str) -> float:
    async with gateway.session.get(f"http://127.0.0.1:{gateway.admin}/metrics") as answer:
        text = await answer.text()
    return next(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")
    )


@pytest.mark.fault(35)
async def test_without_file_descriptors_the_probes_answer_and_it_recovers(
    tmp_path: Path, broker_url: str
) -> None:
    async with AsyncExitStack() as opened_here:
        with few_files(256):
            gateway = await opened_here.enter_async_context(started(tmp_path, broker_url))
        await gateway.until("/readyz", 200)
        opened = await idle(gateway, 400)
        status, _ = await gateway.post(ORDER)
        assert status == 503
        assert await metric(gateway, "postern_connections_refused_total") > 0
        assert await metric(gateway, "postern_broker_connected") == 1
        async with aiohttp.ClientSession() as http:
            for _ in range(5):
                started_at = time.monotonic()
                async with http.get(f"http://127.0.0.1:{gateway.admin}/livez") as answer:
                    assert answer.status == 200
                assert time.monotonic() - started_at < 2
                await asyncio.sleep(0.3)
        for writer in opened:
            writer.transport.abort()
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    status, _ = await gateway.post(ORDER)
                    if status == 202:
                        break
                await asyncio.sleep(0.2)
