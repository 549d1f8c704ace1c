"""Every supported variant renders, and what does not go together is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chart.rendering import CHART, CI, KUBERNETES, REFUSED, Helm, Rendered


@pytest.mark.parametrize("values", CI, ids=lambda file: file.name)
def test_the_chart_is_clean_for_each_variant(helm: Helm, values: Path) -> None:
    done = helm.run("lint", CHART, "--strict", "--kube-version", KUBERNETES, "--values", values)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout
    assert "[ERROR]" not in done.stdout


def test_each_variant_renders_objects_with_names_of_their_own(rendered: Rendered) -> None:
    assert rendered.objects
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered.objects]
    assert len(names) == len(set(names))


def test_every_object_says_what_it_belongs_to(rendered: Rendered) -> None:
    for each in rendered.objects:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "postern"
        assert labels["app.kubernetes.io/instance"] == "shop"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/component"]
        assert all(len(value) <= 63 for value in labels.values())
        assert len(each["metadata"]["name"]) <= 63


def test_a_namespace_is_never_written_down(rendered: Rendered) -> None:
    """It is the release's; `helm --namespace` decides."""
    assert all("namespace" not in each["metadata"] for each in rendered.objects)


def test_labels_of_your_own_are_on_everything_but_in_no_selector(helm: Helm) -> None:
    rendered = helm.render(CHART / "ci" / "platform-values.yaml")
    assert all(each["metadata"]["labels"]["team"] == "shop" for each in rendered.objects)
    for each in rendered.workloads:
        assert "team" not in each["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize("values", REFUSED, ids=lambda file: file.stem)
def test_values_that_are_wrong_are_refused_with_the_reason(helm: Helm, values: Path) -> None:
    told = re.match(r"# refused: (.+)", values.read_text(encoding="utf-8"))
    assert told is not None
    done = helm.template(values)
    assert done.returncode != 0
    assert told[1] in done.stderr


def test_every_combination_that_is_refused_has_a_file_that_shows_it() -> None:
    """`_check.tpl` and `_time.tpl` are the list of them."""
    texts = "\n".join(file.read_text(encoding="utf-8") for file in REFUSED)
    templates = [CHART / "templates" / name for name in ("_check.tpl", "_time.tpl", "_config.tpl")]
    calls = [
        words
        for template in templates
        for words in re.findall(r'fail \(?(?:printf )?"([^"]+)"', template.read_text("utf-8"))
    ]
    assert len(calls) > 20
    for words in calls:
        # The longest part between what is filled in, as far as a file quotes it.
        part = max(re.split(r"%[sdq]", words), key=len).strip()
        assert part[:60] in texts, words
