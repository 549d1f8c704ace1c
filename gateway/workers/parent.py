"""The parent of workers: starts them, starts those again that ended, and ends them.

It takes no request and holds no connection to anything. What must not go in: what a worker does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from core.errors import ConfigurationError
from core.logs import get_logger
from core.process import Stop, on_hangup, refuse_embedded, signals
from core.settings import Address, Settings
from core.tasks import beside
from core.telemetry import new_registry
from gateway.workers.admin import open_admin

log = get_logger()

MOST = 64
_ROOT = Path(__file__).resolve().parents[2]
_FIRST_REST = timedelta(seconds=1)
_LONGEST_REST = timedelta(seconds=30)
_SETTLED = timedelta(minutes=1)
"""After a worker has run for so long, its next end counts as the first."""
_SILENCE = timedelta(seconds=60)


class WorkerMetrics:
    """What the parent counts itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.serving = Gauge(
            "postern_worker_serving",
            "1 while this worker takes events (postern gateway --workers).",
            ("worker",),
            registry=registry,
        )
        self.starts = Counter(
            "postern_worker_starts_total",
            "How often this worker was started; more than once: it had ended by itself.",
            ("worker",),
            registry=registry,
        )


class Worker:
    """One of them, whichever process it is at the moment."""

    def __init__(self, number: int, environment: Mapping[str, str], metrics: WorkerMetrics) -> None:
        self.number = number
        self.admin: str | None = None
        """Where it answers probes and metrics; None while it does not serve."""
        self.starts = 0
        """Of how many processes it was."""
        self.served = asyncio.Event()
        """Set once it has served for the first time."""
        self._environment = environment
        self._metrics = metrics
        self._process: asyncio.subprocess.Process | None = None

    async def run_once(self, stop: Stop) -> int:
        """Start it, and wait until it has ended; returns its exit code. Raises OSError where the
        system starts no more processes."""
        ours, its = socket.socketpair()
        ours.setblocking(False)
        with ours:
            with its:
                self._process = process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    # -P: a folder that happens to be named as one of our packages is not ours.
                    *("-P", "-m", "gateway.workers.worker", str(self.number), str(its.fileno())),
                    env=self._environment,
                    pass_fds=(its.fileno(),),
                )
            self.starts += 1
            self._metrics.starts.labels(str(self.number)).inc()
            if stop.is_set():
                self.send(signal.SIGTERM)  # all others were told while it was being started
            try:
                await self._listen(ours)
                return await process.wait()
            finally:
                self._process = None

    async def _listen(self, wire: socket.socket) -> None:
        """Returns when it has ended. One that is silent for too long, because its loop hangs or it
        does not get so far as to have one, is killed: it would keep its share of the
        connections."""
        serving = self._metrics.serving.labels(str(self.number))
        reader, writer = await asyncio.open_connection(sock=wire)
        try:
            while line := await asyncio.wait_for(reader.readline(), _SILENCE.total_seconds()):
                if admin := line.decode("ascii").strip():
                    self.admin = admin
                    self.served.set()
                    serving.set(1)
        except TimeoutError:
            log.error("worker_hangs", worker=self.number)  # noqa: TRY400 - nobody raised it
            self.send(signal.SIGKILL)
        finally:
            self.admin = None
            serving.set(0)
            writer.close()

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


class _Failed(Exception):
    """A worker did not get so far as to serve, and none had served before."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def run_workers(settings: Settings, count: int) -> int:
    """So many workers, until SIGTERM or SIGINT, which they are handed, as they are SIGHUP.

    Returns the exit code: 0 after a clean stop, or that of the first worker if it cannot serve as
    things are; it has told why. Raises ConfigurationError.
    """
    refuse_embedded(settings)
    _refuse_what_one_process_needs(settings)
    await _refuse_taken(settings.listen)
    registry = new_registry()
    metrics = WorkerMetrics(registry)
    environment = _environment(settings)
    workers = [Worker(number, environment, metrics) for number in range(1, count + 1)]
    async with signals() as stop, open_admin(settings.admin, registry, workers, stop) as admin:
        # Those that are being started read what is there anyway, and would die of it.
        on_hangup(lambda: _send([it for it in workers if it.admin is not None], signal.SIGHUP))
        log.info("workers_starting", workers=count, admin=str(admin))
        try:
            async with beside(*(_keep(each, workers[0], stop) for each in workers), stopping=stop):
                await stop.wait()
                ending = asyncio.create_task(_hurry(workers, stop))
                _send(workers, signal.SIGTERM)
        except _Failed as failure:
            return failure.code
        ending.cancel()
    log.info("workers_stopped")
    return 0


async def _keep(worker: Worker, first: Worker, stop: Stop) -> None:
    """Keep it running until all are to end. The others wait for the first: what is wrong with the
    configuration is told once. Raises _Failed."""
    rest = _FIRST_REST
    if worker is not first:
        await _any_of(first.served, stop)
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        try:
            code = await worker.run_once(stop)
        except OSError as error:
            log.warning("worker_not_started", worker=worker.number, reason=error.strerror)
            code = 1
        if stop.is_set():
            return
        if not first.served.is_set():
            raise _Failed(code if code > 0 else 1)
        log.error("worker_ended", worker=worker.number, code=code)
        if asyncio.get_running_loop().time() - started > _SETTLED.total_seconds():
            rest = _FIRST_REST
        with suppress(TimeoutError):
            async with asyncio.timeout(rest.total_seconds()):
                await stop.wait()
        rest = min(rest * 2, _LONGEST_REST)


async def _any_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


async def _hurry(workers: Sequence[Worker], stop: Stop) -> None:
    await stop.hurry.wait()
    _send(workers, signal.SIGTERM)


def _send(workers: Sequence[Worker], number: signal.Signals) -> None:
    for worker in workers:
        worker.send(number)


def _environment(settings: Settings) -> dict[str, str]:
    """As ours; what the command line said counts for them, too."""
    return {
        **os.environ,
        # Where the parent itself was found, installed or not.
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "POSTERN_CONFIG": str(settings.config),
        "POSTERN_DATA": str(settings.data),
    }


def _refuse_what_one_process_needs(settings: Settings) -> None:
    if settings.spool is not None:
        raise ConfigurationError(
            "a spool belongs to one process: run several gateways of one worker each, every one "
            "with a directory of its own",
            field="POSTERN_SPOOL",
        )
    if not settings.listen.port:
        raise ConfigurationError("workers share a port: name it", field="POSTERN_LISTEN")


async def _refuse_taken(address: Address) -> None:
    """Workers would share it with whoever listens there already and allows it."""
    try:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, address.host or None, address.port, start_serving=False
        )
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {address} ({error.strerror or type(error).__name__})",
            field="POSTERN_LISTEN",
        ) from error
    server.close()
    await server.wait_closed()
