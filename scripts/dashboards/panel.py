"""What a panel shows: its queries, unit, limits and the alert it belongs to. Nothing of Grafana."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a panel is drawn."""

    NUMBER = "stat"
    """The last value, large, with its course behind it."""
    LINES = "timeseries"
    """Courses over time."""
    STATES = "state-timeline"
    """A bar for each series, coloured by whether it is 0 (well) or not."""


@dataclass(frozen=True, slots=True)
class Query:
    """`legend`: `{{label}}` stands for a label's value."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Made by `number`, `lines` or `states`."""

    kind: Kind
    title: str
    about: str
    """One sentence, shown at the panel: what is seen, and what is normal."""
    queries: tuple[Query, ...]
    width: int
    """Of 24."""
    height: int
    """A unit is about 38 pixels."""
    unit: str = "short"
    """As Grafana names it: `s`, `reqps`, `percentunit`, `bytes`, ..."""
    limit: float | None = None
    """From here on it is red: where the panel has an alert, the alert's number, or 1 for "at
    all"."""
    falling: bool = False
    """Red is what lies below the limit."""
    alert: str | None = None
    """The panel links to its runbook."""
    stacked: bool = False
    words: tuple[str, str] | None = None
    """What 0 and 1 mean."""


def number(
    title: str,
    about: str,
    *queries: Query | str,
    unit: str = "short",
    limit: float | None = None,
    falling: bool = False,
    alert: str | None = None,
    words: tuple[str, str] | None = None,
    width: int = 3,
) -> Panel:
    return Panel(
        kind=Kind.NUMBER,
        title=title,
        about=about,
        queries=_queries(queries),
        unit=unit,
        limit=limit,
        falling=falling,
        alert=alert,
        words=words,
        width=width,
        height=4,
    )


def lines(
    title: str,
    about: str,
    *queries: Query | str,
    unit: str = "short",
    limit: float | None = None,
    alert: str | None = None,
    stacked: bool = False,
    width: int = 8,
    height: int = 8,
) -> Panel:
    return Panel(
        kind=Kind.LINES,
        title=title,
        about=about,
        queries=_queries(queries),
        unit=unit,
        limit=limit,
        alert=alert,
        stacked=stacked,
        width=width,
        height=height,
    )


def states(
    title: str,
    about: str,
    *queries: Query | str,
    words: tuple[str, str],
    alert: str | None = None,
    width: int = 8,
    height: int = 8,
) -> Panel:
    return Panel(
        kind=Kind.STATES,
        title=title,
        about=about,
        queries=_queries(queries),
        limit=1,
        words=words,
        alert=alert,
        width=width,
        height=height,
    )


def _queries(given: tuple[Query | str, ...]) -> tuple[Query, ...]:
    return tuple(Query(it) if isinstance(it, str) else it for it in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A heading and what stands below it. Widths make whole lines of 24."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    uid: str
    """Never changed: links and bookmarks hold it."""
    title: str
    about: str
    rows: tuple[Row, ...]
    providers: bool = False
    """Whether it has the variable `provider`."""
    range: str = "now-3h"
    headings: bool = True
    """Without them everything fits on one screen."""
