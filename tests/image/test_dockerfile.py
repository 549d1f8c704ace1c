"""The Dockerfile: what it copies is there, what it starts runs, its versions are ours, and nothing
of it is root's or secret.

No daemon is needed: the file is read, and its first stage is done in a directory, without the
packages (`replay` as a program does it with them).
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from ruamel.yaml import YAML

from cli.main import COMMANDS
from core.settings import VARIABLES, read_settings
from tests.image.dockerfile import Ignored, Instruction, read_dockerfile
from tests.image.installed import BUILDER, FILE, FINAL, PACKAGES, install
from tests.image.replay import ROOT, copied_files

IGNORED = Ignored(ROOT / ".dockerignore")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STEPS = [step for stage in FILE.stages for step in stage.steps]
USER = "10001"

Run = Callable[..., subprocess.CompletedProcess[str]]


def own_copies() -> list[Instruction]:
    return [step for step in STEPS if step.name == "COPY" and step.flag("from") is None]


def test_every_file_that_is_copied_is_there_and_not_ignored() -> None:
    """A folder must bring all that git has of it, and nothing else that lies about."""
    for step in own_copies():
        for source in step.words[:-1]:
            files = {file.relative_to(ROOT) for file in copied_files(ROOT, source, IGNORED)}
            assert files, f"line {step.line}: {source} brings nothing"
            assert {file for file in files if file.suffix == ".pyc"} == set()
            tracked = subprocess.run(
                ["git", "ls-files", "--cached", "--others", "--exclude-standard", source],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            assert {str(file) for file in files} == set(tracked.stdout.split()), source


def test_every_package_of_the_distribution_is_copied() -> None:
    """A new package would otherwise be missing from the image alone."""
    packages = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = {word.strip("/") for step in own_copies() for word in step.words[:-1]}
    assert {package.rstrip("*") for package in packages} <= copied
    assert PROJECT["project"]["readme"] in copied


@pytest.mark.parametrize(
    "path",
    [".env", ".git/config", "tests/conftest.py", ".venv/bin/python", "postern-data/journal.db"],
)
def test_what_must_not_be_in_an_image_is_not_sent_to_the_build(path: str) -> None:
    """Nothing is but what is named; this would notice a pattern that names too much."""
    assert PurePosixPath(path) in IGNORED
    assert PurePosixPath("core/settings.py") not in IGNORED
    assert PurePosixPath("core/__pycache__/settings.cpython-313.pyc") in IGNORED


def test_the_base_is_the_slim_debian_of_a_python_that_we_support() -> None:
    """Pinned to a tag that says both, in both stages: the environment points at its Python."""
    assert {stage.base for stage in FILE.stages} == {FILE.arguments["BASE"]}
    found = re.fullmatch(
        r"python:3\.(\d+)(?:\.\d+)?-slim-bookworm(@sha256:[0-9a-f]{64})?",
        FILE.arguments["BASE"],
    )
    assert found is not None
    least = re.fullmatch(r">=3\.(\d+)", PROJECT["project"]["requires-python"])
    assert least is not None
    assert int(found[1]) >= int(least[1])


def test_packages_are_installed_as_locked_and_nothing_else() -> None:
    """By hash, as wheels, and Postern itself without asking for anything."""
    installs = [step.argv for step in BUILDER.all("RUN") if "install" in step.argv]
    locked, ours = installs
    assert {"--require-hashes", "-r", "requirements-otel.txt"} <= set(locked)
    assert locked[locked.index("--only-binary") + 1] == ":all:"
    assert {"--no-deps", "--no-build-isolation", "."} <= set(ours)
    text = " ".join(step.rest for step in STEPS)
    assert not re.search(r"https?://|curl|wget|apt|index-url|--upgrade", text)


def test_every_program_is_started_without_a_shell() -> None:
    """A shell would be process 1, and keep SIGTERM from us."""
    for step in STEPS:
        if step.name in {"RUN", "ENTRYPOINT", "CMD"}:
            assert step.argv, step.line
            assert not {"sh", "bash", "/bin/sh", "/bin/bash"} & set(step.argv[:1])
    assert FINAL.one("ENTRYPOINT").argv == ("postern",)
    assert FINAL.one("STOPSIGNAL").rest == "SIGTERM"


def test_the_process_is_a_fixed_number_that_owns_only_its_data() -> None:
    """The user is set after everything that needs root, and by number, so that a cluster can see
    that it is not root."""
    assert FINAL.one("USER").rest == f"{USER}:{USER}"
    after = FINAL.steps[FINAL.steps.index(FINAL.one("USER")) :]
    assert not {step.name for step in after} & {"RUN", "COPY"}
    made = {step.argv[0]: step.argv for step in FINAL.all("RUN")}
    assert made["groupadd"][1:3] == ("--gid", USER)
    assert made["useradd"][1:3] == ("--uid", USER)
    owned = [step.argv[-1] for step in FINAL.all("RUN") if f"--owner={USER}" in step.argv]
    assert owned == ["/var/lib/postern"]
    assert FINAL.one("VOLUME").argv == ("/var/lib/postern",)
    assert not any("--chown" in step.rest or "--chmod" in step.rest for step in FINAL.all("COPY"))


def test_no_argument_and_no_variable_holds_a_secret() -> None:
    names = [name for step in STEPS if step.name in {"ARG", "ENV"} for name in step.pairs]
    assert names
    for name in names:
        assert not re.search(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", name, re.IGNORECASE), name
    for step in STEPS:
        assert "//" not in step.rest.replace("urn:", ""), f"line {step.line} holds an address"


def test_every_setting_that_the_image_brings_is_one_and_is_read() -> None:
    """It listens on every interface, on the ports that it says it has."""
    brought = FINAL.one("ENV").pairs
    ours = {name: value for name, value in brought.items() if name.startswith("POSTERN_")}
    assert set(ours) <= set(VARIABLES)
    settings = read_settings(ours)
    assert (settings.listen.host, settings.admin.host) == ("", "")
    assert FINAL.one("EXPOSE").words == (str(settings.listen.port), str(settings.admin.port))
    assert str(settings.data) == FINAL.one("VOLUME").argv[0]
    assert settings.config.parent == Path(FINAL.all("RUN")[-1].argv[-1])
    assert brought["PATH"].split(":")[0] == "/opt/postern/bin"


def test_the_version_is_the_projects() -> None:
    version = PROJECT["project"]["version"]
    argument, revision = FINAL.all("ARG")
    assert argument.pairs == {"VERSION": version}
    assert revision.pairs == {"REVISION": "unknown"}
    labels = FINAL.one("LABEL").pairs
    assert labels["org.opencontainers.image.version"] == "${VERSION}"
    assert labels["org.opencontainers.image.licenses"] == PROJECT["project"]["license"]
    assert labels["org.opencontainers.image.description"] == PROJECT["project"]["description"]
    assert f"postern:{version} " in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_chart_deploys_this_version() -> None:
    chart = YAML(typ="safe").load(ROOT / "charts" / "postern" / "Chart.yaml")
    assert chart["appVersion"] == PROJECT["project"]["version"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Postern as the first stage installs it, in an environment of its own beside the packages of
    this one, which are locked, too: runs what the image would, in a directory of its own."""
    root = tmp_path_factory.mktemp("image")
    target = install(root, packages=str(PACKAGES))

    def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{target / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            argv,
            cwd=root,
            env={"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_image_runs_postern_as_installed(installed: Run) -> None:
    """From the environment's own directory, not from a checkout, and in the version it says."""
    version = installed(*FINAL.one("ENTRYPOINT").argv, "version")
    assert version.stdout.startswith(f"postern {PROJECT['project']['version']} "), version
    where = installed("python", "-c", "import cli.main; print(cli.main.__file__)")
    assert "/opt/postern/lib/" in where.stdout
    told = installed(*FINAL.one("ENTRYPOINT").argv, *FINAL.one("CMD").argv)
    assert told.returncode == 0
    assert "Business events in" in told.stdout


def test_every_command_runs_as_installed(installed: Run) -> None:
    """Those also that read files of the packages: migrations, templates, schemas."""
    load = "from cli.main import postern; print([it.name for it in postern.commands.values()])"
    loaded = installed("python", "-c", load)
    assert loaded.stdout == f"{list(COMMANDS)}\n", loaded.stderr
    for arguments in (["schemas"], ["init", "shop"], ["migrate", "--data", "data"]):
        done = installed("postern", *arguments)
        assert done.returncode == 0, done.stderr


def test_the_health_check_is_the_program_itself(installed: Run) -> None:
    """It asks where the process listens by default, and says no while nobody is there."""
    check = FINAL.one("HEALTHCHECK").rest
    command = Instruction(line=0, name="CMD", rest=check.partition("CMD ")[2]).argv
    done = installed(*command, POSTERN_ADMIN="127.0.0.1:9")
    assert done.returncode == 1, done
    assert done.stdout.startswith("no answer from 127.0.0.1:9/livez"), done
    assert done.stderr == ""


def test_a_source_that_is_not_there_is_found(tmp_path: Path) -> None:
    """What reads the file notices what a build would stumble over."""
    with pytest.raises(FileNotFoundError):
        list(copied_files(ROOT, "nowhere/", IGNORED))
    for text in ("FROM a\nADD b /b\n", "FROM a\nRUN [\\\n", "COPY a b\n"):
        (tmp_path / "Dockerfile").write_text(text)
        with pytest.raises(ValueError, match="line"):
            read_dockerfile(tmp_path / "Dockerfile")
    (tmp_path / "Dockerfile").write_text("FROM a\nRUN pip install x\n")
    with pytest.raises(ValueError, match="Expecting value"):
        _ = read_dockerfile(tmp_path / "Dockerfile").stages[0].steps[0].argv
