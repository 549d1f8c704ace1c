"""A collector of traces that is away, or takes connections and never answers: nothing else is the
worse for it."""

from __future__ import annotations

import asyncio
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.samples import KEY, new_secret
from core.document import read_document
from core.settings import secret_names
from sandbox.app import serve_sandbox
from tests.e2e.command_line import environment
from tests.load import Told, order, prove_within
from tests.servers.collector import collecting, variables
from tests.servers.process import GuardedProcess, free_ports
from tests.stack import EXAMPLE, fast

EVENTS = 200
QUEUE = 64
SMALL = {"OTEL_BSP_MAX_QUEUE_SIZE": str(QUEUE), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32"}
END = 8.0
"""Seconds that the end may take: its grace of one, what it holds, and two for the last spans."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """`postern run` in a process of its own."""

    process: GuardedProcess
    url: str
    admin: str
    key: str
    sandbox: str
    log: Path

    async def post(self, first: int, count: int, told: Told) -> list[float]:
        """Orders, one after the other; how long each took, in seconds."""
        took = []
        headers = {"Authorization": f"Bearer {self.key}"}
        async with aiohttp.ClientSession() as http:
            for number in range(first, first + count):
                began = time.perf_counter()
                async with http.post(
                    f"{self.url}/v1/events", json=order(number), headers=headers
                ) as answer:
                    body = await answer.json()
                    assert answer.status == 202, body
                took.append(time.perf_counter() - began)
                told.acknowledged[order(number)["id"]] = [each["id"] for each in body["actions"]]
        return took

    async def spans(self) -> dict[str, float]:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.admin}/metrics") as answer,
        ):
            text = await answer.text()
        return {
            sample.labels["what"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "postern_trace_spans_total"
        }

    async def tells(self, event: str) -> list[dict[str, object]]:
        """The lines of this event, once there is one."""
        async with asyncio.timeout(20):
            while not (lines := self.lines(event)):  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.1)
        return lines

    def lines(self, event: str) -> list[dict[str, object]]:
        text = self.log.read_text(encoding="utf-8")
        lines = [orjson.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]


@asynccontextmanager
async def running(folder: Path, **traces: str) -> AsyncIterator[Run]:
    async with serve_sandbox("127.0.0.1:0") as sandbox:
        config = folder / "postern.yaml"
        text = EXAMPLE.read_text(encoding="utf-8").replace("http://127.0.0.1:8181", sandbox)
        config.write_text(fast(text), encoding="utf-8")
        secrets = {name: new_secret(name) for name in secret_names(read_document(config).data)}
        listen, admin = (f"127.0.0.1:{port}" for port in free_ports(2))
        process = GuardedProcess(
            [sys.executable, "-m", "cli", "run"],
            log=folder / "run.log",
            environment=environment(
                POSTERN_CONFIG=str(config),
                POSTERN_DATA=str(folder / "data"),
                POSTERN_LISTEN=listen,
                POSTERN_ADMIN=admin,
                POSTERN_GRACE="1s",
                POSTERN_LOG_FORMAT="json",
                **secrets,
                **traces,
            ),
        )
        try:
            await _ready(process, f"http://{admin}/readyz")
            yield Run(
                process=process,
                url=f"http://{listen}",
                admin=f"http://{admin}",
                key=secrets[KEY],
                sandbox=sandbox,
                log=folder / "run.log",
            )
        finally:
            process.end(signal.SIGKILL)


async def _ready(process: GuardedProcess, url: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as http:
        while True:
            assert process.running
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    (port,) = free_ports(1)
    yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    async with collecting(silent=True) as collector:
        yield collector.url
        assert collector.requests > 0, "it was never asked"


@pytest.mark.fault(36)
@pytest.mark.timeout(180)
@pytest.mark.parametrize("collector", [nobody, silent])
async def test_without_a_collector_events_go_on_and_the_process_ends_in_time(
    tmp_path: Path, collector: Callable[[], AbstractAsyncContextManager[str]]
) -> None:
    """Its queue of spans overflows many times over; the process tells that once."""
    told = Told()
    async with (
        collector() as url,
        running(tmp_path, **variables(url, **SMALL)) as run,
    ):
        await run.post(0, 20, told)
        took = await run.post(20, EVENTS, told)
        proof = await prove_within(run.sandbox, told, 60)
        assert (proof.lost_texts, proof.texts_twice, proof.lost_updates) == ((), (), ())
        await run.tells("traces_not_exported")
        spans = await run.spans()
        assert spans["ended"] > 10 * QUEUE
        assert "exported" not in spans
        began = time.monotonic()
        code = await asyncio.to_thread(
            run.process.end, signal.SIGTERM, within=timedelta(seconds=40)
        )
        ended_in = time.monotonic() - began
        assert code == 0
        assert ended_in < END
        assert len(run.lines("traces_not_exported")) == 1
        assert run.log.read_text(encoding="utf-8").count("opentelemetry") == 0, "nor by the SDK"
    # A request that waited for a collector would take as long as its limit, of seconds.
    assert max(took) < 2
    median = statistics.median(took) * 1000
    print(f"\n{url}: median {median:.1f} ms, ended in {ended_in:.1f} s, {spans}")  # noqa: T201


@pytest.mark.fault(36)
@pytest.mark.timeout(120)
async def test_a_collector_that_comes_back_gets_what_is_new(tmp_path: Path) -> None:
    told = Told()
    async with collecting() as collector:
        collector.status = 500
        async with running(tmp_path, **variables(collector.url)) as run:
            await run.post(0, 1, told)
            await run.tells("traces_not_exported")
            collector.status = 200
            await run.post(1, 1, told)
            await collector.until(lambda _: len(collector.of("server")) == 1)
            (line,) = await run.tells("traces_exported_again")
            assert isinstance(line["dropped"], int)
            assert line["dropped"] > 0
            spans = await run.spans()
            assert spans["dropped"] > 0
            assert spans["exported"] > 0


@pytest.mark.timeout(120)
async def test_what_has_ended_just_before_the_end_is_still_exported(tmp_path: Path) -> None:
    told = Told()
    async with collecting() as collector:
        patient = variables(collector.url) | {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}
        async with running(tmp_path, **patient) as run:
            await run.post(0, 1, told)
            await prove_within(run.sandbox, told, 30)
            assert collector.spans == []
            end = asyncio.to_thread(run.process.end, signal.SIGTERM, within=timedelta(seconds=40))
            assert await end == 0
        names = sorted(seen.name for seen in collector.spans)
    assert names == [
        "POST /v1/events",
        "altcraft.subscriptions/set",
        "process postern.altcraft.normal",
        "process postern.sms.normal",
        "send postern.actions",
        "sms.send",
    ]


async def test_without_traces_nothing_of_their_library_is_loaded(tmp_path: Path) -> None:
    """Not even where its variables are set for some other program."""
    told = Told()
    elsewhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    async with running(tmp_path, PYTHONPROFILEIMPORTTIME="1", **elsewhere) as run:
        await run.post(0, 3, told)
        await prove_within(run.sandbox, told, 30)
        assert await run.spans() == {}
    imports = run.log.read_text(encoding="utf-8")
    assert "core.tracing.off" in imports
    assert "opentelemetry" not in imports
    assert "requests" not in imports


async def test_with_traces_their_library_is_loaded(tmp_path: Path) -> None:
    """Or the test above would pass on a log without imports."""
    async with (
        nobody() as url,
        running(tmp_path, PYTHONPROFILEIMPORTTIME="1", **variables(url)) as run,
    ):
        assert "opentelemetry" in run.log.read_text(encoding="utf-8")
