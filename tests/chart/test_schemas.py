"""Every object of every values file is one that the cluster takes: by Kubernetes' own schemas, the
newest and the oldest that the chart is for, and by what KEDA, Prometheus operator, Gateway API and
External Secrets say of theirs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chart.rendering import CI, Helm, Object, Rendered
from tests.chart.schemas import (
    OTHERS,
    is_of_kubernetes,
    kubernetes_problem,
    newest,
    other_problems,
)

OLDEST = "1.30"


@pytest.fixture(scope="session")
def everything(helm: Helm) -> tuple[Rendered, ...]:
    return tuple(helm.render(file) for file in CI)


@pytest.fixture(scope="session")
def others(everything: tuple[Rendered, ...]) -> list[tuple[str, Object]]:
    """Where each comes from, and what it is."""
    return [
        (f"{one.name}: {it['kind']} {it['metadata']['name']}", it)
        for one in everything
        for it in one.objects
        if not is_of_kubernetes(it)
    ]


@pytest.mark.parametrize("version", [newest(), OLDEST], ids=["newest", "oldest"])
def test_every_object_of_kubernetes_is_one(rendered: Rendered, version: str) -> None:
    """Strictly: a cluster would drop a field that it does not know, and say so to nobody."""
    found = {
        f"{it['kind']} {it['metadata']['name']}": kubernetes_problem(it, version)
        for it in rendered.objects
        if is_of_kubernetes(it)
    }
    assert {name: problem for name, problem in found.items() if problem} == {}


def test_every_object_of_other_projects_is_one(others: list[tuple[str, Object]]) -> None:
    problems = other_problems([it for _, it in others])
    assert {name: told for (name, _), told in zip(others, problems, strict=True) if told} == {}


def test_there_are_objects_of_every_project(
    everything: tuple[Rendered, ...], others: list[tuple[str, Object]]
) -> None:
    """Otherwise the tests above would look at nothing."""
    assert {it["apiVersion"].split("/")[0] for _, it in others} == OTHERS
    kinds = {it["kind"] for one in everything for it in one.objects if is_of_kubernetes(it)}
    assert kinds >= {"Deployment", "StatefulSet", "Job", "Service", "NetworkPolicy", "Ingress"}


def mistype(it: Any, *path: str | int) -> None:
    """The last name of the path with a letter too many."""
    for part in path[:-1]:
        it = it[part]
    it[f"{path[-1]}s"] = it.pop(path[-1])


def put(it: Any, value: Any, *path: str | int) -> None:
    for part in path[:-1]:
        it = it[part]
    it[path[-1]] = value


BROKEN_OURS: tuple[tuple[str, Callable[[Object], None]], ...] = (
    ("Deployment", lambda it: mistype(it, "spec", "template", "spec", "securityContext")),
    (
        "Deployment",
        lambda it: mistype(it, "spec", "template", "spec", "containers", 0, "livenessProbe"),
    ),
    ("Deployment", lambda it: put(it, "two", "spec", "replicas")),
    ("Job", lambda it: put(it, None, "spec", "template", "spec", "containers")),
    ("NetworkPolicy", lambda it: mistype(it, "spec", "podSelector")),
    ("PodDisruptionBudget", lambda it: mistype(it, "spec", "maxUnavailable")),
    ("Service", lambda it: put(it, "http", "spec", "ports", 0, "port")),
)


@pytest.mark.parametrize("version", [newest(), OLDEST], ids=["newest", "oldest"])
@pytest.mark.parametrize(("kind", "spoil"), BROKEN_OURS)
def test_a_mistake_in_an_object_of_kubernetes_is_found(
    everything: tuple[Rendered, ...], kind: str, spoil: Callable[[Object], None], version: str
) -> None:
    it = copy.deepcopy(next(it for one in everything for it in one.kind(kind)))
    spoil(it)
    assert kubernetes_problem(it, version) is not None


BROKEN_OTHERS: tuple[tuple[str, Callable[[Object], None], str], ...] = (
    ("ScaledObject", lambda it: mistype(it, "spec", "triggers", 0, "metadata"), "metadatas"),
    ("ScaledObject", lambda it: put(it, "ten", "spec", "maxReplicaCount"), "integer"),
    ("ScaledObject", lambda it: mistype(it, "spec", "scaleTargetRef"), "scaleTargetRefs"),
    ("TriggerAuthentication", lambda it: mistype(it, "spec", "secretTargetRef"), "secretTargetR"),
    ("ServiceMonitor", lambda it: put(it, "often", "spec", "endpoints", 0, "interval"), "pattern"),
    ("PodMonitor", lambda it: mistype(it, "spec", "podMetricsEndpoints", 0, "port"), "ports"),
    (
        "HTTPRoute",
        lambda it: put(it, "Prefix", "spec", "rules", 0, "matches", 0, "path", "type"),
        "allowed values",
    ),
    ("HTTPRoute", lambda it: mistype(it, "spec", "parentRefs"), "parentRefss"),
    ("ExternalSecret", lambda it: mistype(it, "spec", "secretStoreRef"), "secretStoreRefs"),
    ("ExternalSecret", lambda it: put(it, "external-secrets.io/v7", "apiVersion"), "v7"),
)


def test_mistakes_in_objects_of_other_projects_are_found(
    others: list[tuple[str, Object]],
) -> None:
    """Each as what it is; they are looked at together, since the looking takes a while."""
    spoilt: list[Object] = []
    for kind, spoil, _ in BROKEN_OTHERS:
        it = copy.deepcopy(next(it for _, it in others if it["kind"] == kind))
        spoil(it)
        spoilt.append(it)
    for (kind, _, word), told in zip(BROKEN_OTHERS, other_problems(spoilt), strict=True):
        assert any(word in problem for problem in told), f"{kind}: {word} not in {told}"
