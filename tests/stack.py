"""Postern in its distributed form on one machine: RabbitMQ, PostgreSQL, a gateway, two consumers
and the sandbox, each a process of its own on loopback, with all logs in one folder.

`make stack` runs it to be tried by hand; tests and benches start it too, and kill parts of it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.samples import KEY, new_secret
from core.document import read_document
from core.settings import secret_names
from tests.servers.postgres import PostgresServer
from tests.servers.process import GuardedProcess, free_ports
from tests.servers.rabbitmq import RabbitMQNode

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "postern.yaml"
_START = timedelta(minutes=3)


class Stack:
    """All of it. A part is named `gateway` (the next `gateway-2`), `consumers-1`, `consumers-2` or
    `sandbox`."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        gateways: int = 1,
        consumers: int = 2,
        configuration: Callable[[str], str] = lambda text: text,
        broker: RabbitMQNode | None = None,
    ) -> None:
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="postern-stack-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.broker = broker or RabbitMQNode()
        self.postgres = PostgresServer()
        self._consumers = tuple(f"consumers-{n + 1}" for n in range(consumers))
        self._gateways = ("gateway", *(f"gateway-{n + 2}" for n in range(gateways - 1)))
        listens = (f"listen {gateway}" for gateway in self._gateways)
        names = (*listens, *self._gateways, "sandbox", *self._consumers)
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.config = self.folder / "postern.yaml"
        text = EXAMPLE.read_text(encoding="utf-8").replace("http://127.0.0.1:8181", self.sandbox)
        self.config.write_text(configuration(text), encoding="utf-8")
        self.secrets = {
            name: new_secret(name) for name in secret_names(read_document(self.config).data)
        }
        self._parts: dict[str, GuardedProcess] = {}

    @property
    def events(self) -> str:
        """Where the gateway takes requests."""
        return f"http://127.0.0.1:{self.listens('gateway')}"

    def listens(self, gateway: str) -> int:
        """The port on which this gateway takes requests."""
        return self._ports[f"listen {gateway}"]

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self._ports['sandbox']}"

    @property
    def key(self) -> str:
        """The key of the source `shop`."""
        return self.secrets[KEY]

    @property
    def parts(self) -> tuple[str, ...]:
        return ("sandbox", *self._gateways, *self._consumers)

    def admin(self, part: str) -> str:
        """Where a part answers probes and metrics."""
        return f"http://127.0.0.1:{self._ports[part]}"

    @property
    def environment(self) -> dict[str, str]:
        """What every part is started with; `postern books` and the like want it as well."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("POSTERN") or name == "POSTERN_PUBLISHER"
        }
        return kept | {
            "PYTHONPATH": str(ROOT),
            "POSTERN_BROKER": self.broker.url,
            "POSTERN_JOURNAL": self.postgres.database_url("postern"),
            "POSTERN_CONFIG": str(self.config),
            "POSTERN_LOG_FORMAT": "json",
            "POSTERN_GRACE": "1s",
            **self.secrets,
        }

    def environment_of(self, part: str) -> dict[str, str]:
        """What this part is started with: the same for all, unless a test leads it elsewhere."""
        return self.environment

    def command_of(self, part: str) -> list[str]:
        """What this part is started as; a test may give it less of something."""
        if part == "sandbox":
            listen = ["--listen", f"127.0.0.1:{self._ports['sandbox']}"]
            return [sys.executable, "-m", "cli", "sandbox", *listen]
        side = "gateway" if part in self._gateways else "consumers"
        return [sys.executable, "-m", side]

    def start_all(self) -> None:
        starts = (
            threading.Thread(target=self.broker.start),
            threading.Thread(target=self._database),
        )
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        self.broker.start()
        self._database()
        for part in self.parts:
            self.start(part, wait=False)
        for part in self.parts:
            self.await_ready(part)

    def start(self, part: str, *, wait: bool = True) -> None:
        listen = {"POSTERN_ADMIN": f"127.0.0.1:{self._ports[part]}"}
        if part == "sandbox":
            listen = {}
        elif part in self._gateways:
            listen["POSTERN_LISTEN"] = f"127.0.0.1:{self.listens(part)}"
        self._parts[part] = GuardedProcess(
            self.command_of(part),
            log=self.folder / f"{part}.log",
            environment=self.environment_of(part) | listen,
            last_signal=signal.SIGTERM,
        )
        if wait:
            self.await_ready(part)

    def kill(self, part: str) -> None:
        """kill -9."""
        self._parts.pop(part).end(signal.SIGKILL)

    def stop(self, part: str) -> int:
        """SIGTERM, and wait until it has finished what it holds; its exit code (0: in order)."""
        return self._parts.pop(part).end(signal.SIGTERM, within=timedelta(seconds=40))

    def signal(self, part: str, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT, say: the part stays."""
        self._parts[part].send(number)

    def running(self, part: str) -> bool:
        """False as well for a part that ended by itself."""
        return part in self._parts and self._parts[part].running

    def pid(self, part: str) -> int:
        return self._parts[part].pid

    def close(self) -> None:
        for part in reversed(self.parts):
            if part in self._parts:
                self.stop(part)
        self.broker.close()
        self.postgres.close()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start_all()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _database(self) -> None:
        if self.postgres.running:
            return
        self.postgres.start()
        self.postgres.create_database("postern")
        migrate = GuardedProcess(
            [sys.executable, "-m", "cli", "migrate"],
            log=self.folder / "migrate.log",
            environment=self.environment,
        )
        code = migrate.wait(_START)
        if code != 0:
            raise RuntimeError((self.folder / "migrate.log").read_text(encoding="utf-8"))

    def await_ready(self, part: str) -> None:
        """Raises ServerError if the part ends instead, or takes too long."""
        url = f"{self.sandbox}/" if part == "sandbox" else f"{self.admin(part)}/readyz"
        self._parts[part].wait_until(lambda: answers(url), within=_START, what=part)


def fast(text: str) -> str:
    """The example with short timeouts, for runs in which processes are killed."""
    rest = re.sub(r"    (timeout|reconcile_lag):.*\n", "", text)
    return rest.replace("    retry:", "    timeout: 2s\n    reconcile_lag: 3s\n    retry:")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack until Ctrl-C."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "stack-logs")
    options = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Stack(options.folder) as stack:
        exports = {name: stack.environment[name] for name in ("POSTERN_BROKER", "POSTERN_JOURNAL")}
        exports |= {"POSTERN_CONFIG": str(stack.config), **stack.secrets}
        lines = [
            f"events     {stack.events}/v1/events",
            f"page       {stack.sandbox}/",
            *(f"metrics    {stack.admin(part)}/metrics  {part}" for part in stack.parts[1:]),
            f"logs       {stack.folder}",
            "",
            *(f"  export {name}={value}" for name, value in exports.items()),
            f"  .venv/bin/postern send --url {stack.events} --key-env {KEY} examples/events",
            "  .venv/bin/postern books",
            "",
            "Ctrl-C ends it.",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
