"""What Prometheus and Grafana are given."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.chart.rendering import CHART, NAMESPACE, Helm, Rendered, load_yaml

VALUES = CHART / "ci" / "monitoring-values.yaml"
ABSENT = "absent(postern_build_info)"


@pytest.fixture(scope="module")
def watched(helm: Helm) -> Rendered:
    return helm.render(VALUES)


def test_the_gateway_is_read_through_a_service_of_its_own(watched: Rendered) -> None:
    monitor = watched.one("ServiceMonitor", "shop-postern-gateway")
    (endpoint,) = monitor["spec"]["endpoints"]
    chosen = [
        each
        for each in watched.kind("Service")
        if monitor["spec"]["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
        and endpoint["port"] in {port["name"] for port in each["spec"]["ports"]}
    ]
    assert [each["metadata"]["name"] for each in chosen] == ["shop-postern-gateway"]
    assert chosen[0]["spec"]["clusterIP"] == "None"


def test_without_a_service_monitor_there_is_no_such_service(helm: Helm) -> None:
    rendered = helm.render(CHART / "ci" / "default-values.yaml")
    assert [each["metadata"]["name"] for each in rendered.kind("Service")] == ["shop-postern"]


def test_every_group_of_consumers_is_read(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "watched.yaml"
    values.write_text("monitoring: {podMonitor: {enabled: true}}\n", encoding="utf-8")
    rendered = helm.render(CHART / "ci" / "split-by-provider-values.yaml", values)
    (monitor,) = rendered.kind("PodMonitor")
    (expression,) = monitor["spec"]["selector"]["matchExpressions"]
    assert set(expression["values"]) == {"recorder", "scheduler", "worker-altcraft", "worker-sms"}


def test_prometheus_finds_its_objects_by_the_labels_given(watched: Rendered) -> None:
    for each in watched.kind("ServiceMonitor", "PodMonitor", "PrometheusRule"):
        assert each["metadata"]["labels"]["release"] == "prometheus"


def test_each_file_of_alerts_and_each_dashboard_becomes_an_object(
    helm: Helm, tmp_path: Path
) -> None:
    """As it stands: what is in double braces is for Prometheus and Grafana."""
    chart = tmp_path / "postern"
    shutil.copytree(CHART, chart)
    (chart / "alerts").mkdir(exist_ok=True)
    (chart / "dashboards").mkdir(exist_ok=True)
    (chart / "alerts" / "sample.yaml").write_text(
        "groups:\n  - name: sample\n    rules:\n      - alert: Sample\n        expr: up == 0\n"
        '        annotations: {summary: "{{ $labels.pod }} is away"}\n',
        encoding="utf-8",
    )
    board = '{"title": "Sample", "legend": "{{provider}}"}'
    (chart / "dashboards" / "sample.json").write_text(board, encoding="utf-8")
    rendered = helm.render(VALUES, chart=chart)
    rule = rendered.one("PrometheusRule", "shop-postern-sample")
    (group,) = rule["spec"]["groups"]
    assert group["rules"][0]["annotations"]["summary"] == "{{ $labels.pod }} is away"
    dashboard = rendered.one("ConfigMap", "shop-postern-dashboard-sample")
    assert dashboard["data"]["postern-sample.json"].strip() == board
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert dashboard["metadata"]["annotations"] == {"grafana_folder": "Postern"}


def test_no_dashboard_overwrites_another_charts(watched: Rendered) -> None:
    """Grafana's sidecar puts them all into one folder, by their key."""
    found = [
        each for each in watched.kind("ConfigMap") if "-dashboard-" in each["metadata"]["name"]
    ]
    assert found
    assert all(key.startswith("postern-") for each in found for key in each["data"])


def test_an_alert_does_not_take_another_namespaces_postern_for_its_own(watched: Rendered) -> None:
    """The one expression that names no namespace, since it is about what is not there."""
    shipped = (CHART / "alerts" / "postern.yaml").read_text(encoding="utf-8")
    assert shipped.count("absent(") == shipped.count(ABSENT) == 1
    own = ABSENT.replace(")", f'{{namespace="{NAMESPACE}"}})')
    rule = watched.one("PrometheusRule", "shop-postern-postern")
    assert [rule["spec"]] == list(load_yaml(shipped.replace(ABSENT, own)))


def test_without_files_there_are_no_empty_objects(helm: Helm, tmp_path: Path) -> None:
    chart = tmp_path / "postern"
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("alerts", "dashboards"))
    rendered = helm.render(VALUES, chart=chart)
    assert not rendered.kind("PrometheusRule")
    assert all("grafana_dashboard" not in it["metadata"]["labels"] for it in rendered.objects)
