"""The runbooks of docs/operations.md name objects as the chart names them, in every release."""

from __future__ import annotations

import re

import pytest

from tests.chart.rendering import CHART, KUBERNETES, ROOT, Helm, Object, load_yaml

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
FORMS = ["default", "monitoring", "spool", "embedded", "split-by-role", "split-by-provider"]
KINDS = {"deploy": "Deployment", "statefulset": "StatefulSet"}
CHOSEN = {"app.kubernetes.io/instance": "$R", "app.kubernetes.io/part-of": "postern"}


def rendered(helm: Helm, form: str, release: str, *options: str) -> list[Object]:
    values = CHART / "ci" / f"{form}-values.yaml"
    done = helm.run(
        "template", release, CHART, "--kube-version", KUBERNETES, "--values", values, *options
    )
    assert done.returncode == 0, done.stderr
    return [each for each in load_yaml(done.stdout) if each is not None]


def beginning(objects: list[Object], release: str) -> str:
    """What the command for N prints: services come in the order of their names."""
    wanted = {label: value.replace("$R", release) for label, value in CHOSEN.items()}
    names = sorted(
        each["metadata"]["name"]
        for each in objects
        if each["kind"] == "Service" and wanted.items() <= each["metadata"]["labels"].items()
    )
    return str(names[0])


def test_the_command_for_the_names_chooses_by_these_labels() -> None:
    (chosen,) = re.findall(r"^\$ N=\$\(kubectl get svc -l (\S+) ", PAGE, re.MULTILINE)
    assert dict(part.split("=") for part in chosen.split(",")) == CHOSEN


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("release", "options", "begins"),
    [
        ("postern", [], "postern"),
        ("shop", [], "shop-postern"),
        ("shop", ["--set", "nameOverride=hooks"], "shop-hooks"),
        ("shop", ["--set", "fullnameOverride=hooks"], "hooks"),
    ],
)
def test_it_finds_what_every_name_begins_with(
    helm: Helm, form: str, release: str, options: list[str], begins: str
) -> None:
    objects = rendered(helm, form, release, *options)
    assert beginning(objects, release) == begins
    for each in objects:
        if each["kind"] in KINDS.values():
            assert each["metadata"]["name"].startswith(f"{begins}-")
            assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == release


def test_every_object_that_a_runbook_names_is_in_some_form(helm: Helm) -> None:
    there = {
        (each["kind"], each["metadata"]["name"].removeprefix("shop-postern-"))
        for form in FORMS
        for each in rendered(helm, form, "shop")
        if each["kind"] in KINDS.values()
    }
    named = {
        (KINDS[kind], name)
        for kind, name in re.findall(r"\b(deploy|statefulset)/\$N-([a-z-]+[a-z])", PAGE)
    }
    workers = {("Deployment", name) for name in re.findall(r"`\$N-(worker[a-z-]*)`", PAGE)}
    assert len(named) >= 3
    assert len(workers) == 2
    assert named | workers <= there
    assert "$R-" not in PAGE, "a name begins with $N: the release's own name is only a part of it"


def test_nothing_but_the_workers_pods_is_asked_to_call_a_provider() -> None:
    """A gateway has no way out to the providers."""
    asked = re.findall(r"kubectl exec (\S+) -- postern call", PAGE)
    assert len(asked) >= 2
    assert set(asked) == {"deploy/$W"}
