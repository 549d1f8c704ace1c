"""`scripts/setup-helm`: a helm of the right major is taken, another one is not, and what cannot be
had is said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chart.rendering import ROOT

PROGRAMS = ("bash", "dirname", "env", "ln", "mkdir", "mktemp", "mv", "rm", "sed")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project of that script alone, and a PATH of what it needs."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup-helm", tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    for program in PROGRAMS:
        found = shutil.which(program)
        assert found is not None
        (tmp_path / "bin" / program).symlink_to(found)
    return tmp_path


def put(place: Path, program: str, script: str) -> None:
    file = place / "bin" / program
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def set_up(place: Path, *majors: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [place / "scripts" / "setup-helm", *majors],
        env={"PATH": str(place / "bin")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_helm_on_the_path_is_taken(place: Path) -> None:
    put(place, "helm", "echo v3.17.2")
    assert set_up(place, "3").returncode == 0
    assert (place / ".tools" / "bin" / "helm3").resolve() == place / "bin" / "helm"
    assert set_up(place, "3").stdout == "", "nothing is done when it is there"


def test_a_helm_of_the_other_major_is_not_taken(place: Path) -> None:
    """Go builds the pinned one instead."""
    put(place, "helm", "echo v3.17.2")
    build = 'cp "$(command -v helm)" "$GOBIN/helm"; sed -i s/v3.17.2/v4.3.1/ "$GOBIN/helm"'
    put(place, "go", f'echo "$@" > "{place}/asked"; {build}')
    (place / "bin" / "cp").symlink_to(shutil.which("cp") or "")
    done = set_up(place, "4")
    assert done.returncode == 0, done.stderr
    assert (place / "asked").read_text().split()[-1] == "helm.sh/helm/v4/cmd/helm@v4.3.1"
    assert [file.name for file in (place / ".tools" / "bin").iterdir()] == ["helm4"]


def test_without_helm_and_go_it_says_what_is_missing(place: Path) -> None:
    done = set_up(place, "3")
    assert done.returncode == 1
    assert "helm 3 is needed: put one on the PATH, or install Go" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_major_that_is_not_pinned_is_refused(place: Path) -> None:
    assert "there is no helm 2 here" in set_up(place, "2").stderr
    assert "usage" in set_up(place).stderr
