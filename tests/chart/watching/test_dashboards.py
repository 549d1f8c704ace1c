"""Dashboards: as the code writes them, and what each panel needs so that Grafana and a reader
understand it."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import promql_parser as promql
import pytest

from scripts.dashboards.write import FOLDER, documents
from tests.chart.watching.expression import all_series, labels_of, numbers
from tests.chart.watching.shipped import (
    Shown,
    alerts,
    dashboards,
    filled_in,
    panels,
)

EACH = pytest.mark.parametrize("shown", panels(), ids=lambda shown: shown.name)
BOARDS = pytest.mark.parametrize("name", sorted(dashboards()))
SCREEN = 23
"""Rows of a screen of 1080 lines, with Grafana's own bars and a browser's."""


def test_the_files_are_what_the_code_writes() -> None:
    """`make docs` writes them."""
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert there == documents()


@BOARDS
def test_a_dashboard_can_be_imported_anywhere(name: str) -> None:
    """It has no number of one Grafana, and takes data source and namespace as variables."""
    board = dashboards()[name]
    assert board["uid"] == f"postern-{name}"
    assert board.get("id") is None
    assert board["schemaVersion"] >= 42
    assert board["refresh"] == "30s"
    variables = {it["name"]: it for it in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["namespace"]["allValue"] == ".*"
    assert variables["runbooks"]["type"] == "textbox"
    sources = set(re.findall(r"'uid': '([^']+)'", str(board["panels"])))
    assert sources == {"${datasource}"}


@BOARDS
def test_panels_stand_beside_each_other_and_do_not_overlap(name: str) -> None:
    places = [panel["gridPos"] for panel in dashboards()[name]["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        assert apart(one, other), (one, other)
    numbers_of_panels = [it["id"] for it in dashboards()[name]["panels"] if it["type"] != "row"]
    assert len(set(numbers_of_panels)) == len(numbers_of_panels)


def apart(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] + one["w"] <= other["x"]
        or other["x"] + other["w"] <= one["x"]
        or one["y"] + one["h"] <= other["y"]
        or other["y"] + other["h"] <= one["y"]
    )


def test_the_overview_fits_on_one_screen() -> None:
    places = [panel["gridPos"] for panel in dashboards()["overview"]["panels"]]
    assert max(place["y"] + place["h"] for place in places) <= SCREEN


@EACH
def test_each_panel_says_what_it_shows_and_in_which_unit(shown: Shown) -> None:
    assert shown.panel["description"].endswith(".")
    assert shown.panel["fieldConfig"]["defaults"]["unit"]
    assert shown.expressions


@EACH
def test_each_expression_heeds_the_namespace_and_speaks_of_what_there_is(shown: Shown) -> None:
    known = all_series()
    for expr, legend in zip(shown.expressions, shown.legends, strict=True):
        assert expr.count('{namespace=~"$namespace"') == len(re.findall(r"\w\{", expr))
        labels = labels_of(promql.parse(filled_in(expr)), known)
        assert set(re.findall(r"{{(\w+)}}", legend)) <= labels, legend


@EACH
def test_what_is_red_is_what_the_alert_calls_too_much(shown: Shown) -> None:
    """1 stands for "at all"."""
    if shown.alert is None:
        return
    (alert,) = [alert for alert in alerts() if alert.name == shown.alert]
    if shown.limit is not None and shown.limit != 1:
        allowed = list(numbers(promql.parse(alert.expr)))
        assert shown.limit in [pytest.approx(number) for number in allowed]


@EACH
def test_each_runbook_is_linked_by_the_variable(shown: Shown) -> None:
    links: list[dict[str, Any]] = shown.panel.get("links", [])
    assert [link["url"] for link in links] == (
        [f"${{runbooks}}#{shown.alert.lower()}"] if shown.alert else []
    )


def test_every_alert_has_a_panel_that_shows_what_it_looks_at() -> None:
    linked = {shown.alert for shown in panels()}
    missing = {alert.name for alert in alerts()} - linked
    # Nothing is left to be shown, or it is shown beside its faster sister.
    assert missing <= {"PosternGone", "PosternErrorBudgetBurnsSlowly"}
