"""What runs: selectors, scaling, probes, configuration, and how long there is to end."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from consumers.settings import ConsumerSettings
from core.configuration import parse_duration
from core.settings import read_settings
from gateway.settings import Limits
from tests.chart.rendering import CHART, Helm, Object, Rendered, containers

SELECTOR = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
}
MARGIN = timedelta(seconds=5)
"""For closing connections, and a machine under load."""

SLOWEST = timedelta(seconds=20)
"""The `timeout` of the slower provider in `ci/`."""


def ci(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


def only(workload: Object) -> Object:
    (found,) = containers(workload["spec"]["template"])
    return found


def variables(container: Object) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def test_selectors_are_of_what_never_changes_and_fit_their_pods(rendered: Rendered) -> None:
    """A selector is immutable: a version in it would make the next upgrade fail."""
    for each in rendered.workloads:
        wanted = each["spec"]["selector"]["matchLabels"]
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert wanted.keys() == SELECTOR
        assert wanted.items() <= labels.items()


def test_a_new_chart_for_the_same_postern_restarts_nothing(rendered: Rendered) -> None:
    for each in rendered.workloads:
        assert "helm.sh/chart" not in each["spec"]["template"]["metadata"]["labels"]


def test_traces_are_on_where_there_is_a_collector_and_off_elsewhere(helm: Helm) -> None:
    traced = helm.render(ci("network-policies"))
    for each in traced.workloads:
        told = variables(only(each))
        assert told["POSTERN_TRACES"] == "otlp"
        assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.tracing.svc:4318"
    for each in helm.render(ci("default")).workloads:
        assert "POSTERN_TRACES" not in variables(only(each))


def test_names_that_mean_something_in_yaml_are_taken_for_names(helm: Helm, tmp_path: Path) -> None:
    """A provider may be called `no`, which is Norwegian for "false" to many a reader of YAML."""
    values = tmp_path / "names.yaml"
    values.write_text(
        "existingConfigMap: '123'\n"
        "secrets: {existingSecret: '456', env: {'Y': '7'}}\n"
        "consumers: {split: provider, providers: ['no'], groups: {'on': {roles: [worker]}}}\n",
        encoding="utf-8",
    )
    rendered = helm.render(values)
    group = rendered.one("Deployment", "shop-postern-worker-no")
    assert only(group)["args"][-2:] == ["--providers", "no"]
    other = rendered.one("Deployment", "shop-postern-on")
    assert other["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] == "on"
    (key,) = [each for each in only(other)["env"] if each["name"] == "Y"]
    assert key["valueFrom"]["secretKeyRef"] == {"name": "456", "key": "7"}


def test_no_two_workloads_select_the_same_pods(rendered: Rendered) -> None:
    found = [tuple(each["spec"]["selector"]["matchLabels"].values()) for each in rendered.workloads]
    assert len(found) == len(set(found))


def test_services_lead_to_the_gateway_alone(rendered: Rendered) -> None:
    for service in rendered.kind("Service"):
        wanted = service["spec"]["selector"]
        chosen = [
            pod for pod in rendered.pods if wanted.items() <= pod["metadata"]["labels"].items()
        ]
        assert len(chosen) == 1
        (container,) = containers(chosen[0])
        named = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named


def test_the_admin_port_is_in_no_service_for_events(rendered: Rendered) -> None:
    service = next(
        each for each in rendered.kind("Service") if each["spec"].get("clusterIP") != "None"
    )
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]


def test_what_is_scaled_has_no_replicas_of_its_own(rendered: Rendered) -> None:
    """Else each upgrade sets it back."""
    scaled = {
        (
            it["spec"]["scaleTargetRef"].get("kind", "Deployment"),
            it["spec"]["scaleTargetRef"]["name"],
        )
        for it in rendered.kind("HorizontalPodAutoscaler", "ScaledObject")
    }
    there = {(each["kind"], each["metadata"]["name"]) for each in rendered.workloads}
    assert scaled <= there
    for each in rendered.workloads:
        under = (each["kind"], each["metadata"]["name"]) in scaled
        assert ("replicas" in each["spec"]) != under


def test_every_process_is_asked_on_its_admin_port(rendered: Rendered) -> None:
    for each in rendered.workloads:
        container = only(each)
        assert {"name": "admin", "containerPort": 9080} in container["ports"]
        paths = {
            name: container[name]["httpGet"]
            for name in ("startupProbe", "readinessProbe", "livenessProbe")
        }
        assert all(it["port"] == "admin" for it in paths.values())
        assert paths["readinessProbe"]["path"] == "/readyz"
        assert paths["livenessProbe"]["path"] == paths["startupProbe"]["path"] == "/livez"


@pytest.mark.parametrize(
    ("values", "kind", "name", "seconds"),
    [
        ("default", "Deployment", "shop-postern-gateway", 120),
        ("spool", "Deployment", "shop-postern-consumers", 120),
        ("spool", "StatefulSet", "shop-postern-gateway", 600),
        ("embedded", "StatefulSet", "shop-postern-embedded", 600),
    ],
)
def test_who_opens_a_file_first_has_longer_to_start(
    helm: Helm, values: str, kind: str, name: str, seconds: int
) -> None:
    """Ended before it has read its file, a process would begin anew for ever."""
    probe = only(helm.render(ci(values)).one(kind, name))["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == seconds


def test_a_rollout_never_takes_the_last_pod_away(rendered: Rendered) -> None:
    for each in rendered.kind("Deployment"):
        assert each["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_changed_configuration_restarts_nothing(helm: Helm, tmp_path: Path) -> None:
    """Processes take it over by themselves: pods are the same but for what is mounted."""
    before = helm.render(ci("default"))
    changed = tmp_path / "changed.yaml"
    changed.write_text(ci("default").read_text("utf-8").replace("Thank you", "Many thanks"))
    after = helm.render(changed)
    assert before.kind("ConfigMap") != after.kind("ConfigMap")
    assert before.workloads == after.workloads


def test_the_settings_of_each_process_are_settings_of_postern(rendered: Rendered) -> None:
    """As the process would read them, which refuses what it does not know."""
    for each in rendered.workloads:
        settings = read_settings(variables(only(each)))
        assert settings.admin.port == 9080
        assert settings.admin.host == ""
        assert settings.log_format == "json"
        assert settings.config == Path("/etc/postern")


def test_the_configuration_is_mounted_as_a_directory(rendered: Rendered) -> None:
    for each in rendered.workloads:
        (mount,) = [it for it in only(each)["volumeMounts"] if it["name"] == "config"]
        assert mount == {"name": "config", "mountPath": "/etc/postern", "readOnly": True}


def pre_stop(container: Object) -> timedelta:
    hook = container.get("lifecycle", {}).get("preStop", {})
    if "sleep" in hook:
        return timedelta(seconds=hook["sleep"]["seconds"])
    if "exec" in hook:
        command = hook["exec"]["command"]
        assert command[:4] == ["postern", "spool", "wait", "--timeout"]
        found: timedelta = parse_duration(command[4])
        return found
    return timedelta(0)


def test_a_pod_has_the_time_that_ending_takes(rendered: Rendered) -> None:
    """preStop, the grace, requests in progress, calls in progress: all of it before the kill."""
    for each in rendered.workloads:
        container = only(each)
        needed = pre_stop(container) + MARGIN
        if container["args"][0] in {"gateway", "run"}:
            needed += read_settings(variables(container)).grace + Limits().drain
        if container["args"][0] in {"consumers", "run"}:
            needed += SLOWEST + ConsumerSettings().drain_margin
        granted = each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert timedelta(seconds=granted) >= needed, each["metadata"]["name"]


def test_load_balancers_are_told_before_the_port_closes(rendered: Rendered) -> None:
    for each in rendered.workloads:
        container = only(each)
        if container["args"][0] == "gateway":
            settings = read_settings(variables(container))
            told = settings.grace
            if "sleep" in container["lifecycle"]["preStop"]:
                told += pre_stop(container)
            assert told >= timedelta(seconds=10)


@pytest.mark.parametrize(
    ("timeout", "granted"), [("45s", 60), ("2m", 135), ("500ms", 25), ("1.5s", 25)]
)
def test_a_slow_provider_gives_consumers_longer(
    helm: Helm, tmp_path: Path, timeout: str, granted: int
) -> None:
    """Found in the configuration; never less than for a provider that says nothing."""
    values = tmp_path / "slow.yaml"
    text = ci("default").read_text("utf-8").replace("timeout: 20s", f"timeout: {timeout}")
    values.write_text(text, encoding="utf-8")
    consumers = helm.render(values).one("Deployment", "shop-postern-consumers")
    assert consumers["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == granted


def test_a_longer_time_to_end_can_be_given(helm: Helm) -> None:
    gateway = helm.render(ci("platform")).one("Deployment", "events-gateway")
    assert gateway["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 90


def test_a_spool_is_kept_whatever_becomes_of_its_pod(helm: Helm) -> None:
    rendered = helm.render(ci("spool"))
    gateway = rendered.one("StatefulSet", "shop-postern-gateway")
    assert gateway["spec"]["persistentVolumeClaimRetentionPolicy"] == {
        "whenScaled": "Retain",
        "whenDeleted": "Retain",
    }
    container = only(gateway)
    (claim,) = gateway["spec"]["volumeClaimTemplates"]
    (mount,) = [it for it in container["volumeMounts"] if it["name"] == claim["metadata"]["name"]]
    assert variables(container)["POSTERN_SPOOL"] == mount["mountPath"]


TILL = """\
sources:
  till:
    verify: {scheme: bearer, secrets: [{file: /run/secrets/postern/till-key}]}
    events: ["order.*"]
    durability: spool
"""


def test_a_source_with_a_spool_is_looked_for_in_every_file_of_the_configuration(
    helm: Helm, tmp_path: Path
) -> None:
    values = tmp_path / "till.yaml"
    values.write_text(json.dumps({"configFiles": {"till.yaml": TILL}}), encoding="utf-8")
    done = helm.template(ci("default"), values)
    assert done.returncode != 0
    assert "the source till says durability: spool" in done.stderr
    # The embedded form keeps events on its own volume.
    assert helm.template(ci("embedded"), values).returncode == 0
    assert helm.template(ci("spool"), values).returncode == 0


def test_nothing_but_a_person_takes_a_gateway_with_a_spool_away(helm: Helm) -> None:
    scaler = helm.render(ci("spool")).one("HorizontalPodAutoscaler", "shop-postern-gateway")
    assert scaler["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"
    assert scaler["spec"]["behavior"]["scaleDown"] == {"selectPolicy": "Disabled"}


def test_the_embedded_form_is_one_pod_with_a_volume_and_no_servers(helm: Helm) -> None:
    rendered = helm.render(ci("embedded"))
    (workload,) = rendered.workloads
    assert (workload["kind"], workload["spec"]["replicas"]) == ("StatefulSet", 1)
    container = only(workload)
    assert container["args"] == ["run"]
    names = {each["name"] for each in container["env"]}
    assert not {"POSTERN_BROKER", "POSTERN_JOURNAL", "POSTERN_SPOOL"} & names
    (mount,) = [it for it in container["volumeMounts"] if it["name"] == "data"]
    assert variables(container)["POSTERN_DATA"] == mount["mountPath"]
    assert not rendered.kind("Job", "PodDisruptionBudget", "HorizontalPodAutoscaler")


def test_a_pod_that_never_became_ready_is_replaced_by_the_next_upgrade(rendered: Rendered) -> None:
    """An ordered StatefulSet waits for it for ever."""
    for each in rendered.kind("StatefulSet"):
        assert each["spec"]["podManagementPolicy"] == "Parallel"


def test_no_disruption_budget_keeps_a_node_from_being_drained(rendered: Rendered) -> None:
    for budget in rendered.kind("PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] == 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        assert "minAvailable" not in budget["spec"]
        chosen = [
            each
            for each in rendered.workloads
            if each["spec"]["selector"]["matchLabels"] == budget["spec"]["selector"]["matchLabels"]
        ]
        assert len(chosen) == 1


def test_pods_are_spread_over_zones_and_nodes(rendered: Rendered) -> None:
    for each in rendered.workloads:
        if only(each)["args"] == ["run"]:
            continue  # there is one
        spread = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        wanted = each["spec"]["selector"]["matchLabels"]
        for constraint in spread:
            chosen = constraint["labelSelector"]["matchLabels"]
            assert chosen.items() <= wanted.items()
        if rendered.name != "platform":
            assert [it["topologyKey"] for it in spread] == [
                "topology.kubernetes.io/zone",
                "kubernetes.io/hostname",
            ]


def test_what_a_platform_asks_for_reaches_every_workload(helm: Helm) -> None:
    rendered = helm.render(ci("platform"))
    for each in rendered.workloads:
        template = each["spec"]["template"]
        assert template["metadata"]["labels"]["cost-centre"] == "shop"
        assert template["metadata"]["annotations"] == {"example.com/scrape": "no"}
        assert template["spec"]["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
        assert template["spec"]["priorityClassName"] == "business"
        assert variables(only(each))["SSL_CERT_FILE"] == "/etc/ca/ca.crt"
        assert {"name": "ca", "mountPath": "/etc/ca", "readOnly": True} in (
            only(each)["volumeMounts"]
        )
