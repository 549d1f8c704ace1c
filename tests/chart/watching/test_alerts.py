"""Alerts: each fires when it should and not else, has a runbook, and speaks of what there is."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import promql_parser as promql
import pytest

from tests.chart.rendering import CHART, Helm
from tests.chart.watching.expression import NotThere, all_series, labels_of
from tests.chart.watching.shipped import (
    CASES,
    ROOT,
    RULES,
    Alert,
    alerts,
    read_yaml,
    rules,
)

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RUNBOOKS = dict(
    re.findall(
        r"^### (Postern\w+)\n(.*?)(?=^##)",
        OPERATIONS[OPERATIONS.index("\n## Runbooks\n") :],
        re.MULTILINE | re.DOTALL,
    )
)
EACH = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_the_rules(promtool: str) -> None:
    assert "SUCCESS" in run(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(RULES))


@pytest.mark.parametrize("file", sorted(CASES.glob("*.yaml")), ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_not_else(promtool: str, file: Path) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", str(file))


INSTALLED = """\
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'postern_build_info{namespace="elsewhere"}', values: 1x30}
    alert_rule_test:
      - alertname: PosternGone
        eval_time: 10m
        exp_alerts:
          - exp_labels: {severity: page, namespace: business}
            exp_annotations: ANNOTATIONS
  - interval: 1m
    input_series:
      - {series: 'postern_build_info{namespace="business"}', values: 1x30}
    alert_rule_test:
      - {alertname: PosternGone, eval_time: 10m, exp_alerts: []}
"""


def test_what_the_chart_installs_sees_its_own_namespace_alone(
    promtool: str, helm: Helm, tmp_path: Path
) -> None:
    (rule,) = helm.render(CHART / "ci" / "monitoring-values.yaml").kind("PrometheusRule")
    (gone,) = [alert for alert in alerts() if alert.name == "PosternGone"]
    (tmp_path / "rules.yaml").write_text(json.dumps(rule["spec"]), encoding="utf-8")
    case = tmp_path / "case.yaml"
    case.write_text(INSTALLED.replace("ANNOTATIONS", json.dumps(gone.annotations)), "utf-8")
    assert "SUCCESS" in run(promtool, "check", "rules", str(tmp_path / "rules.yaml"))
    assert "SUCCESS" in run(promtool, "test", "rules", str(case))


@functools.cache
def cases() -> dict[str, set[bool]]:
    """By alert: whether there is a case in which it fires, and one in which it does not."""
    found: defaultdict[str, set[bool]] = defaultdict(set)
    for file in CASES.glob("*.yaml"):
        for test in read_yaml(file)["tests"]:
            for case in test["alert_rule_test"]:
                found[case["alertname"]].add(bool(case["exp_alerts"]))
    return found


@EACH
def test_each_alert_has_a_case_that_fires_and_one_that_does_not(alert: Alert) -> None:
    assert cases()[alert.name] == {True, False}


@EACH
def test_each_alert_says_what_it_is_and_where_its_runbook_is(alert: Alert) -> None:
    assert alert.severity in {"page", "ticket"}
    assert set(alert.annotations) == {"summary", "description", "runbook"}
    assert alert.annotations["runbook"] == f"docs/operations.md#{alert.name.lower()}"
    text = RUNBOOKS[alert.name]
    assert text.strip().startswith(f"`{alert.severity}`.")
    assert "* " in text, "a runbook says what to look at and what to do"


def test_there_is_no_runbook_for_an_alert_that_is_gone() -> None:
    assert set(RUNBOOKS) == {alert.name for alert in alerts()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_each_expression_speaks_of_series_and_labels_that_there_are(rule: dict[str, str]) -> None:
    labels = labels_of(promql.parse(rule["expr"]), all_series())
    named = set(re.findall(r"\$labels\.(\w+)", str(rule.get("annotations", ""))))
    assert named <= labels


@EACH
def test_each_alert_is_summed_up_over_processes(alert: Alert) -> None:
    """Ten pods without a broker are one incident."""
    labels = labels_of(promql.parse(alert.expr), all_series())
    assert "instance" not in labels
    assert "namespace" in labels or alert.name == "PosternGone"


@pytest.mark.parametrize(
    "expr",
    [
        "postern_brokers_connected",
        'postern_broker_connected{queue="x"}',
        "sum by (provider) (postern_broker_connected)",
        "postern_journal_away unless on (provider) postern_breaker_open",
        'label_replace(postern_journal_away, "a", "$1", "queue", "(.+)")',
        "histogram_quantile(0.99, rate(postern_call_seconds_count[5m]))",
        "sum without (lane) (postern_actions_open)",
    ],
)
def test_an_expression_that_prometheus_answers_with_nothing_for_ever_is_told(expr: str) -> None:
    with pytest.raises(NotThere):
        labels_of(promql.parse(expr), all_series())
