"""What the chart ships for watching, as its users get it: alerts, recording rules, dashboards."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "charts" / "postern" / "alerts" / "postern.yaml"
DASHBOARDS = ROOT / "charts" / "postern" / "dashboards"
CASES = ROOT / "tests" / "chart" / "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    name: str
    expr: str
    severity: str
    annotations: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A panel of a dashboard, as Grafana reads it."""

    board: str
    panel: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.board}: {self.panel['title']}"

    @property
    def expressions(self) -> tuple[str, ...]:
        return tuple(target["expr"] for target in self.panel["targets"])

    @property
    def legends(self) -> tuple[str, ...]:
        return tuple(target["legendFormat"] for target in self.panel["targets"])

    @property
    def limit(self) -> float | None:
        steps = self.panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        return float(steps[1]["value"]) if len(steps) > 1 else None

    @property
    def alert(self) -> str | None:
        """Whose runbook the panel links to."""
        for link in self.panel.get("links", []):
            return str(link["title"]).removeprefix("Runbook: ")
        return None


def read_yaml(file: Path) -> Any:
    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))


@functools.cache
def rules() -> list[dict[str, Any]]:
    return [rule for group in read_yaml(RULES)["groups"] for rule in group["rules"]]


def alerts() -> list[Alert]:
    return [
        Alert(
            name=rule["alert"],
            expr=rule["expr"],
            severity=rule["labels"]["severity"],
            annotations=rule["annotations"],
        )
        for rule in rules()
        if "alert" in rule
    ]


@functools.cache
def recorded() -> dict[str, str]:
    """Name to expression."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


@functools.cache
def dashboards() -> dict[str, dict[str, Any]]:
    """By the name of the file, without its ending."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(DASHBOARDS.glob("*.json"))
    }


def panels() -> list[Shown]:
    """Without the headings of rows."""
    return [
        Shown(board=name, panel=panel)
        for name, board in dashboards().items()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def filled_in(expr: str, *, window: str = "1m", span: str = "3h") -> str:
    """With what Grafana puts in for the variables when `All` is chosen."""
    expr = expr.replace("$__rate_interval", window).replace("$__range", span)
    return re.sub(r"\$(namespace|provider)\b", ".*", expr)
