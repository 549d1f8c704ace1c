"""Installs what a values file renders, with simulated providers and a test's own servers."""

from __future__ import annotations

import base64
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.chart.rendering import CHART, Helm, Object, Rendered
from tests.chart.starting.asking import EVENT, PATIENCE, SECRETS, ask
from tests.chart.starting.cluster import Cluster
from tests.chart.starting.container import Image
from tests.e2e.command_line import environment
from tests.servers.process import GuardedProcess, free_ports
from tests.stack import answers


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return Image(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="session")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    (port,) = free_ports(1)
    process = GuardedProcess(
        [sys.executable, "-m", "cli", "sandbox", "--listen", f"127.0.0.1:{port}"],
        log=tmp_path_factory.mktemp("sandbox") / "log",
        environment=environment(),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        process.wait_until(lambda: answers(f"{url}/"), within=PATIENCE, what="the sandbox")
        yield url
    finally:
        process.end(signal.SIGTERM)


@pytest.fixture
def sandbox(simulators: str) -> str:
    """The simulated providers, as new."""
    ask("POST", f"{simulators}/_sandbox/reset")
    return simulators


@pytest.fixture
def addresses(broker_url: str, postgres_url: str) -> dict[str, str]:
    """The test's own servers, as they stand in the Secret."""
    return {"broker": broker_url, "journal": postgres_url}


@dataclass(kw_only=True)
class Installing:
    """Renders values files of `ci/` and installs what comes of them: with the simulated providers,
    the test's own servers, and an event for `helm test` that a rule is on."""

    helm: Helm
    image: Image
    sandbox: str
    secrets: dict[str, str]
    folder: Path
    given: list[Object] = field(default_factory=list)
    """What is there before Helm comes."""
    clusters: list[Cluster] = field(default_factory=list)

    def __call__(self, variant: str, **more: Any) -> tuple[Cluster, Rendered]:
        rendered = self.render(variant, **more)
        return self.install(rendered), rendered

    def render(self, variant: str, **more: Any) -> Rendered:
        """`more`: further values."""
        values = CHART / "ci" / f"{variant}-values.yaml"
        written: Object = YAML(typ="safe").load(values)
        over: Object = {"test": {**written.get("test", {}), "event": EVENT}, **more}
        self.given = [secret("postern-secrets", self.secrets)]
        if "config" in written:
            over["config"] = pointed(written["config"], self.sandbox)
        else:
            config = YAML(typ="safe").load(CHART / "ci" / "default-values.yaml")["config"]
            data = {"postern.yaml": pointed(config, self.sandbox)}
            self.given.append(config_map(written["existingConfigMap"], data))
        if written.get("secrets", {}).get("create"):
            kept = {name: self.secrets[name] for name in written["secrets"]["values"]}
            over["secrets"] = {"values": kept}
        file = self.folder / "over.yaml"
        YAML(typ="safe").dump(over, file)
        return self.helm.render(values, file)

    def install(self, rendered: Rendered) -> Cluster:
        cluster = Cluster(self.folder / "cluster", self.image, given=self.given)
        self.clusters.append(cluster)
        cluster.install(rendered)
        return cluster


@pytest.fixture
def installing(
    helm: Helm, image: Image, sandbox: str, addresses: dict[str, str], tmp_path: Path
) -> Iterator[Installing]:
    made = Installing(
        helm=helm, image=image, sandbox=sandbox, secrets={**SECRETS, **addresses}, folder=tmp_path
    )
    yield made
    for cluster in made.clusters:
        cluster.kill()


def secret(name: str, values: dict[str, str]) -> Object:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
    return {"kind": "Secret", "metadata": {"name": name}, "data": data}


def config_map(name: str, data: dict[str, str]) -> Object:
    return {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pointed(config: str, sandbox: str) -> str:
    """A configuration whose providers are the simulators."""
    yaml = YAML()
    document = yaml.load(config)
    for name, provider in document["providers"].items():
        provider["url"] = f"{sandbox}/{name if name == 'altcraft' else 'smsgateway24'}"
        provider["retry"] = ["1s", "2s"]
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()
