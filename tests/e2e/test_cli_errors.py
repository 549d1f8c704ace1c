"""Servers that are away, as a person at the command line meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command_line import ROOT, environment, postern
from tests.servers.process import free_ports

CONFIGURATION = ROOT / "examples" / "postern.yaml"


@pytest.mark.parametrize(
    "arguments", [["migrate"], ["actions"], ["topology", "--config", str(CONFIGURATION)]]
)
def test_a_server_that_is_away_is_told_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    """No traceback, no lines of libraries, and not the password."""
    (port,) = free_ports(1)
    away = environment(
        POSTERN_JOURNAL=f"postgresql://u:hidden@127.0.0.1:{port}/x",
        POSTERN_BROKER=f"amqp://u:hidden@127.0.0.1:{port}/",
    )
    done = postern(*arguments, cwd=tmp_path, env=away)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(("postern: journal: ", "postern: broker: "))
    assert "hidden" not in done.stderr


def test_a_file_that_cannot_be_read_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    done = postern(
        "send", "bad.json", "--key-env", "KEY", cwd=tmp_path, env=environment(KEY="k" * 32)
    )
    assert done.returncode == 1
    assert done.stderr.startswith("postern: bad.json: not JSON")
