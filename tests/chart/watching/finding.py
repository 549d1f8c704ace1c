"""What a real Prometheus answers to every expression that the chart ships.

Panels are asked on the idle system: none may be empty. After load and faults every series that an
expression names must have been seen, and every alert must have been at least pending, or stand in
the tables below with the reason why it cannot be seen in seconds.
"""

from __future__ import annotations

import promql_parser as promql

from tests.chart.watching.expression import selectors
from tests.chart.watching.shipped import alerts, filled_in, panels, recorded
from tests.servers.prometheus import PrometheusServer

NOT_SEEN = {
    "postern_journal_forgotten_total": "rows are removed when they are older than journal.keep",
}
"""Series, without what a variable says of them."""

NOT_PENDING = {
    "PosternSpoolOld": "a message must have been in the spool for ten minutes",
    "PosternErrorBudgetBurnsSlowly": "the budget burns fast here, which has its own alert",
}

_OPERATORS = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_EVER = "15m"
_ANY_VARIABLE = ('namespace=~".*"', 'provider=~".*"')


def empty_panels(prometheus: PrometheusServer) -> list[str]:
    """Each with the expression that has no value now."""
    return [
        f"{shown.name}: {expr}"
        for shown in panels()
        for expr in shown.expressions
        if not prometheus.ask(filled_in(expr, window="10s", span="1m"))
    ]


def unseen_series(prometheus: PrometheusServer) -> list[str]:
    """Of all expressions, with their matchers, in the last minutes."""
    named = {selector: None for expr in _expressions() for selector in _selectors(expr)}
    return [
        selector
        for selector in sorted(named)
        if selector not in NOT_SEEN and not prometheus.ask(f"count_over_time({selector}[{_EVER}])")
    ]


def quiet_alerts(prometheus: PrometheusServer) -> list[str]:
    seen = {
        found["metric"]["alertname"]
        for found in prometheus.ask(f"count by (alertname) (count_over_time(ALERTS[{_EVER}]))")
    }
    return [alert.name for alert in alerts() if alert.name not in seen | NOT_PENDING.keys()]


def _expressions() -> list[str]:
    return [
        *(filled_in(expr) for shown in panels() for expr in shown.expressions),
        *(alert.expr for alert in alerts()),
        *recorded().values(),
    ]


def _selectors(expr: str) -> list[str]:
    found = []
    for selector in selectors(promql.parse(expr)):
        matchers = [
            text
            for it in selector.matchers.matchers
            if (text := f'{it.name}{_operator(it)}"{it.value}"') not in _ANY_VARIABLE
        ]
        found.append(
            f"{selector.name}{{{', '.join(matchers)}}}" if matchers else f"{selector.name}"
        )
    return found


def _operator(matcher: promql.Matcher) -> str:
    return _OPERATORS[str(matcher.op)]
