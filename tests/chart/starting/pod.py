"""A pod as the kubelet runs it: volumes, variables, ports, probes, and the way to its end.

One container at a time. What is referred to and is not there is an error. What must not go in:
which pods there are, and how a container is isolated (`container`).
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from tests.chart.starting.container import Container, Identity, Image, Mount
from tests.chart.starting.volume import contents_of, make_empty, write_keys
from tests.servers.process import free_ports

Object = dict[str, Any]

_URL = re.compile(r"http://([a-z0-9-]+):(\d+)")
_PATIENCE = 3
"""Times what a probe allows: several tests may share this machine."""


class Broken(Exception):
    """A pod could not be started, was not well, or did not end in order."""


class Namespace(Protocol):
    """What a pod refers to."""

    def get(self, kind: str, name: str) -> Object: ...

    def address(self, service: str, port: int) -> str:
        """Where a Service leads."""
        ...

    def claim(self, workload: str, name: str) -> Path:
        """The disk of a workload, which stays when its pod goes."""
        ...


class Pod:
    """One pod, of one container at a time."""

    def __init__(
        self,
        name: str,
        template: Object,
        *,
        cluster: Namespace,
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
