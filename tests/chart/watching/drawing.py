"""A dashboard drawn from what Prometheus answers, at the places and in the colours of its JSON.

Not Grafana, but near enough to see whether a panel says something and whether all of it fits on the
screen. What must not go in: which panels there are.
"""

from __future__ import annotations

import html
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.async_api import ViewportSize, async_playwright

from tests.chart.watching.shipped import filled_in
from tests.servers.prometheus import PrometheusServer

WIDTH, HEIGHT = 1920, 1080
_TOP, _GAP, _UNIT = 64, 8, 38
"""Grafana's bar, and its grid: a unit of height with the gap below it."""
_COLUMN = WIDTH / 24
_NAMES = 190.0
"""Room for names beside bars."""
_LEAST = 0.01
"""The upper edge where all is 0."""
_PALETTE = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#37872d", "#8ab8ff")
_COLOURS = {"green": "#73bf69", "red": "#f2495c", "blue": "#5794f2"}
_PER_SECOND = {"reqps": " req/s", "cps": " c/s"}
_STYLE = """
body {margin: 0; background: #111217; color: #ccccdc; font: 13px sans-serif}
h1 {position: absolute; left: 16px; top: 8px; margin: 0; font-size: 20px}
div {position: absolute; background: #181b1f; overflow: hidden; box-sizing: border-box}
div {padding: 6px 8px}
i {font: 12px sans-serif; color: #ccccdc}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Where moments and values lie, in pixels."""

    span: Span
    width: float
    height: float
    top: float
    """The value at the upper edge."""

    def x(self, moment: float) -> float:
        return self.width * (moment - self.span.start) / (self.span.end - self.span.start)

    def y(self, value: float) -> float:
        return self.height * (1 - value / self.top)


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
    last: int = max(it["gridPos"]["y"] + it["gridPos"]["h"] for it in board["panels"])
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
    plot = Plot(span=span, width=width - 16, height=height - 34, top=1)
    inside = draw_in(panel, courses, plot) if courses else "No data"
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
            name = re.sub(r"{{\w+}}", "", name)
            points = tuple((moment, float(value)) for moment, value in found["values"])
            yield Course(name=name, points=points)


def _number(panel: Mapping[str, Any], courses: list[Course], plot: Plot) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    each = plot.width / len(courses)
    drawn = ""
    for index, course in enumerate(courses):
        text = _worded(defaults, course.last) or formatted(course.last, defaults["unit"])
        look = (
            f"left:{8 + index * each:.0f}px;top:30px;color:{_colour(defaults, course.last)};"
            f"font-size:{34 if len(courses) == 1 else 20}px"
        )
        drawn += f'<p style="{look}">{text}<br><i>{html.escape(course.name)}</i></p>'
    if len(courses) == 1:
        spark = replace(plot, height=40, top=max(_top(courses), _LEAST))
        drawn += _svg(_line(courses[0], spark, "#44556b"), spark)
    return drawn


def _lines(panel: Mapping[str, Any], courses: list[Course], plot: Plot) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    steps = defaults["thresholds"]["steps"]
    limit = steps[1]["value"] if len(steps) > 1 else math.inf
    top = max(_top(courses), _LEAST)
    if limit < 4 * top:
        top = max(top, limit)
    plot = replace(plot, height=plot.height - 34, top=1.1 * top)
    drawn = ""
    for share in (0, 0.5, 1):
        y = plot.y(plot.top * share)
        label = formatted(plot.top * share, defaults["unit"])
        drawn += f'<path d="M0 {y:.1f}H{plot.width:.0f}" stroke="#2c3038"/>'
        drawn += f'<text y="{max(y - 3, 9):.1f}" fill="#8e8e99" font-size="10">{label}</text>'
    if limit <= plot.top:
        look = f'stroke="{_COLOURS["red"]}" stroke-dasharray="6 4"'
        drawn += f'<path d="M0 {plot.y(limit):.1f}H{plot.width:.0f}" {look}/>'
    coloured = list(zip(courses, itertools.cycle(_PALETTE), strict=False))
    drawn += "".join(_line(course, plot, colour) for course, colour in coloured)
    legend = " &nbsp; ".join(
        f'<span style="color:{colour}">▬</span> {html.escape(course.name)}'
        for course, colour in coloured
    )
    return _svg(drawn, plot, at="top:28px") + f'<p style="bottom:4px;font-size:11px">{legend}</p>'


def _states(panel: Mapping[str, Any], courses: list[Course], plot: Plot) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    each = min(34.0, plot.height / len(courses))
    bars = replace(plot, width=plot.width - _NAMES)
    wide = bars.x(plot.span.start + 1) + 0.5
    drawn = ""
    for index, course in enumerate(courses):
        y = index * each
        look = f'y="{y + each * 0.62:.1f}" fill="#ccccdc" font-size="{min(12, each):.0f}"'
        drawn += f"<text {look}>{html.escape(course.name)}</text>"
        for moment, value in course.points:
            place = f'x="{_NAMES + bars.x(moment):.1f}" width="{wide:.1f}"'
            look = f'fill="{_colour(defaults, value)}" opacity="0.7"'
            drawn += f'<rect {place} y="{y + 2:.1f}" height="{each - 4:.1f}" {look}/>'
    return _svg(drawn, plot, at="top:28px")


def _line(course: Course, plot: Plot, colour: str) -> str:
    places = " ".join(
        f"{plot.x(moment):.1f},{plot.y(max(0.0, value)):.1f}"
        for moment, value in course.points
        if math.isfinite(value)
    )
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _svg(inside: str, plot: Plot, at: str = "bottom:2px") -> str:
    size = f'width="{plot.width:.0f}" height="{plot.height:.0f}"'
    return f'<svg style="position:absolute;left:8px;{at}" {size}>{inside}</svg>'


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
            text = f"{value:.3%}" if 0 < abs(value) < 0.01 else f"{value:.1%}"
        case "s" if 0 < abs(value) < 1:
            text = f"{value * 1000:.3g} ms"
        case "s":
            text = f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"
        case "bytes":
            text = f"{value / 1024:.3g} KiB" if value < 1 << 20 else f"{value / (1 << 20):.3g} MiB"
        case _:
            text = f"{value:.4g}{_PER_SECOND.get(unit, '')}"
    return text
