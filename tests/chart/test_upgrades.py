"""What an upgrade takes over from the release that runs.

What must not go in: what holds for an installation as well.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from tests.chart.rendering import (
    CHART,
    KUBERNETES,
    NAMESPACE,
    RELEASE,
    ROOT,
    Helm,
    Object,
    load_yaml,
)

RUNNING = {
    "deployments/shop-postern-gateway": 7,
    "deployments/shop-postern-worker-sms": 0,
}
"""The second one was stopped by somebody, who means it."""


class Cluster(BaseHTTPRequestHandler):
    """As much of a cluster as it takes to be asked for a workload."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/apis/apps/v1")
        name = path.removeprefix(f"/namespaces/{NAMESPACE}/")
        if path == "/version":
            self._answer(200, {"major": "1", "minor": "30", "gitVersion": f"v{KUBERNETES}"})
        elif path in {"/api", "/apis"}:
            self._answer(200, {"kind": "APIGroupList", "groups": []})
        elif not path:
            self._answer(200, {"kind": "APIResourceList", "groupVersion": "apps/v1"} | KINDS)
        elif name in RUNNING:
            about = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
            self._answer(200, about | {"spec": {"replicas": RUNNING[name]}})
        else:
            self._answer(404, {"kind": "Status", "reason": "NotFound", "code": 404})

    def _answer(self, status: int, body: Object) -> None:
        text = orjson.dumps({"apiVersion": "v1"} | body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


KINDS = {
    "resources": [
        {"name": f"{kind.lower()}s", "kind": kind, "namespaced": True, "verbs": ["get"]}
        for kind in ("Deployment", "StatefulSet")
    ]
}


@pytest.fixture
def helm() -> Helm:
    """Helm 3 in any run: Helm 4 asks the cluster about each object of the release, and this cluster
    knows workloads only. What is looked up is the same."""
    program = ROOT / ".tools" / "bin" / "helm3"
    assert program.is_file(), f"there is no helm at {program}: run `scripts/setup-helm 3`"
    return Helm(program)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path / "kubeconfig"
    place = {"server": f"http://127.0.0.1:{server.server_port}"}
    file.write_bytes(
        orjson.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "here", "cluster": place}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "any"}}],
                "users": [{"name": "any", "user": {}}],
                "current-context": "here",
            }
        )
    )
    yield file
    server.shutdown()
    server.server_close()


def replicas(helm: Helm, variant: str, kubeconfig: Path) -> dict[str, int | None]:
    done = helm.run(
        *("template", RELEASE, CHART, "--namespace", NAMESPACE, "--kube-version", KUBERNETES),
        *("--values", CHART / "ci" / f"{variant}-values.yaml"),
        *("--dry-run=server", "--disable-openapi-validation", "--kubeconfig", kubeconfig),
    )
    assert done.returncode == 0, done.stderr
    return {
        each["metadata"]["name"].removeprefix("shop-postern-"): each["spec"].get("replicas")
        for each in load_yaml(done.stdout)
        if each is not None and each["kind"] in {"Deployment", "StatefulSet"}
    }


def test_what_is_scaled_stays_as_many_as_run(helm: Helm, kubeconfig: Path) -> None:
    """A field that goes is 1 for Kubernetes: a running release would be set to one pod."""
    found = replicas(helm, "keda", kubeconfig)
    assert found["gateway"] == 7
    assert found["worker-sms"] == 0
    assert found["worker-altcraft"] is None, "it does not run yet"
    assert found["scheduler"] == 2, "nothing scales it"


def test_where_nothing_is_scaled_the_values_say_how_many(helm: Helm, kubeconfig: Path) -> None:
    assert replicas(helm, "default", kubeconfig) == {"gateway": 2, "consumers": 2}
