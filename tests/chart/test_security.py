"""The restricted Pod Security Standard everywhere, no token, and secrets only where they belong."""

from __future__ import annotations

import re

import orjson
import pytest

from tests.chart.rendering import CHART, Helm, Object, Rendered, containers

SECRET_FOLDER = "/run/secrets/postern"


def test_every_pod_is_restricted(rendered: Rendered) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    for pod in rendered.pods:
        spec = pod["spec"]
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == security["runAsGroup"] == 10001
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for volume in spec["volumes"]:
            (kind,) = volume.keys() - {"name"}
            assert kind in {"configMap", "secret", "emptyDir"}
        for each in containers(pod):
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_no_pod_has_a_token_of_the_cluster(rendered: Rendered) -> None:
    assert all(pod["spec"]["automountServiceAccountToken"] is False for pod in rendered.pods)
    accounts = rendered.kind("ServiceAccount")
    assert all(each["automountServiceAccountToken"] is False for each in accounts)
    assert not rendered.kind("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def test_no_service_adds_variables_to_a_pod(rendered: Rendered) -> None:
    """A Service named postern would add POSTERN_SERVICE_HOST, and nothing would start."""
    assert all(pod["spec"]["enableServiceLinks"] is False for pod in rendered.pods)


def test_every_container_says_what_it_needs(rendered: Rendered) -> None:
    for each in rendered.containers:
        assert each["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in each["resources"]["limits"]


def test_every_container_is_of_the_one_image(rendered: Rendered) -> None:
    assert len({each["image"] for each in rendered.containers}) == 1
    assert all(each["command"] == ["postern"] for each in rendered.containers)


def test_a_digest_wins_over_the_tag(helm: Helm) -> None:
    rendered = helm.render(CHART / "ci" / "platform-values.yaml")
    assert all("@sha256:" in each["image"] for each in rendered.containers)


def test_only_a_trial_has_a_secret_in_the_release(rendered: Rendered) -> None:
    assert bool(rendered.kind("Secret")) == (rendered.name == "trial-secret")


def test_no_secret_stands_in_a_config_map_or_a_pod(helm: Helm) -> None:
    """The one variant in which the chart knows secrets at all."""
    values = CHART / "ci" / "trial-secret-values.yaml"
    rendered = helm.render(values)
    (secret,) = [it for it in rendered.kind("Secret") if "annotations" not in it["metadata"]]
    known = [text for text in secret["stringData"].values() if text != "trial"]
    assert len(known) >= 3
    for each in rendered.objects:
        if each["kind"] != "Secret":
            text = orjson.dumps(each).decode()
            assert not any(value in text for value in known), each["kind"]


def variables(container: Object) -> dict[str, Object]:
    return {each["name"]: each for each in container.get("env", [])}


def test_addresses_with_passwords_come_from_the_secret(rendered: Rendered) -> None:
    for each in rendered.containers:
        for name in {"POSTERN_BROKER", "POSTERN_JOURNAL"} & variables(each).keys():
            assert "secretKeyRef" in variables(each)[name]["valueFrom"]


def test_the_secret_is_mounted_for_reading_by_the_process_alone(rendered: Rendered) -> None:
    for pod in rendered.pods:
        for volume in pod["spec"]["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440
                assert pod["spec"]["securityContext"]["fsGroup"] == 10001
    for each in rendered.containers:
        for mount in each["volumeMounts"]:
            if mount["mountPath"] == SECRET_FOLDER:
                assert mount["readOnly"] is True


def test_a_file_of_the_secret_can_be_named_by_the_configuration(rendered: Rendered) -> None:
    """What the examples refer to lies in the folder that is mounted, whole: no subPath, so that a
    changed secret arrives."""
    for each in rendered.kind("ConfigMap"):
        for text in each["data"].values():
            for file in re.findall(r"\{file: ([^}]+)\}", text):
                assert file.startswith(f"{SECRET_FOLDER}/")
    for container in rendered.containers:
        assert all("subPath" not in mount for mount in container["volumeMounts"])


def test_the_migration_gets_the_two_addresses_and_no_other_secret(rendered: Rendered) -> None:
    for job in rendered.kind("Job"):
        pod = job["spec"]["template"]
        assert all("secret" not in volume for volume in pod["spec"]["volumes"])
        for each in containers(pod):
            named = {name for name, it in variables(each).items() if "secretKeyRef" in str(it)}
            assert named == {"POSTERN_BROKER", "POSTERN_JOURNAL"}


def test_operators_have_their_keys_from_a_file(helm: Helm) -> None:
    rendered = helm.render(CHART / "ci" / "ingress-values.yaml")
    gateway = rendered.one("Deployment", "shop-postern-gateway")["spec"]["template"]
    (container,) = containers(gateway)
    assert variables(container)["POSTERN_OPERATOR_KEYS"]["value"] == (
        f"file:{SECRET_FOLDER}/operators"
    )


def test_external_secrets_make_what_the_pods_mount(helm: Helm) -> None:
    rendered = helm.render(CHART / "ci" / "external-secrets-values.yaml")
    made = {each["spec"]["target"]["name"] for each in rendered.kind("ExternalSecret")}
    assert made == {"shop-postern", "shop-postern-migrate"}
    used = {
        volume["secret"]["secretName"]
        for pod in rendered.pods
        for volume in pod["spec"]["volumes"]
        if "secret" in volume
    }
    assert used == {"shop-postern"}


@pytest.mark.parametrize("part", ["gateway", "consumers"])
def test_a_key_can_be_had_as_a_variable(helm: Helm, part: str) -> None:
    rendered = helm.render(CHART / "ci" / "trial-secret-values.yaml")
    pod = rendered.one("Deployment", f"shop-postern-{part}")["spec"]["template"]
    (container,) = containers(pod)
    assert variables(container)["SHOP_KEY"]["valueFrom"]["secretKeyRef"] == {
        "name": "shop-postern",
        "key": "shop-key",
    }
