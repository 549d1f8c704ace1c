"""Runs the targets one after the other, each in a process of its own, and tells what came of it."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.seeds import SEEDS

ROOT = Path(__file__).resolve().parents[2]
_RUNS = re.compile(r"Done (\d+) runs")
_COVERAGE = re.compile(r"cov: (\d+)")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of one target: inputs tried, branches reached, and what it said if it failed."""

    target: str
    inputs: int
    branches: int
    problem: str | None


def fuzz(target: str, folder: Path, *, seconds: int, seed: int = 1) -> Run:
    corpus = folder / target
    corpus.mkdir(parents=True)
    for number, text in enumerate(SEEDS[target]):
        (corpus / f"seed-{number}").write_bytes(text)
    command = [sys.executable, "-m", "tests.fuzz.targets", target, str(corpus)]
    command += [f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=4096", "-timeout=10"]
    command += [f"-artifact_prefix={folder}/{target}-"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False
    )
    runs, coverage = _RUNS.search(done.stderr), _COVERAGE.findall(done.stderr)
    return Run(
        target=target,
        inputs=int(runs[1]) if runs else 0,
        branches=int(coverage[-1]) if coverage else 0,
        problem=None if done.returncode == 0 and runs else (done.stdout + done.stderr)[-6000:],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz what takes bytes of strangers.")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        for target in SEEDS:
            run = fuzz(target, Path(name), seconds=given.seconds, seed=given.seed)
            sys.stdout.write(f"{target:12} {run.inputs} inputs, {run.branches} branches\n")
            if run.problem is not None:
                failed = True
                sys.stdout.write(run.problem)
            sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
