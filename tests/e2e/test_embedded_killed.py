"""Everything in one process on the embedded broker and journal, killed with -9 under load."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cli.samples import KEY, new_secret
from core.document import read_document
from core.settings import secret_names
from sandbox.app import serve_sandbox
from tests.e2e.command_line import environment
from tests.load import Milestones, post_orders, prove_within
from tests.servers.process import GuardedProcess, free_ports
from tests.stack import EXAMPLE, fast

EVENTS = 300


class Run:
    """`postern run`, to be killed and started again on the same data."""

    def __init__(self, folder: Path, sandbox: str) -> None:
        self._folder = folder
        config = folder / "postern.yaml"
        text = EXAMPLE.read_text(encoding="utf-8").replace("http://127.0.0.1:8181", sandbox)
        config.write_text(fast(text), encoding="utf-8")
        secrets = {name: new_secret(name) for name in secret_names(read_document(config).data)}
        self.key = secrets[KEY]
        listen, admin = free_ports(2)
        self.url = f"http://127.0.0.1:{listen}"
        self._environment = environment(
            POSTERN_CONFIG=str(config),
            POSTERN_DATA=str(folder / "data"),
            POSTERN_LISTEN=f"127.0.0.1:{listen}",
            POSTERN_ADMIN=f"127.0.0.1:{admin}",
            **secrets,
        )
        self._process: GuardedProcess | None = None

    def start(self) -> None:
        self._process = GuardedProcess(
            [sys.executable, "-m", "cli", "run"],
            log=self._folder / "run.log",
            environment=self._environment,
        )

    def kill(self) -> None:
        assert self._process is not None
        self._process.end(signal.SIGKILL)

    def stop(self) -> None:
        assert self._process is not None
        self._process.end(signal.SIGTERM, within=timedelta(seconds=40))

    def books(self) -> int:
        """The exit code of `postern books`, asked beside the running process."""
        process = GuardedProcess(
            [sys.executable, "-m", "cli", "books"],
            log=self._folder / "books.log",
            environment=self._environment,
        )
        return process.wait(timedelta(seconds=60))


@pytest.mark.timeout(240)
async def test_killed_twice_under_load_it_loses_nothing_and_texts_nobody_twice(
    tmp_path: Path,
) -> None:
    async with serve_sandbox("127.0.0.1:0") as sandbox:
        run = Run(tmp_path, sandbox)
        run.start()
        milestones = Milestones(EVENTS, 0.3, 0.7)

        async def kill_and_start() -> None:
            for share in (0.3, 0.7):
                await milestones.reached(share)
                await asyncio.to_thread(run.kill)
                run.start()

        load = post_orders(run.url, run.key, range(EVENTS), progress=milestones.progress)
        told, _ = await asyncio.gather(load, kill_and_start())
        proof = await prove_within(sandbox, told, 120)
        assert proof.lost_texts == ()
        assert proof.texts_twice == ()
        assert proof.lost_updates == ()
        assert (proof.events, proof.planned) == (EVENTS, 2 * EVENTS)
        assert await asyncio.to_thread(run.books) == 0, (tmp_path / "books.log").read_text()
        await asyncio.to_thread(run.stop)
