"""How consumers are divided into groups, and how the groups are scaled."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumers.settings import Role, parse_roles
from core.broker.topology import RECORDER_QUEUE, Topology
from tests.chart.rendering import CHART, Helm, Object, Rendered, containers


def ci(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


def arguments(workload: Object) -> dict[str, str]:
    """`--roles` and `--providers` of a group, as they are given."""
    (container,) = containers(workload["spec"]["template"])
    command, *rest = container["args"]
    assert command == "consumers"
    return dict(zip(rest[::2], rest[1::2], strict=True))


def groups(rendered: Rendered) -> dict[str, Object]:
    return {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each
        for each in rendered.kind("Deployment")
        if each["metadata"]["labels"]["app.kubernetes.io/component"] != "gateway"
    }


@pytest.mark.parametrize(
    ("variant", "names"),
    [
        ("default", {"consumers"}),
        ("split-by-role", {"worker", "recorder", "scheduler"}),
        ("split-by-provider", {"worker-altcraft", "worker-sms", "recorder", "scheduler"}),
        ("groups", {"texts", "rest", "records"}),
        ("existing-configmap", {"worker-altcraft", "worker-sms", "recorder", "scheduler"}),
    ],
)
def test_consumers_are_divided_as_asked(helm: Helm, variant: str, names: set[str]) -> None:
    assert groups(helm.render(ci(variant))).keys() == names


def test_every_role_runs_and_every_provider_is_served(rendered: Rendered) -> None:
    found = [arguments(each) for each in groups(rendered).values()]
    if not found:
        assert rendered.kind("StatefulSet"), "the embedded form has every role"
        return
    roles: set[Role] = set()
    for each in found:
        roles |= parse_roles(each["--roles"])
    assert roles == set(Role)
    served = [
        each.get("--providers", "").split(",") for each in found if "worker" in each["--roles"]
    ]
    assert {""} in map(set, served) or set().union(*served) == {"altcraft", "sms"}


def test_a_group_is_changed_by_its_name_and_the_others_stay(helm: Helm) -> None:
    found = groups(helm.render(ci("split-by-provider")))
    assert found["worker-sms"]["spec"]["replicas"] == 4
    assert found["worker-altcraft"]["spec"]["replicas"] == 2
    (container,) = containers(found["worker-sms"]["spec"]["template"])
    assert container["resources"]["requests"]["cpu"] == "500m"


def triggers(rendered: Rendered) -> dict[str, list[Object]]:
    return {
        each["spec"]["scaleTargetRef"]["name"].removeprefix("shop-postern-"): each["spec"][
            "triggers"
        ]
        for each in rendered.kind("ScaledObject")
    }


@pytest.mark.parametrize("variant", ["keda", "existing-configmap"])
def test_each_group_is_scaled_by_exactly_the_queues_it_works_on(helm: Helm, variant: str) -> None:
    """The names are those that Postern declares."""
    found = triggers(helm.render(ci(variant)))
    assert found.keys() == {"worker-altcraft", "worker-sms", "recorder"}
    for name, wanted in {
        "worker-altcraft": Topology.of(["altcraft"]).work_queues,
        "worker-sms": Topology.of(["sms"]).work_queues,
        "recorder": (RECORDER_QUEUE,),
    }.items():
        queues = [each["metadata"]["queueName"] for each in found[name]]
        assert sorted(queues) == sorted(wanted)


def test_messages_in_work_count_when_a_group_is_scaled(helm: Helm) -> None:
    for group in triggers(helm.render(ci("keda"))).values():
        for trigger in group:
            assert trigger["type"] == "rabbitmq"
            assert trigger["metadata"]["protocol"] == "http"
            assert trigger["metadata"]["excludeUnacknowledged"] == "false"
            assert trigger["metadata"]["mode"] == "QueueLength"
            assert trigger["metadata"]["value"] == "200"
            # The password is in the Secret alone.
            assert "host" not in trigger["metadata"]
            assert trigger["authenticationRef"] == {"name": "shop-postern"}


def test_the_brokers_api_is_reached_with_the_secrets_address(helm: Helm) -> None:
    (found,) = helm.render(ci("keda")).kind("TriggerAuthentication")
    assert found["spec"]["secretTargetRef"] == [
        {"parameter": "host", "name": "postern-secrets", "key": "broker-management"}
    ]


def test_pods_go_slowly_and_never_all(helm: Helm) -> None:
    for each in helm.render(ci("keda")).kind("ScaledObject"):
        spec = each["spec"]
        assert spec["minReplicaCount"] == 2
        assert "idleReplicaCount" not in spec
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] == 600
        assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]


def test_a_group_has_its_own_bounds(helm: Helm) -> None:
    most = {
        each["metadata"]["name"]: each["spec"]["maxReplicaCount"]
        for each in helm.render(ci("keda")).kind("ScaledObject")
    }
    assert most["shop-postern-worker-sms"] == 40
    assert most["shop-postern-worker-altcraft"] == 20


def test_schedulers_are_not_scaled(helm: Helm) -> None:
    """One leads, the others stand by."""
    scheduler = groups(helm.render(ci("keda")))["scheduler"]
    assert scheduler["spec"]["replicas"] == 2
