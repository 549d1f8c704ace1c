"""Rendering the chart, and asking what came of it.

What must not go in: what is expected of any object.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "postern"
CI = sorted((CHART / "ci").glob("*-values.yaml"))
REFUSED = sorted((Path(__file__).parent / "refused").glob("*.yaml"))
KUBERNETES = "1.30.0"
"""The oldest that the chart is for; a helm that was built from source takes a much older one."""
RELEASE = "shop"
NAMESPACE = "business"

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as plain data."""

WORKLOADS = {"Deployment", "StatefulSet"}


def load_yaml(text: str) -> Iterator[Any]:
    """Every document in it, read as YAML 1.2."""
    yield from YAML(typ="safe", pure=True).load_all(text)


@dataclass(frozen=True)
class Rendered:
    """What one values file comes to. Hooks are among the objects, as they are for the cluster."""

    file: Path
    objects: tuple[Object, ...]

    @property
    def name(self) -> str:
        return self.file.name.removesuffix("-values.yaml")

    def kind(self, *kinds: str) -> list[Object]:
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        found = [each for each in self.kind(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, f"{kind} {name}: {len(found)} in {self.file.name}"
        return found[0]

    @property
    def workloads(self) -> list[Object]:
        """What runs for long."""
        return self.kind(*WORKLOADS)

    @cached_property
    def pods(self) -> list[Object]:
        """Every pod that may come to be, as a template: of workloads, of the hook, of the test."""
        found = [each["spec"]["template"] for each in self.kind(*WORKLOADS, "Job")]
        return [*found, *self.kind("Pod")]

    @property
    def containers(self) -> list[Object]:
        return [each for pod in self.pods for each in containers(pod)]


def containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


@dataclass(frozen=True)
class Helm:
    """A helm of either major."""

    program: Path

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Without a cluster and without anything of the user's own."""
        return subprocess.run(
            [self.program, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"HOME": "/nonexistent", "KUBECONFIG": "/nonexistent", "PATH": "/usr/bin:/bin"},
        )

    def template(self, *values: Path, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
        files = [part for value in values for part in ("--values", value)]
        where = ("--namespace", NAMESPACE, "--kube-version", KUBERNETES)
        return self.run("template", RELEASE, chart, *where, *files)

    @cache  # noqa: B019 - one helm a run, and a values file is never changed
    def render(self, *values: Path, chart: Path = CHART) -> Rendered:
        done = self.template(*values, chart=chart)
        assert done.returncode == 0, done.stderr
        objects = tuple(each for each in load_yaml(done.stdout) if each is not None)
        return Rendered(file=values[0], objects=objects)
