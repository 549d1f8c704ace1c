"""The private servers themselves: nothing of them outlives the Python process that started them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_STARTS = """
import sys, time
from tests.servers.postgres import PostgresServer
from tests.servers.process import GuardedProcess
from pathlib import Path

server = PostgresServer()
server.start()
stubborn = GuardedProcess(["/bin/sleep", "600"], log=Path("/dev/null"))
print(server.directory, server._server.pid, stubborn.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "SIGTERM"])
def test_a_killed_process_leaves_no_server_and_no_data_behind(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", _STARTS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    directory, *pids = process.stdout.readline().split()
    assert Path(directory).is_dir()
    process.send_signal(number)
    process.communicate()
    limit = time.monotonic() + 20
    while Path(directory).exists() or any(_runs(pid) for pid in pids):
        assert time.monotonic() < limit, "a server or its data outlived its process"
        time.sleep(0.05)


def _runs(pid: str) -> bool:
    try:
        state = Path("/proc", pid, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
