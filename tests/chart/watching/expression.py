"""Whether a PromQL expression speaks of series and labels that there are.

The labels of each part are worked out from the inside: a selector has those of its metric, an
aggregation those it names, and a label that is asked for and cannot be there is told. Prometheus
itself would answer such an expression with nothing, for ever.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import promql_parser as promql

from cli.metrics_page import described
from tests.chart.watching.shipped import recorded

ADDED = frozenset({"namespace", "instance"})
"""What Prometheus or its relabelling adds to every series."""
_OTHERS: dict[str, frozenset[str]] = {
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    "process_resident_memory_bytes": frozenset(),
    "process_cpu_seconds_total": frozenset(),
    "process_open_fds": frozenset(),
    "process_max_fds": frozenset(),
}


class NotThere(Exception):
    """A metric or label that does not exist."""


def known_series() -> dict[str, frozenset[str]]:
    """Every series that our processes tell, with its labels; histograms by their three names."""
    found = dict(_OTHERS)
    for metrics in described().values():
        for metric in metrics:
            labels = frozenset(metric.labels)
            if metric.kind == "histogram":
                found[f"{metric.name}_bucket"] = labels | {"le"}
                found[f"{metric.name}_count"] = found[f"{metric.name}_sum"] = labels
            else:
                found[metric.name] = labels
    return {name: labels | ADDED for name, labels in found.items()}


@functools.cache
def all_series() -> dict[str, frozenset[str]]:
    """With those that recording rules make."""
    known = known_series()
    for name, expr in recorded().items():
        known[name] = labels_of(promql.parse(expr), known)
    return known


def labels_of(expr: promql.Expr, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Raises NotThere."""
    match expr:
        case promql.VectorSelector():
            found = _selected(expr, known)
        case promql.MatrixSelector():
            found = _selected(expr.vector_selector, known)
        case promql.SubqueryExpr() | promql.ParenExpr() | promql.UnaryExpr():
            found = labels_of(expr.expr, known)
        case promql.AggregateExpr():
            found = _aggregated(expr, known)
        case promql.BinaryExpr():
            found = _joined(expr, known)
        case promql.Call():
            found = _called(expr, known)
        case _:
            found = frozenset()
    return found


def selectors(expr: promql.Expr) -> list[promql.VectorSelector]:
    found: list[promql.VectorSelector] = []

    def look(part: promql.Expr) -> bool:
        if isinstance(part, promql.VectorSelector):
            found.append(part)
        return True

    promql.walk(expr, look)
    return found


def numbers(expr: promql.Expr) -> Iterator[float]:
    """What an alert decides by: numbers, products of two of them, and edges of histograms, also in
    what it reads from recording rules."""
    match expr:
        case promql.NumberLiteral():
            yield expr.val
        case promql.BinaryExpr():
            left, right = list(numbers(expr.lhs)), list(numbers(expr.rhs))
            yield from (*left, *right)
            if str(expr.op) == "*" and len(left) == len(right) == 1:
                yield left[0] * right[0]
        case promql.VectorSelector():
            yield from (float(m.value) for m in expr.matchers.matchers if m.name == "le")
            if expr.name in recorded():
                yield from numbers(promql.parse(recorded()[expr.name]))
        case promql.MatrixSelector():
            yield from numbers(expr.vector_selector)
        case promql.Call():
            for argument in expr.args:
                yield from numbers(argument)
        case promql.ParenExpr() | promql.SubqueryExpr() | promql.AggregateExpr():
            yield from numbers(expr.expr)


def _selected(
    selector: promql.VectorSelector, known: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    name = selector.name or ""
    if name not in known:
        raise NotThere(f"there is no series {name}")
    _demand({matcher.name for matcher in selector.matchers.matchers}, known[name], name)
    return known[name]


def _aggregated(expr: promql.AggregateExpr, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    inside = labels_of(expr.expr, known)
    if expr.modifier is None:
        return frozenset()
    if expr.modifier.type != promql.AggModifierType.By:
        raise NotThere("only `by` is used here: `without` keeps labels that nobody thought of")
    _demand(set(expr.modifier.labels), inside, expr.prettify())
    return frozenset(expr.modifier.labels)


def _joined(expr: promql.BinaryExpr, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    left, right = labels_of(expr.lhs, known), labels_of(expr.rhs, known)
    matching = expr.modifier.matching if expr.modifier is not None else None
    if matching is not None:
        asked = set(matching.labels)
        # `or on()` with a constant: what is left of it keeps its own labels.
        _demand(asked, left, expr.prettify())
        _demand(asked, right, expr.prettify())
    return left | right if str(expr.op) == "or" else left or right


def _called(expr: promql.Call, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    inside = frozenset[str]().union(*(labels_of(argument, known) for argument in expr.args))
    match expr.func.name:
        case "label_replace":
            target, source = (_text(expr.args[1]), _text(expr.args[3]))
            if source:
                _demand({source}, inside, expr.prettify())
            return inside | {target}
        case "histogram_quantile":
            _demand({"le"}, inside, expr.prettify())
            return inside - {"le"}
        case "absent" | "vector" | "time":
            return frozenset()
        case _:
            return inside


def _text(expr: promql.Expr) -> str:
    if not isinstance(expr, promql.StringLiteral):
        raise TypeError("a label's name is a string")
    return expr.val


def _demand(asked: set[str], there: frozenset[str], where: str) -> None:
    if missing := sorted(asked - there):
        raise NotThere(f"no label {', '.join(missing)} in {where}")
