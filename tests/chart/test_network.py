"""Who may reach whom, with network policies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart.rendering import CHART, Helm, Object, Rendered


def ci(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


@pytest.fixture(scope="module")
def closed(helm: Helm) -> Rendered:
    return helm.render(ci("network-policies"))


def fits(selector: Object, labels: Object) -> bool:
    """Whether a label selector chooses a pod."""
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )


def policies(rendered: Rendered, component: str) -> list[Object]:
    """Every policy that holds for the pods of a component."""
    labels = {
        "app.kubernetes.io/name": "postern",
        "app.kubernetes.io/instance": "shop",
        "app.kubernetes.io/component": component,
    }
    found = rendered.kind("NetworkPolicy")
    return [each["spec"] for each in found if fits(each["spec"]["podSelector"], labels)]


def ports(rendered: Rendered, component: str, way: str) -> set[int]:
    rules = [rule for each in policies(rendered, component) for rule in each.get(way, [])]
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_without_being_asked_for_nothing_is_forbidden(helm: Helm) -> None:
    assert not helm.render(ci("default")).kind("NetworkPolicy")


@pytest.mark.parametrize("component", ["gateway", "consumers", "migrate", "test"])
def test_what_is_not_allowed_is_forbidden(closed: Rendered, component: str) -> None:
    types = {name for each in policies(closed, component) for name in each["policyTypes"]}
    assert types == {"Ingress", "Egress"}


def test_every_pod_falls_under_a_policy_of_its_own(closed: Rendered) -> None:
    for pod in closed.pods:
        component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
        assert len(policies(closed, component)) >= 2, component


def test_a_gateway_reaches_broker_and_journal_and_no_provider(closed: Rendered) -> None:
    assert ports(closed, "gateway", "egress") == {53, 5671, 5672, 5432, 4318}


def test_consumers_reach_providers_too_and_nobody_reaches_them(closed: Rendered) -> None:
    assert ports(closed, "consumers", "egress") == {53, 5671, 5672, 5432, 4318, 443}
    assert ports(closed, "consumers", "ingress") == {9080}


def test_recorders_and_schedulers_reach_no_provider(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "closed.yaml"
    values.write_text("networkPolicy: {enabled: true}\n", encoding="utf-8")
    rendered = helm.render(ci("split-by-provider"), values)
    assert 443 in ports(rendered, "worker-sms", "egress")
    assert 443 not in ports(rendered, "recorder", "egress")
    assert 443 not in ports(rendered, "scheduler", "egress")


def test_providers_are_not_looked_for_in_private_networks(closed: Rendered) -> None:
    """What a configuration gets wrong about an address, the network stops."""
    (policy,) = [
        each
        for each in closed.kind("NetworkPolicy")
        if each["metadata"]["name"].endswith("providers")
    ]
    blocks = [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule["to"]]
    (fourth,) = [each for each in blocks if each["cidr"] == "0.0.0.0/0"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= {
        *fourth["except"]
    }


def test_metrics_are_read_by_who_is_named(closed: Rendered) -> None:
    for component in ("gateway", "consumers"):
        rules = [
            rule
            for each in policies(closed, component)
            for rule in each.get("ingress", [])
            if {"port": 9080, "protocol": "TCP"} in rule["ports"]
        ]
        assert len(rules) == 1
        (peer,) = rules[0]["from"]
        assert peer["namespaceSelector"]["matchLabels"] == {
            "kubernetes.io/metadata.name": "monitoring"
        }


def test_nobody_reads_metrics_where_nobody_is_named(helm: Helm, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody.yaml"
    nobody.write_text(
        "networkPolicy: {monitoringFrom: []}\nmonitoring: {serviceMonitor: {enabled: false}}\n",
        encoding="utf-8",
    )
    rendered = helm.render(ci("embedded-network-policies"), nobody)
    assert ports(rendered, "embedded", "ingress") == {8080}


def test_the_embedded_form_reaches_providers_alone(helm: Helm) -> None:
    rendered = helm.render(ci("embedded-network-policies"))
    assert ports(rendered, "embedded", "egress") == {53, 443}


def test_the_test_event_gets_through_a_closed_gateway(closed: Rendered) -> None:
    peers = [
        peer
        for each in policies(closed, "gateway")
        for rule in each.get("ingress", [])
        if {"port": 8080, "protocol": "TCP"} in rule["ports"]
        for peer in rule["from"]
    ]
    (pod,) = closed.kind("Pod")
    labels = pod["metadata"]["labels"]
    assert any(fits(peer["podSelector"], labels) for peer in peers if "podSelector" in peer)


def test_the_migration_may_reach_its_servers_before_the_release_stands(closed: Rendered) -> None:
    (policy,) = [
        each
        for each in closed.kind("NetworkPolicy")
        if each["metadata"]["name"] == "shop-postern-migrate"
    ]
    assert policy["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert ports(closed, "migrate", "egress") == {53, 5671, 5672, 5432}
