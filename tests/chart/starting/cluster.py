"""As much of a cluster as it takes to start what the chart renders: objects that refer to each
other, hooks in their order, a pod of each workload, Services.

What must not go in: how a pod is run (`pod`), and what is expected.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from tests.chart.rendering import Rendered
from tests.chart.starting.container import Image
from tests.chart.starting.pod import Broken, Object, Pod

WORKLOADS = ("Deployment", "StatefulSet")
HOOK = "helm.sh/hook"
WEIGHT = "helm.sh/hook-weight"
_CLAIMS = "volumeClaimTemplates"
_ALONE = timedelta(seconds=90)
"""How long a container that ends by itself may take: the machine may be busy."""


class Cluster:
    """A namespace that is nearly empty at first."""

    def __init__(self, folder: Path, image: Image, *, given: Iterable[Object] = ()) -> None:
        self._folder = folder
        self._image = image
        self._objects: dict[tuple[str, str], Object] = {}
        self._count = itertools.count()
        self.pods: dict[str, Pod] = {}
        for it in given:
            self.add(it)

    def add(self, it: Object) -> None:
        self._objects[it["kind"], it["metadata"]["name"]] = it

    def get(self, kind: str, name: str) -> Object:
        found = self._objects.get((kind, name))
        if found is None:
            raise Broken(f"there is no {kind} {name}")
        return found

    def install(self, rendered: Rendered) -> None:
        """As Helm does: hooks first, by weight, each waited for; then all the rest, until it is
        ready."""
        before = sorted(
            (it for it in rendered.objects if "pre-install" in _hooks(it)),
            key=lambda it: (int(it["metadata"]["annotations"].get(WEIGHT, "0")), it["kind"]),
        )
        for it in before:
            self.add(it)
            if it["kind"] == "Job":
                self.run_to_end(it["metadata"]["name"], it["spec"]["template"])
        for it in before:
            del self._objects[it["kind"], it["metadata"]["name"]]
        rest = [it for it in rendered.objects if not _hooks(it)]
        for it in rest:
            self.add(it)
        workloads = [it for it in rest if it["kind"] in WORKLOADS]
        for it in workloads:
            name = it["metadata"]["name"]
            claims = [claim["metadata"]["name"] for claim in it["spec"].get(_CLAIMS, [])]
            self.pods[name] = self.start(name, it["spec"]["template"], claims=claims)
        for name in self.pods:
            self.pods[name].await_ready()

    def test(self, rendered: Rendered) -> str:
        """As `helm test` does; what the test said."""
        hooks = [it for it in rendered.objects if "test" in _hooks(it)]
        for it in hooks:
            self.add(it)
        return "".join(
            self.run_to_end(it["metadata"]["name"], it) for it in hooks if it["kind"] == "Pod"
        )

    def run_to_end(self, name: str, template: Object) -> str:
        """A pod whose containers end by themselves, one after the other. Raises Broken if one
        fails."""
        told = ""
        pod, spec = self._pod(name, template, claims=()), template["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            pod.start(container)
            code = pod.container.wait(_ALONE)
            told += pod.container.told()
            if code != 0:
                raise Broken(f"{name}: {container['name']} ended with {code}:\n{told}")
        return told

    def start(self, name: str, template: Object, *, claims: Iterable[str] = ()) -> Pod:
        pod = self._pod(name, template, claims=claims)
        (container,) = template["spec"]["containers"]
        pod.start(container)
        return pod

    def stop(self) -> dict[str, int]:
        """End every pod in order, whatever becomes of the others; their exit codes."""
        return {name: self.pods.pop(name).stop() for name in list(self.pods)}

    def kill(self) -> None:
        for pod in self.pods.values():
            pod.container.end(signal.SIGKILL, within=timedelta(seconds=5))
        self.pods.clear()

    def change(self, kind: str, name: str, data: Mapping[str, str]) -> None:
        """As `kubectl apply` of another content would, once every kubelet has seen it."""
        it = {**self.get(kind, name), "data": dict(data)}
        self.add(it)
        for pod in self.pods.values():
            pod.refresh(it)

    def address(self, service: str, port: int) -> str:
        """Where a Service leads: to a ready pod that it selects, at the port that it names."""
        spec = self.get("Service", service)["spec"]
        (target,) = (each["targetPort"] for each in spec["ports"] if each["port"] == port)
        selected = [
            pod
            for pod in self.pods.values()
            if spec["selector"].items() <= pod.labels.items() and pod.container.running
        ]
        if not selected:
            raise Broken(f"Service {service} selects no pod")
        return f"127.0.0.1:{selected[0].port(target)}"

    def claim(self, workload: str, name: str) -> Path:
        """The disk of a workload, which stays when its pod goes."""
        return self._folder / "claims" / f"{name}-{workload}"

    def _pod(self, name: str, template: Object, *, claims: Iterable[str]) -> Pod:
        folder = self._folder / f"{next(self._count):02}-{name}"
        return Pod(name, template, cluster=self, image=self._image, folder=folder, claims=claims)


def _hooks(it: Object) -> list[str]:
    found = it["metadata"].get("annotations", {}).get(HOOK, "")
    return [each for each in found.split(",") if each]
