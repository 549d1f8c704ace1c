"""As much of a cluster as it takes to start what the chart renders: objects that refer to each
other, hooks in their order, pods with their volumes, probes, hooks of containers, Services.

One pod a workload is started. What is referred to and is not there is an error, as it is for the
kubelet. What must not go in: how a container is isolated (`container`), and what is expected.
"""

from __future__ import annotations

import http.client
import itertools
import os
import re
import signal
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.chart.rendering import Rendered
from tests.chart.starting.container import Container, Identity, Image, Mount
from tests.chart.starting.volume import contents_of, make_empty, write_keys
from tests.servers.process import free_ports

Object = dict[str, Any]

WORKLOADS = ("Deployment", "StatefulSet")
HOOK = "helm.sh/hook"
WEIGHT = "helm.sh/hook-weight"
_ALONE = timedelta(seconds=90)
"""How long a container that ends by itself may take: the machine may be busy."""

_URL = re.compile(r"http://([a-z0-9-]+):(\d+)")


class Broken(Exception):
    """A pod could not be started, was not well, or did not end in order."""


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


class Pod:
    """One pod, of one container at a time."""

    def __init__(
        self,
        name: str,
        template: Object,
        *,
        cluster: Cluster,
        image: Image,
        folder: Path,
        claims: Iterable[str],
    ) -> None:
        self.name = name
        self.labels: dict[str, str] = template["metadata"]["labels"]
        self._spec: Object = template["spec"]
        self._cluster = cluster
        self._image = image
        self._folder = folder
        self._volumes = {each["name"]: each for each in self._spec.get("volumes", [])}
        self._volumes |= {
            claim: {"name": claim, "claim": cluster.claim(name, claim)} for claim in claims
        }
        self._ports: dict[str | int, int] = {}
        self._described: Object = {}
        self._container: Container | None = None

    @property
    def container(self) -> Container:
        if self._container is None:
            raise Broken(f"{self.name} has not been started")
        return self._container

    def port(self, name: str | int) -> int:
        """Which port of this machine stands for a container's."""
        return self._ports[name]

    def start(self, described: Object) -> None:
        """Start a container of the pod. Raises Broken if anything it refers to is not there."""
        self._described = described
        for each in described.get("ports", []):
            (port,) = free_ports(1)
            self._ports[each["name"]] = self._ports[each["containerPort"]] = port
        command = described.get("command", list(self._image.entrypoint))
        folder = self._folder / described["name"]
        self._container = Container(
            self._image,
            folder=folder,
            argv=[self._lead(str(word)) for word in [*command, *described.get("args", [])]],
            variables={each["name"]: self._value(each) for each in described.get("env", [])},
            mounts=[
                Mount(
                    source=self._directory(each["name"]),
                    target=each["mountPath"],
                    read_only=each.get("readOnly", False),
                )
                for each in described.get("volumeMounts", [])
            ],
            identity=self._identity(),
        )

    def await_ready(self) -> None:
        """As the kubelet: the startup probe, then the readiness probe; then the liveness probe has
        to say yes as well. Raises Broken with the log if one never does."""
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = self._described[kind]
            patience = probe["periodSeconds"] * probe["failureThreshold"] * _PATIENCE
            end = time.monotonic() + patience
            while not self._probe(probe):
                if not self.container.running:
                    raise Broken(f"{self.name} has ended:\n{self.container.told()}")
                if time.monotonic() > end:
                    raise Broken(f"{self.name}: {kind} says no:\n{self.container.told()}")
                time.sleep(0.1)

    def stop(self) -> int:
        """preStop, then SIGTERM; the exit code. Raises Broken if both together take longer than the
        pod is given, or if the hook fails."""
        given = timedelta(seconds=self._spec["terminationGracePeriodSeconds"])
        begun = time.monotonic()
        lifecycle: Object = self._described.get("lifecycle") or {}
        match lifecycle.get("preStop"):
            case {"sleep": {"seconds": seconds}}:
                time.sleep(seconds)
            case {"exec": {"command": command}}:
                done = self.container.run(command, within=given)
                if done.returncode != 0:
                    raise Broken(f"{self.name}: preStop: {done.stdout}{done.stderr}")
            case hook if hook:
                raise Broken(f"{self.name}: nothing is known here of the hook {hook}")
        left = given - timedelta(seconds=time.monotonic() - begun)
        code = self.container.end(signal.SIGTERM, within=left)
        if time.monotonic() - begun > given.total_seconds():
            raise Broken(f"{self.name} took longer than {given} to end")
        return code

    def refresh(self, it: Object) -> None:
        """Write a changed ConfigMap or Secret into the volumes made of it."""
        for name, volume in self._volumes.items():
            if self._source(volume) == (it["kind"], it["metadata"]["name"]):
                self._write(volume, self._folder / "volumes" / name)

    def _identity(self) -> Identity:
        context = {**self._spec["securityContext"], **self._described["securityContext"]}
        if not context["readOnlyRootFilesystem"] or context["capabilities"] != {"drop": ["ALL"]}:
            raise Broken(f"{self.name}: containers here have a read-only root and no capability")
        return Identity(
            user=context["runAsUser"], group=context["runAsGroup"], extra=context["fsGroup"]
        )

    def _value(self, variable: Object) -> str:
        """Of a variable, references resolved; a port of the container's is the one that stands for
        it here."""
        if "value" in variable:
            text = self._lead(variable["value"])
            port = text.removeprefix(":")
            if text.startswith(":") and port.isdigit() and int(port) in self._ports:
                return f"127.0.0.1:{self._ports[int(port)]}"
            return text
        (kind, ref), *_ = variable["valueFrom"].items()
        found = {"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}[kind]
        held = contents_of(self._cluster.get(found, ref["name"]))
        if ref["key"] not in held:
            raise Broken(f"{found} {ref['name']} has no key {ref['key']}")
        return held[ref["key"]].decode()

    def _lead(self, text: str) -> str:
        """Addresses of Services, led to the pods."""
        return _URL.sub(
            lambda found: f"http://{self._cluster.address(found[1], int(found[2]))}", text
        )

    def _directory(self, name: str) -> Path:
        folder: Path = self._volumes[name].get("claim", self._folder / "volumes" / name)
        if not folder.exists():
            self._write(self._volumes[name], folder)
        return folder

    def _write(self, volume: Object, folder: Path) -> None:
        group = self._spec["securityContext"]["fsGroup"] if os.geteuid() == 0 else None
        source = self._source(volume)
        if source is None:
            make_empty(folder, group=group)
            return
        made: Object = volume.get("secret") or volume.get("configMap") or {}
        mode = made.get("defaultMode", 0o644)
        write_keys(folder, contents_of(self._cluster.get(*source)), mode=mode, group=group)

    def _source(self, volume: Object) -> tuple[str, str] | None:
        """What a volume is made of; None: it is an empty one. Any other kind is an error."""
        match volume:
            case {"configMap": {"name": name}}:
                return "ConfigMap", name
            case {"secret": {"secretName": name}}:
                return "Secret", name
            case {"emptyDir": _} | {"claim": _}:
                return None
        raise Broken(f"{self.name}: nothing is known here of the volume {volume}")

    def _probe(self, probe: Object) -> bool:
        asked = probe["httpGet"]
        way = http.client.HTTPConnection(
            "127.0.0.1", self.port(asked["port"]), timeout=probe["timeoutSeconds"]
        )
        try:
            way.request("GET", asked["path"])
            return 200 <= way.getresponse().status < 400
        except OSError:
            return False
        finally:
            way.close()


_CLAIMS = "volumeClaimTemplates"
_PATIENCE = 3
"""Times what the probe allows: several tests may share this machine."""


def _hooks(it: Object) -> list[str]:
    found = it["metadata"].get("annotations", {}).get(HOOK, "")
    return [each for each in found.split(",") if each]
