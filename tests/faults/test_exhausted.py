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
    opened = []
    for _ in range(count):
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection("127.0.0.1", gateway.listen)
                opened.append(writer)
    return opened


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
