"""Postern as the image has it: the Dockerfile's own sources, made into a wheel and installed into
an environment of its own.

The packages it needs are those of the environment at hand, which are locked as well: fetching them
takes a minute and a network (`replay` as a program does that). What must not go in: running it.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.image.dockerfile import read_dockerfile
from tests.image.replay import ROOT, Replay

FILE = read_dockerfile(ROOT / "Dockerfile")
BUILDER, FINAL = FILE.stages
PLACE = "/opt/postern"
"""Where the environment is in the image."""

PACKAGES = Path(pytest.__file__).parents[1]
_LIMIT = 100.0


def install(root: Path, *, packages: str) -> Path:
    """Make the environment below `root`; returns where it is. It looks for the packages it needs at
    `packages`."""
    copies = tuple(step for step in BUILDER.steps if step.name != "RUN")
    replay = Replay(replace(BUILDER, steps=copies), root)
    replay.run()
    target, source, wheels = replay.place(PLACE), replay.place("/build"), root / "wheels"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    _do(sys.executable, "-m", "venv", "--without-pip", target)
    _do(*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", wheels, source)
    _do(*pip, "--python", target, "install", *offline, *wheels.glob("*.whl"))
    site = next(target.glob("lib/python3.*/site-packages"))
    (site / "packages.pth").write_text(f"{packages}\n", encoding="utf-8")
    return target


def moved(target: Path) -> Path:
    """The same, for a root in which it stands where it does in the image."""
    for script in (target / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            text = script.read_text(encoding="utf-8")
            script.write_text(text.replace(str(target), PLACE), encoding="utf-8")
    return target


def _do(*argv: str | Path) -> None:
    subprocess.run(argv, check=True, timeout=_LIMIT)
