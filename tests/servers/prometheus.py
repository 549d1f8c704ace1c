"""A private Prometheus: own port, own data, loopback only.

It is the distribution's package, started without its service.
"""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.servers.process import Guard, GuardedProcess, ServerError, Started, free_ports, removal

_START_LIMIT = timedelta(seconds=30)


class PrometheusServer(Started):
    """Reads each target (name to HOST:PORT) every second and evaluates the rules as often. The
    name is the label `instance`; no other label is added, as on a laptop."""

    def __init__(self, targets: Mapping[str, str], rules: Path) -> None:
        binary = shutil.which("prometheus")
        if binary is None:
            raise ServerError(
                "prometheus is not installed (Debian package prometheus): "
                "scripts/system-packages prometheus"
            )
        self._binary = binary
        self._targets = dict(targets)
        self._rules = rules
        self.directory = Path(tempfile.mkdtemp(prefix="postern-prometheus-"))
        self._guard = Guard(removal(self.directory))
        (self.port,) = free_ports(1)
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers queries."""
        configuration = self.directory / "prometheus.json"
        configuration.write_text(json.dumps(self._configuration()), encoding="utf-8")
        self._process = GuardedProcess(
            [
                self._binary,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={self.directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
            ],
            log=self.directory / "prometheus.log",
            last_signal=signal.SIGTERM,
        )
        self._process.wait_until(self._answers, within=_START_LIMIT, what="Prometheus")

    def close(self) -> None:
        if self._process is not None:
            self._process.end(signal.SIGTERM)
            self._process = None
        shutil.rmtree(self.directory, ignore_errors=True)
        self._guard.dismiss()

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """The series that the expression (no bare number) has now: `metric` and `value`. Raises
        ServerError if Prometheus refuses it."""
        found: list[dict[str, Any]] = self._api("query", query=expr)["result"]
        return found

    def ask_range(
        self, expr: str, *, start: float, end: float, step: float
    ) -> list[dict[str, Any]]:
        """Its course between two moments: `metric` and `values`."""
        given = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        found: list[dict[str, Any]] = self._api("query_range", query=expr, **given)["result"]
        return found

    def _api(self, call: str, **given: str) -> dict[str, Any]:
        body = urllib.parse.urlencode(given).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{call}", data=body) as answer:
                data: dict[str, Any] = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            told = error.read().decode(errors="replace")
            raise ServerError(f"{given['query']}: {told}") from error
        return data

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _configuration(self) -> dict[str, Any]:
        """JSON is YAML."""
        return {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(self._rules)],
            "scrape_configs": [
                {
                    "job_name": "postern",
                    "static_configs": [
                        {"targets": [address], "labels": {"instance": name}}
                        for name, address in self._targets.items()
                    ],
                }
            ],
        }
