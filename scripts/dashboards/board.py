"""From our records to the JSON that Grafana imports (its classic form, schema 42, which every
Grafana since 9 and its provisioning take).

Plain documents, not Grafana's own library for it: that one is experimental, and the classic form is
deprecated in it. What must not go in: what a panel shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from scripts.dashboards.panel import Board, Kind, Panel, Query

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_RUNBOOKS = "docs/operations.md"
"""The address at which an operator keeps that page is the variable's to say."""
_TAG = "postern"
_COLUMNS = 24
_GOOD, _BAD, _PLAIN = "green", "red", "blue"

Document = dict[str, Any]


def document(board: Board) -> str:
    """The file of a dashboard."""
    made = {
        "annotations": {"list": []},
        "description": board.about,
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,  # one crosshair for all panels
        "links": [_others()],
        "panels": list(_placed(board)),
        "refresh": "30s",
        "schemaVersion": 42,
        "tags": [_TAG],
        "templating": {"list": list(_variables(board))},
        "time": {"from": board.range, "to": "now"},
        "timezone": "browser",
        "title": board.title,
        "uid": board.uid,
    }
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def _placed(board: Board) -> Iterator[Document]:
    number, y = 0, 0
    for row in board.rows:
        if board.headings:
            number += 1
            yield _heading(row.title, number, y)
            y += 1
        x, height = 0, 0
        for panel in row.panels:
            if x + panel.width > _COLUMNS:
                x, y, height = 0, y + height, 0
            number += 1
            yield _panel(panel, number, x, y)
            x, height = x + panel.width, max(height, panel.height)
        y += height


def _heading(title: str, number: int, y: int) -> Document:
    place = {"h": 1, "w": _COLUMNS, "x": 0, "y": y}
    return {
        "collapsed": False,
        "gridPos": place,
        "id": number,
        "panels": [],
        "title": title,
        "type": "row",
    }


def _panel(panel: Panel, number: int, x: int, y: int) -> Document:
    defaults: Document = {
        "thresholds": {"mode": "absolute", "steps": _steps(panel)},
        "unit": panel.unit,
        **_style(panel),
    }
    if panel.words is not None:
        defaults["mappings"] = [_words(*panel.words)]
    return {
        "datasource": _SOURCE,
        "description": panel.about,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "gridPos": {"h": panel.height, "w": panel.width, "x": x, "y": y},
        "id": number,
        "links": [_runbook(panel.alert)] if panel.alert is not None else [],
        "options": _options(panel.kind),
        "targets": [
            _target(query, chr(ord("A") + index), panel.kind)
            for index, query in enumerate(panel.queries)
        ],
        "title": panel.title,
        "type": panel.kind.value,
    }


def _style(panel: Panel) -> Document:
    match panel.kind:
        case Kind.NUMBER:
            return {"color": {"mode": "thresholds"}}
        case Kind.STATES:
            custom: Document = {"fillOpacity": 70, "lineWidth": 0}
            return {"color": {"mode": "thresholds"}, "custom": custom}
        case Kind.LINES:
            custom = {"fillOpacity": 10, "showPoints": "never"}
            if panel.stacked:
                custom["stacking"] = {"group": "A", "mode": "normal"}
            if panel.limit is not None:
                custom["thresholdsStyle"] = {"mode": "dashed"}
            return {"color": {"mode": "palette-classic"}, "custom": custom, "min": 0}


def _options(kind: Kind) -> Document:
    legend = {"calcs": [], "displayMode": "list", "placement": "bottom"}
    match kind:
        case Kind.NUMBER:
            return {
                "colorMode": "value",
                "graphMode": "area",
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "textMode": "auto",
            }
        case Kind.STATES:
            return {
                "legend": {**legend, "showLegend": False},
                "mergeValues": True,
                "rowHeight": 0.8,
                "showValue": "never",
            }
        case Kind.LINES:
            return {
                "legend": {**legend, "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }


def _steps(panel: Panel) -> list[Document]:
    if panel.limit is None:
        return [{"color": _PLAIN, "value": None}]
    low, high = (_BAD, _GOOD) if panel.falling else (_GOOD, _BAD)
    return [{"color": low, "value": None}, {"color": high, "value": panel.limit}]


def _words(zero: str, one: str) -> Document:
    told = {
        "0": {"color": _GOOD, "index": 0, "text": zero},
        "1": {"color": _BAD, "index": 1, "text": one},
    }
    return {"options": told, "type": "value"}


def _target(query: Query, letter: str, kind: Kind) -> Document:
    return {
        "datasource": _SOURCE,
        "expr": query.expr,
        "instant": kind is Kind.NUMBER,
        "legendFormat": query.legend or "__auto",
        "range": True,
        "refId": letter,
    }


def _runbook(alert: str) -> Document:
    return {
        "targetBlank": True,
        "title": f"Runbook: {alert}",
        "url": f"${{runbooks}}#{alert.lower()}",
    }


def _others() -> Document:
    return {
        "asDropdown": False,
        "icon": "",
        "includeVars": True,
        "keepTime": True,
        "tags": [_TAG],
        "targetBlank": False,
        "title": "Postern",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    }


def _variables(board: Board) -> Iterator[Document]:
    yield {
        "label": "Data source",
        "name": "datasource",
        "query": "prometheus",
        "type": "datasource",
    }
    yield _label("namespace", "Namespace", "postern_build_info")
    if board.providers:
        yield _label("provider", "Provider", "postern_breaker_open")
    runbooks = {"selected": True, "text": _RUNBOOKS, "value": _RUNBOOKS}
    yield {
        "current": runbooks,
        "description": f"The address at which {_RUNBOOKS} can be read.",
        "label": "Runbooks",
        "name": "runbooks",
        "options": [runbooks],
        "query": _RUNBOOKS,
        "type": "textbox",
    }


def _label(name: str, label: str, metric: str) -> Document:
    """`All` matches a series without the label, too: only Kubernetes has namespaces."""
    asked = f"label_values({metric}, {name})"
    return {
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": _SOURCE,
        "definition": asked,
        "includeAll": True,
        "label": label,
        "multi": True,
        "name": name,
        "options": [],
        "query": {"query": asked, "refId": name},
        "refresh": 2,  # whenever the time range changes
        "sort": 1,
        "type": "query",
    }
