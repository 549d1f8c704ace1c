"""A dashboard drawn from what Prometheus answers, at the places and in the colours of its JSON.

Not Grafana, but near enough to see whether a panel says something and whether all of it fits on the
screen. What must not go in: which panels there are.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import ViewportSize, async_playwright

from tests.chart.watching.shipped import filled_in
from tests.servers.prometheus import PrometheusServer

WIDTH, HEIGHT = 1920, 1080
_TOP, _GAP, _UNIT = 64, 8, 38
"""Grafana's bar, and its grid: a unit of height with the gap below it."""
_COLUMN = WIDTH / 24
_PALETTE = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#37872d", "#8ab8ff")
_COLOURS = {"green": "#73bf69", "red": "#f2495c", "blue": "#5794f2"}
_STYLE = """
body {margin: 0; background: #111217; color: #ccccdc; font: 13px sans-serif}
h1 {position: absolute; left: 16px; top: 8px; margin: 0; font-size: 20px}
div {position: absolute; background: #181b1f; overflow: hidden; box-sizing: border-box; padding: 6px 8px}
b {font-weight: 600} p {margin: 0; position: absolute; left: 8px; right: 8px}
.row {background: none; font-size: 15px}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        return self.points[-1][1] if self.points else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    start: float
    end: float


async def draw(page: str, picture: Path, *, height: int = HEIGHT) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        shown = await browser.new_page(viewport=ViewportSize(width=WIDTH, height=height))
        await shown.set_content(page)
        await shown.screenshot(path=picture)
        await browser.close()


def page_of(board: Mapping[str, Any], prometheus: PrometheusServer, span: Span) -> str:
    drawn = "".join(_panel(panel, prometheus, span) for panel in board["panels"])
    title = html.escape(board["title"])
    return f"<style>{_STYLE}</style><h1>{title}</h1>{drawn}"


def height_of(board: Mapping[str, Any]) -> int:
    """One screen, or as much as all panels need."""
    last = max(it["gridPos"]["y"] + it["gridPos"]["h"] for it in board["panels"])
    return max(HEIGHT, _TOP + last * _UNIT)


def _panel(panel: Mapping[str, Any], prometheus: PrometheusServer, span: Span) -> str:
    place = panel["gridPos"]
    width, height = place["w"] * _COLUMN - _GAP, place["h"] * _UNIT - _GAP
    at = (
        f"left:{place['x'] * _COLUMN + _GAP / 2:.0f}px;top:{_TOP + place['y'] * _UNIT}px;"
        f"width:{width:.0f}px;height:{height:.0f}px"
    )
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f'<div class="row" style="{at}">{title}</div>'
    courses = list(_courses(panel, prometheus, span))
    draw_in = {"stat": _number, "timeseries": _lines, "state-timeline": _states}[panel["type"]]
    inside = draw_in(panel, courses, span, width - 16, height - 34) if courses else "No data"
    return f'<div style="{at}"><b>{title}</b>{inside}</div>'


def _courses(
    panel: Mapping[str, Any], prometheus: PrometheusServer, span: Span
) -> Iterator[Course]:
    for target in panel["targets"]:
        expr = filled_in(target["expr"], window="10s", span="5m")
        for found in prometheus.ask_range(expr, start=span.start, end=span.end, step=1):
            name = "" if target["legendFormat"] == "__auto" else target["legendFormat"]
            for label, value in found["metric"].items():
                name = name.replace(f"{{{{{label}}}}}", value)
            points = tuple((moment, float(value)) for moment, value in found["values"])
            yield Course(name=name, points=points)


def _number(
    panel: Mapping[str, Any], courses: list[Course], span: Span, width: float, height: float
) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    each = width / len(courses)
    drawn = ""
    for index, course in enumerate(courses):
        colour = _colour(defaults, course.last)
        text = _worded(defaults, course.last) or formatted(course.last, defaults["unit"])
        name = html.escape(course.name)
        size = 34 if len(courses) == 1 else 20
        drawn += (
            f'<p style="left:{8 + index * each:.0f}px;top:30px;color:{colour};'
            f'font-size:{size}px">{text}<br><span style="font-size:12px;color:#ccccdc">{name}</span></p>'
        )
    if len(courses) == 1:
        drawn += _svg(
            _line(courses[0], span, width, 40, max(_top(courses), 1e-9), "#44556b"), width, 40
        )
    return drawn


def _lines(
    panel: Mapping[str, Any], courses: list[Course], span: Span, width: float, height: float
) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    plot = height - 34
    steps = defaults["thresholds"]["steps"]
    limit = steps[1]["value"] if len(steps) > 1 else None
    top = max(_top(courses), 1e-9)
    if limit is not None and limit < 4 * top:
        top = max(top, limit)
    top *= 1.1
    drawn = ""
    for share in (0, 0.5, 1):
        y = plot * (1 - share)
        label = formatted(top * share, defaults["unit"])
        drawn += f'<path d="M0 {y:.1f}H{width:.0f}" stroke="#2c3038"/>'
        drawn += f'<text x="0" y="{max(y - 3, 9):.1f}" fill="#8e8e99" font-size="10">{label}</text>'
    if limit is not None and limit <= top:
        y = plot * (1 - limit / top)
        drawn += (
            f'<path d="M0 {y:.1f}H{width:.0f}" stroke="{_COLOURS["red"]}" stroke-dasharray="6 4"/>'
        )
    for index, course in enumerate(courses):
        drawn += _line(course, span, width, plot, top, _PALETTE[index % len(_PALETTE)])
    legend = " &nbsp; ".join(
        f'<span style="color:{_PALETTE[index % len(_PALETTE)]}">▬</span> {html.escape(it.name)}'
        for index, it in enumerate(courses)
    )
    return _svg(drawn, width, plot, top=28) + f'<p style="bottom:4px;font-size:11px">{legend}</p>'


def _states(
    panel: Mapping[str, Any], courses: list[Course], span: Span, width: float, height: float
) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    each = min(34.0, height / len(courses))
    left = 190.0
    drawn = ""
    for index, course in enumerate(courses):
        y = index * each
        drawn += (
            f'<text x="0" y="{y + each * 0.62:.1f}" fill="#ccccdc" font-size="{min(12, each):.0f}">'
            f"{html.escape(course.name)}</text>"
        )
        for moment, value in course.points:
            x = left + (width - left) * (moment - span.start) / (span.end - span.start)
            step = (width - left) / max(1.0, span.end - span.start) + 0.5
            drawn += (
                f'<rect x="{x:.1f}" y="{y + 2:.1f}" width="{step:.1f}" height="{each - 4:.1f}" '
                f'fill="{_colour(defaults, value)}" opacity="0.7"/>'
            )
    return _svg(drawn, width, height, top=28)


def _line(course: Course, span: Span, width: float, height: float, top: float, colour: str) -> str:
    known = [(moment, value) for moment, value in course.points if math.isfinite(value)]
    places = " ".join(
        f"{width * (moment - span.start) / (span.end - span.start):.1f},"
        f"{height * (1 - max(0.0, value) / top):.1f}"
        for moment, value in known
    )
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _svg(inside: str, width: float, height: float, top: float | None = None) -> str:
    at = "bottom:2px" if top is None else f"top:{top:.0f}px"
    return (
        f'<svg style="position:absolute;left:8px;{at}" width="{width:.0f}" '
        f'height="{height:.0f}">{inside}</svg>'
    )


def _top(courses: list[Course]) -> float:
    return max((v for it in courses for _, v in it.points if math.isfinite(v)), default=0.0)


def _colour(defaults: Mapping[str, Any], value: float) -> str:
    found = "blue"
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            found = step["color"]
    return _COLOURS[found]


def _worded(defaults: Mapping[str, Any], value: float) -> str:
    for mapping in defaults.get("mappings", []):
        text = mapping["options"].get(f"{value:g}", {}).get("text", "")
        if text:
            return html.escape(str(text))
    return ""


def formatted(value: float, unit: str) -> str:
    """Roughly as Grafana writes it."""
    match unit:
        case "percentunit":
            return f"{value:.3%}" if 0 < abs(value) < 0.01 else f"{value:.1%}"
        case "s":
            if 0 < abs(value) < 1:
                return f"{value * 1000:.3g} ms"
            return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"
        case "bytes":
            return f"{value / 1024:.3g} KiB" if value < 1 << 20 else f"{value / (1 << 20):.3g} MiB"
        case "reqps":
            return f"{value:.3g} req/s"
        case "cps":
            return f"{value:.3g} c/s"
        case _:
            return f"{value:.4g}"
