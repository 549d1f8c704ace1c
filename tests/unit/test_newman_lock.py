"""What newman is installed from: exactly pinned, and from whatever registry a machine uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).resolve().parents[1] / "newman"
LOCK: dict[str, Any] = orjson.loads((FOLDER / "package-lock.json").read_bytes())
PACKAGES = {name: it for name, it in LOCK["packages"].items() if name}


def test_newman_is_pinned_and_locked_as_pinned() -> None:
    asked = orjson.loads((FOLDER / "package.json").read_bytes())["dependencies"]
    assert list(asked) == ["newman"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", asked["newman"])
    assert PACKAGES["node_modules/newman"]["version"] == asked["newman"]


def test_every_package_is_locked_by_hash() -> None:
    assert len(PACKAGES) > 100
    assert [name for name, it in PACKAGES.items() if not it.get("integrity")] == []


def test_the_lock_names_no_registry() -> None:
    """Every machine has its own; a lock that names one works nowhere else."""
    assert [name for name, it in PACKAGES.items() if "://" in it.get("resolved", "")] == []


def test_newman_runs_on_the_node_of_debian_12() -> None:
    """Which is 18: no package may ask for a newer one."""
    for name, it in PACKAGES.items():
        engines = it.get("engines", {})  # some write a list of words
        wanted = engines.get("node", "") if isinstance(engines, dict) else " ".join(engines)
        for least in re.findall(r">=\s*(\d+)", wanted):
            assert int(least) <= 18, name
