"""docs/kubernetes.md says what the chart does: its commands render, its values exist, and what it
shows as printed is printed."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.rules_check import load
from core.broker.topology import DEAD_QUEUE, Topology
from tests.chart.rendering import CHART, KUBERNETES, ROOT, Helm, load_yaml

PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
VALUES: dict[str, Any] = next(load_yaml((CHART / "values.yaml").read_text(encoding="utf-8")))

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A command of the page, and what it prints."""

    command: str
    output: str


def shown() -> list[Shown]:
    found = []
    for language, body in _FENCE.findall(PAGE):
        if language == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, _, output = part.replace("\\\n", " ").partition("\n")
                found.append(Shown(command=command, output=output))
    return found


def files() -> dict[str, str]:
    """The files of the page, by the name in their first line."""
    return {
        name[1]: body
        for language, body in _FENCE.findall(PAGE)
        if language == "yaml" and (name := re.match(r"# (\S+\.yaml)\n", body)) is not None
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def with_notes(folder: Path) -> Path:
    """The chart with its notes as an object, since Helm prints them for a cluster only."""
    chart = folder / "postern"
    shutil.copytree(CHART, chart)
    notes = chart / "templates" / "NOTES.txt"
    (chart / "templates" / "notes.yaml").write_text(
        '{{- define "told" -}}\n' + notes.read_text("utf-8") + "{{- end }}\n"
        'kind: Notes\nmetadata: {name: notes}\ntext: {{ include "told" . | toJson }}\n',
        encoding="utf-8",
    )
    return chart


INSTALLS = [each for each in shown() if each.command.startswith("helm install")]


def test_there_are_commands_to_be_held() -> None:
    assert len(INSTALLS) == 2
    assert {"postern.yaml", "small.yaml", "servers.yaml"} == files().keys()


@pytest.mark.parametrize("install", INSTALLS, ids=lambda each: each.command.split()[-2])
def test_an_installation_prints_what_the_page_shows(
    helm: Helm, folder: Path, install: Shown
) -> None:
    helm_name, _, release, chart, *rest = shlex.split(install.command)
    assert (helm_name, chart) == ("helm", "charts/postern")
    options = [
        re.sub(r"([\w-]+\.yaml)$", lambda name: str(folder / name[1]), part)
        for part in rest
        if part != "--wait"
    ]
    done = helm.run("template", release, with_notes(folder), "--kube-version", KUBERNETES, *options)
    assert done.returncode == 0, done.stderr
    (notes,) = [each for each in load_yaml(done.stdout) if each["kind"] == "Notes"]
    assert notes["text"].strip() == install.output.strip()


@pytest.mark.parametrize("values", ["monitoring", "default"])
def test_who_installs_alerts_is_told_to_have_one_release_a_namespace(
    helm: Helm, folder: Path, values: str
) -> None:
    rendered = helm.render(CHART / "ci" / f"{values}-values.yaml", chart=with_notes(folder))
    (notes,) = [each for each in rendered.objects if each["kind"] == "Notes"]
    told = "told apart by namespace: have one release in each" in notes["text"]
    assert told == (values == "monitoring")


@pytest.mark.parametrize(("spool", "told"), [("false", True), ("true", False)])
def test_whose_configuration_is_not_read_is_told_what_a_spool_asks_for(
    helm: Helm, folder: Path, spool: str, told: bool
) -> None:
    done = helm.run(
        *("template", "shop", with_notes(folder), "--kube-version", KUBERNETES),
        *("--values", CHART / "ci" / "existing-configmap-values.yaml"),
        *("--set", f"gateway.spool.enabled={spool}"),
    )
    assert done.returncode == 0, done.stderr
    (notes,) = [each for each in load_yaml(done.stdout) if each["kind"] == "Notes"]
    assert ("No source in it may say `durability: spool`" in notes["text"]) == told


def test_the_objects_that_commands_name_are_there(helm: Helm, folder: Path) -> None:
    text = "\n".join([*(each.command for each in shown()), *re.findall(r"`([^`\n]+)`", PAGE)])
    named = set(re.findall(r"\b(service|statefulset|deployment|job)/(shop-[\w-]+)", text))
    assert len(named) >= 4
    there: set[tuple[str, str]] = set()
    for values in ("small.yaml", "servers.yaml", "spool"):
        more = ["--values", str(folder / values)] if values != "spool" else []
        if values == "spool":
            more = ["--set", "gateway.spool.enabled=true,secrets.existingSecret=postern-secrets"]
        done = helm.run(
            *("template", "shop", CHART, "--kube-version", KUBERNETES),
            *("--set-file", f"config={folder / 'postern.yaml'}", *more),
        )
        assert done.returncode == 0, done.stderr
        there |= {
            (each["kind"].lower(), each["metadata"]["name"]) for each in load_yaml(done.stdout)
        }
    assert named <= there


def test_every_value_that_the_page_names_exists() -> None:
    tops = "|".join(VALUES)
    named = set(re.findall(rf"`((?:{tops})(?:\.\w+)+)`", PAGE))
    assert len(named) > 25
    for name in named - {"postern.test"}:
        value: Any = VALUES
        for key in name.split("."):
            assert key in value, name
            value = value[key]


def test_every_file_and_key_of_the_secret_is_one_that_is_made() -> None:
    made = set(re.findall(r"--from-literal=([\w-]+)=", PAGE))
    used = set(re.findall(r"/run/secrets/postern/([\w-]+)", files()["postern.yaml"]))
    assert used <= made
    assert {VALUES["secrets"]["keys"][name] for name in ("broker", "journal")} <= made


def test_the_check_of_the_configuration_prints_what_the_page_shows(folder: Path) -> None:
    (check,) = [each for each in shown() if each.command.startswith("postern rules check")]
    version = load(folder / "postern.yaml").version
    assert f"postern.yaml: right; 1 rules, 1 steps, version {version}" in check.output
    assert set(re.findall(r'(?:rules_version":"|^rules +)(\w+)', PAGE, re.MULTILINE)) == {version}


def test_the_queues_shown_are_those_that_are_declared() -> None:
    (topology,) = [each for each in shown() if each.command == "postern topology"]
    assert topology.output.split() == [*Topology.of(["sms"]).queues, DEAD_QUEUE]


def test_the_revision_shown_is_the_newest() -> None:
    versions = sorted((ROOT / "core" / "journal" / "migrations" / "versions").glob("0*.py"))
    newest = versions[-1].name.split("_")[0]
    (migrate,) = [each for each in shown() if each.command == "postern migrate"]
    assert f"is at revision {newest} now" in migrate.output
