"""The API held to its own description: thousands of requests made from `/openapi.json`, valid and
broken, against a process. `make proof` runs more of them than CI.

    python -m tests.conforming --examples 1300 --seed 1
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.servers.process import GuardedProcess, free_ports

ROOT = Path(__file__).resolve().parents[1]
KEYS = {
    "SHOP_KEY": "shop-key-0123456789-0123456789",
    "TILL_KEY": "till-key-0123456789-0123456789",
    "HOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "SMS_TOKEN": "not-read-here",
    "POSTERN_OPERATOR_KEYS": "ada:operator-key-0123456789-0123",
}
CONFIG = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}
    events: ["*"]
    origins: ["*"]
  till:
    verify: {scheme: bearer, secrets: [{env: TILL_KEY}]}
    map: {type: till.sale}
    origins: ["*"]
  storefront:
    verify: {scheme: standard-webhooks, secrets: [{env: HOOK}]}
    events: ["*"]
providers:
  sms: {kind: smsgateway24, url: "http://127.0.0.1:9", token: {env: SMS_TOKEN}, device_id: 260,
  region: DE}
rules:
  - id: thanks
    on: "*"
    when: has(data.phone)
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Thanks"}
"""
PARTS = (
    (KEYS["SHOP_KEY"], "--exclude-path-regex", "/v1/(operator|hooks)"),
    (KEYS["TILL_KEY"], "--include-path-regex", "/v1/hooks"),
    (KEYS["POSTERN_OPERATOR_KEYS"].partition(":")[2], "--include-path-regex", "/v1/operator"),
)
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
START = timedelta(seconds=30)
_COUNT = re.compile(r"(\d+) generated, (\d+) passed")


@dataclass(frozen=True, kw_only=True)
class Result:
    """How many requests were made, and how many of their answers were as described; what the runs
    said."""

    generated: int
    passed: int
    told: str

    @property
    def conforms(self) -> bool:
        return self.generated == self.passed > 0


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Everything in one process, as `postern run` has it."""
    listen, admin = free_ports(2)
    (folder / "postern.yaml").write_text(CONFIG)
    environment = {
        **os.environ,
        **KEYS,
        "POSTERN_LISTEN": f"127.0.0.1:{listen}",
        "POSTERN_ADMIN": f"127.0.0.1:{admin}",
        "POSTERN_LOG_LEVEL": "error",
        "POSTERN_GRACE": "0s",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "cli", "run", "--config", str(folder / "postern.yaml")]
    command += ["--data", str(folder / "data")]
    process = GuardedProcess(command, log=folder / "postern.log", environment=environment)
    url = f"http://127.0.0.1:{listen}"
    try:
        process.wait_until(lambda: answers(f"{url}/openapi.json"), within=START, what="postern run")
        yield url
    finally:
        process.end(signal.SIGTERM)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False


def conforming(url: str, folder: Path, *, examples: int, seed: int) -> Result:
    """One run for each kind of key. `examples`: at most, of each operation."""
    config = folder / "schemathesis.toml"
    config.write_text('[parameters]\n"path.source" = "till"\n')
    generated = passed = 0
    told = ""
    for key, option, paths in PARTS:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "--no-color"),
            *("run", f"{url}/openapi.json", "--seed", str(seed), "--max-examples", str(examples)),
            *("--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS)),
            *("--suppress-health-check", "all", "--continue-on-failure", "--warnings", "off"),
            *("-H", f"Authorization: Bearer {key}", option, paths),
        ]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=3600, check=False
        )
        told += done.stdout[-20_000:] + done.stderr[-2_000:]
        count = _COUNT.search(done.stdout)
        if count is not None:
            generated += int(count[1])
            # Failures count whatever the totals say.
            passed += int(count[2]) if done.returncode == 0 else 0
    return Result(generated=generated, passed=passed, told=told)


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold the API to its description.")
    parser.add_argument("--examples", type=int, default=1300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as url:
        result = conforming(url, Path(name), examples=given.examples, seed=given.seed)
    if not result.conforms:
        sys.stdout.write(result.told)
    sys.stdout.write(f"requests made     {result.generated}\n")
    sys.stdout.write(f"as described      {result.passed}\n")
    return 0 if result.conforms else 1


if __name__ == "__main__":
    raise SystemExit(main())
