"""What happens before a release stands, and what `helm test` does."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
import pytest

from cli.main import postern
from core.configuration import parse_duration
from tests.chart.rendering import CHART, Helm, Object, Rendered, containers

HOOK = "helm.sh/hook"


def ci(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


def hooks(rendered: Rendered, when: str) -> list[Object]:
    return [
        each
        for each in rendered.objects
        if when in each["metadata"].get("annotations", {}).get(HOOK, "").split(",")
    ]


def test_queues_and_then_tables_stand_before_the_release_does(rendered: Rendered) -> None:
    """A step that failed after the migration would leave old consumers with a newer journal."""
    jobs = rendered.kind("Job")
    if rendered.kind("StatefulSet") and not rendered.kind("Deployment"):
        assert not jobs, "the embedded form sees to it itself"
        return
    (job,) = jobs
    assert job["metadata"]["annotations"][HOOK] == "pre-install,pre-upgrade"
    steps = [each["args"] for each in containers(job["spec"]["template"])]
    assert steps == [["topology"], ["migrate"]]
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_job_is_given_up_before_helm_gives_up(helm: Helm) -> None:
    """Helm waits five minutes unless told otherwise; a Job that goes on would migrate a journal
    under a release that is marked as failed."""
    (job,) = helm.render(ci("default")).kind("Job")
    assert job["spec"]["activeDeadlineSeconds"] == 240


def test_a_hook_needs_nothing_that_comes_later(rendered: Rendered) -> None:
    """Its account, its configuration and its secret are hooks as well, and earlier ones."""
    before = hooks(rendered, "pre-install")
    there = {(each["kind"], each["metadata"]["name"]) for each in before}
    made = {
        (each["kind"], each["metadata"]["name"]) for each in rendered.objects if each not in before
    }
    for job in rendered.kind("Job"):
        spec = job["spec"]["template"]["spec"]
        needed = {("ServiceAccount", spec["serviceAccountName"])}
        needed |= {
            ("ConfigMap", it["configMap"]["name"]) for it in spec["volumes"] if "configMap" in it
        }
        assert not needed & made
        secrets = {
            variable["valueFrom"]["secretKeyRef"]["name"]
            for each in containers(job["spec"]["template"])
            for variable in each["env"]
            if "valueFrom" in variable
        }
        for name in secrets:
            assert {("Secret", name), ("ExternalSecret", name)} & there or (
                name == "postern-secrets"
            )
        weights = {
            each["kind"]: int(each["metadata"]["annotations"]["helm.sh/hook-weight"])
            for each in before
        }
        assert all(weight < weights["Job"] for kind, weight in weights.items() if kind != "Job")


def test_a_hook_that_failed_does_not_stand_in_the_way_of_the_next(rendered: Rendered) -> None:
    for each in hooks(rendered, "pre-install"):
        policy = each["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
        assert policy == "before-hook-creation,hook-succeeded"


def test_where_the_account_is_somebody_elses_none_is_made(helm: Helm) -> None:
    rendered = helm.render(ci("existing-configmap"))
    assert not rendered.kind("ServiceAccount")
    assert {pod["spec"]["serviceAccountName"] for pod in rendered.pods} == {"shop"}


def test_the_copy_of_the_configuration_is_the_configuration(helm: Helm) -> None:
    rendered = helm.render(ci("default"))
    own = rendered.one("ConfigMap", "shop-postern")
    copy = rendered.one("ConfigMap", "shop-postern-migrate")
    assert own["data"] == copy["data"]


def send_arguments(rendered: Rendered) -> tuple[Object, click.Context]:
    """The test's container, and its arguments as the command reads them."""
    (pod,) = rendered.kind("Pod")
    (container,) = containers(pod)
    name, *rest = container["args"]
    command = postern.commands[name]
    parser = command.make_parser(context := click.Context(command))
    options, files, _ = parser.parse_args(rest)
    context.params = {**options, "files": files}
    return container, context


@pytest.mark.parametrize("variant", ["default", "embedded", "spool", "network-policies"])
def test_helm_test_posts_an_event_and_waits_for_its_end(helm: Helm, variant: str) -> None:
    rendered = helm.render(ci(variant))
    (pod,) = rendered.kind("Pod")
    assert pod["metadata"]["annotations"][HOOK] == "test"
    container, context = send_arguments(rendered)
    given = context.params
    assert given["url"] == "http://shop-postern:80"
    assert given["key_env"] in {each["name"] for each in container["env"]}
    assert given["new_ids"]
    assert parse_duration(given["within"])


def test_helm_test_can_sign_as_a_shop_system_does(helm: Helm) -> None:
    """What became of the event, the journal tells: a signature asks nothing."""
    container, context = send_arguments(helm.render(ci("signed-test")))
    assert context.params["source"] == "shop"
    assert context.params["secret_env"] == "TEST_SECRET"
    assert "POSTERN_JOURNAL" in {each["name"] for each in container["env"]}


def test_the_event_of_the_test_is_one(helm: Helm) -> None:
    event = helm.render(ci("default")).one("ConfigMap", "shop-postern-test")["data"]["event.json"]
    assert orjson.loads(event) == {"type": "postern.test", "data": {}}
