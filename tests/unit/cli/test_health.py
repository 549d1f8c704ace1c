"""`postern health` and `postern spool wait`, asking a process that answers as a test says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.servers.process import free_ports
from tests.unit.cli.conftest import Postern

Answers = Callable[[str], tuple[int, str]]


@contextmanager
def answering(answers: Answers) -> Iterator[int]:
    """A process whose second port answers a path as told; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("arguments", "path", "said"), [([], "/livez", "alive\n"), (["--ready"], "/readyz", "ready\n")]
)
def test_a_process_that_says_yes_is_well(
    postern: Postern, arguments: list[str], path: str, said: str
) -> None:
    with answering(lambda asked: (200 if asked == path else 404, "")) as port:
        done = postern("health", *arguments, POSTERN_ADMIN=f"127.0.0.1:{port}")
    assert (done.code, done.out, done.err) == (0, said, "")


@pytest.mark.parametrize("everywhere", ["", "0.0.0.0"])
def test_a_process_that_listens_everywhere_is_asked_on_loopback(
    postern: Postern, everywhere: str
) -> None:
    """So it does in a container, where the same variable serves the process and its check."""
    with answering(lambda _: (200, "")) as port:
        assert postern("health", POSTERN_ADMIN=f"{everywhere}:{port}").code == 0


def test_a_process_that_says_no_is_told_of_in_one_line(postern: Postern) -> None:
    with answering(lambda _: (503, '{"ready":false,\n"why":"the queues do not stand"}')) as port:
        done = postern("health", "--ready", POSTERN_ADMIN=f"127.0.0.1:{port}")
    assert done.code == 1
    assert "503" in done.out
    assert "the queues do not stand" in done.out
    assert done.out.count("\n") == 1


def test_nobody_there_is_not_well(postern: Postern) -> None:
    (port,) = free_ports(1)
    done = postern("health", POSTERN_ADMIN=f":{port}")
    assert done.code == 1
    assert done.out == f"no answer from 127.0.0.1:{port}/livez: Connection refused\n"


def test_a_process_that_does_not_answer_in_time_is_not_well(
    postern: Postern, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.health.PATIENCE", timedelta(milliseconds=100))
    go_on = threading.Event()

    def late(_: str) -> tuple[int, str]:
        go_on.wait(10)
        return 200, ""

    with answering(late) as port:
        done = postern("health", POSTERN_ADMIN=f"127.0.0.1:{port}")
        go_on.set()
    assert done.code == 1
    assert "no answer" in done.out


def test_a_wrong_configuration_file_does_not_make_a_running_process_unwell(
    postern: Postern, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on with the configuration it has; nor does a proxy come between the two."""
    monkeypatch.setenv("POSTERN_SHOP_KEY", "a secret that the file no longer names")
    monkeypatch.setenv("POSTERN_CONFIG", "nowhere.yaml")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(lambda _: (200, "")) as port:
        assert postern("health", POSTERN_ADMIN=f"127.0.0.1:{port}").code == 0


@pytest.mark.parametrize("command", [["health"], ["spool", "wait"]])
def test_an_address_that_tells_no_port_is_refused(postern: Postern, command: list[str]) -> None:
    done = postern(*command, POSTERN_ADMIN="127.0.0.1:0")
    assert done.code == 2
    assert "POSTERN_ADMIN: port 0" in done.err


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.spool.PAUSE", timedelta(milliseconds=10))
    monkeypatch.setattr("cli.spool.PATIENCE", timedelta(milliseconds=200))


def holding(*counts: int | None) -> Answers:
    """A gateway whose spool holds so many at each look; None: it is in trouble."""
    left = list(counts)

    def answer(path: str) -> tuple[int, str]:
        assert path == "/metrics"
        held = left.pop(0) if len(left) > 1 else left[0]
        if held is None:
            return 500, ""
        text = f"# TYPE postern_spool_messages gauge\npostern_spool_messages {float(held)}\n"
        return 200, "postern_up 1.0\n" + text

    return answer


@pytest.mark.usefixtures("quickly")
def test_waiting_ends_when_the_spool_was_empty_twice_in_a_row(postern: Postern) -> None:
    """Once may be the moment between two messages."""
    looks: list[int | None] = [1200, 7, 0, 3, None, 0, None, 0, 0, 99]
    with answering(holding(*looks)) as port:
        done = postern("spool", "wait", POSTERN_ADMIN=f"127.0.0.1:{port}")
        after = postern("spool", "wait", "--timeout", "100ms")
    assert (done.code, done.out) == (0, "The spool is empty.\n")
    assert after.code == 1
    assert "messages in it: 99" in after.out


@pytest.mark.usefixtures("quickly")
def test_waiting_ends_at_once_where_nobody_listens(postern: Postern) -> None:
    """The gateway is gone: whatever its spool holds, nothing will empty it now."""
    (port,) = free_ports(1)
    done = postern("spool", "wait", POSTERN_ADMIN=f"127.0.0.1:{port}")
    assert (done.code, done.out) == (1, f"Nobody listens at 127.0.0.1:{port}.\n")


@pytest.mark.usefixtures("quickly")
def test_a_process_without_a_spool_is_a_mistake(postern: Postern) -> None:
    """Waiting at a worker for the gateway's spool would otherwise succeed, or last an hour."""
    with answering(lambda _: (200, "postern_up 1.0\n")) as port:
        done = postern("spool", "wait", POSTERN_ADMIN=f"127.0.0.1:{port}")
    assert done.code == 2
    assert "no gateway" in done.err


def test_a_timeout_that_is_no_duration_is_wrong_usage(postern: Postern) -> None:
    done = postern("spool", "wait", "--timeout", "soon")
    assert done.code == 2
    assert "expected a duration" in done.err


def test_a_health_check_imports_little() -> None:
    """It runs every half minute: with every command's imports it takes two seconds of CPU."""
    (port,) = free_ports(1)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cli", "health"],
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, "POSTERN_ADMIN": f"127.0.0.1:{port}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cli.admin" in done.stderr
    for heavy in ("sqlalchemy", "aiohttp", "alembic", "gateway", "consumers", "sandbox"):
        assert f" {heavy}\n" not in done.stderr, heavy
