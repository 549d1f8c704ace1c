"""What npm packages the tests are given: exactly pinned, and from whatever registry a machine
uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = (TESTS / "newman", TESTS / "chart" / "schemas")
RUNS_ON_OLDER = re.compile(
    r"node_modules/(@kubernetes-models/.*|kubernetes-models|cidr-regex|is-cidr)"
)
"""They ask for Node.js 20 or 22. What tests/chart/test_schemas.py takes of them was run on the 18
of Debian 12: plain modules that are read and called."""

Packages = dict[str, dict[str, Any]]


def asked(folder: Path) -> dict[str, str]:
    found: dict[str, str] = orjson.loads((folder / "package.json").read_bytes())["dependencies"]
    return found


def locked(folder: Path) -> Packages:
    lock = orjson.loads((folder / "package-lock.json").read_bytes())
    return {name: it for name, it in lock["packages"].items() if name}


def test_these_are_all_there_are() -> None:
    tracked = {
        file.parent for file in TESTS.rglob("package.json") if "node_modules" not in file.parts
    }
    assert tracked == set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_every_package_asked_for_is_pinned_and_locked_as_pinned(folder: Path) -> None:
    packages = locked(folder)
    assert asked(folder)
    for name, version in asked(folder).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert packages[f"node_modules/{name}"]["version"] == version


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_every_package_is_locked_by_hash(folder: Path) -> None:
    assert len(locked(folder)) > len(asked(folder))
    assert [name for name, it in locked(folder).items() if not it.get("integrity")] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_the_lock_names_no_registry(folder: Path) -> None:
    """Every machine has its own; a lock that names one works nowhere else."""
    named = [name for name, it in locked(folder).items() if "://" in it.get("resolved", "")]
    assert named == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_what_is_installed_runs_on_the_node_of_debian_12(folder: Path) -> None:
    """Which is 18: no package may ask for a newer one."""
    for name, it in locked(folder).items():
        if RUNS_ON_OLDER.fullmatch(name):
            continue
        engines = it.get("engines", {})  # some write a list of words
        wanted = engines.get("node", "") if isinstance(engines, dict) else " ".join(engines)
        for least in re.findall(r">=\s*(\d+)", wanted):
            assert int(least) <= 18, name
