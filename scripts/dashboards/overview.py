"""Is it well? One screen of 1920 by 1080, without scrolling."""

from __future__ import annotations

from scripts.dashboards.panel import Board, Panel, Query, Row, lines, number, states
from scripts.dashboards.promql import (
    greatest,
    least,
    or_zero,
    per_second,
    quantile,
    rate,
    series,
    share,
    total,
)

_REQUESTS = "postern_ingress_requests_total"
_OK, _REFUSED, _FAILED = 'status=~"2.."', 'status=~"4.."', 'status=~"5.."'
_FIRING = ('alertname=~"Postern.+"', 'alertstate="firing"')
_AGE = "postern_action_age_seconds"
_OPEN = 'state=~"queued|running|waiting"'
_ALLOWED = 0.001
"""99.9 % of the answers are to be without 5xx."""


def _age(lane: str, objective: float, told: str) -> Panel:
    return number(
        f"Age, {lane}",
        f"How old the slowest 1 % of the actions of lane {lane} were when they ended; "
        f"99 % within {told}.",
        quantile(0.99, _AGE, f'lane="{lane}"'),
        unit="s",
        limit=objective,
        alert="PosternActionsLate",
    )


BOARD = Board(
    uid="postern-overview",
    title="Postern: overview",
    about="Is it well? Red numbers have an alert and a runbook.",
    headings=False,
    rows=(
        Row(
            title="Now",
            panels=(
                number(
                    "Alerts",
                    "How many alerts of Postern are firing.",
                    or_zero(f"count ({series('ALERTS', *_FIRING)})"),
                    limit=1,
                ),
                number(
                    "Processes",
                    "How many gateways and consumers Prometheus reads.",
                    Query(or_zero(f"count ({series('postern_ingress_in_progress')})"), "gateways"),
                    Query(or_zero(f"count ({series('postern_scheduler_leading')})"), "consumers"),
                    limit=1,
                    falling=True,
                    alert="PosternNoGateway",
                ),
                number(
                    "Accepted",
                    "Events answered with a receipt.",
                    per_second("postern_events_accepted_total"),
                    unit="cps",
                ),
                number(
                    "Refused",
                    "Requests answered with 4xx: not authentic, no event, too many.",
                    per_second(_REQUESTS, _REFUSED),
                    unit="reqps",
                ),
                number(
                    "Answers with 5xx",
                    "Their share; the objective is 0.1 % over 30 days.",
                    share(rate(_REQUESTS, _FAILED), rate(_REQUESTS)),
                    unit="percentunit",
                    limit=0.0144,
                    alert="PosternErrorBudgetBurnsFast",
                ),
                number(
                    "Error budget left",
                    "Of what the objective allows in 30 days, as far back as Prometheus remembers.",
                    "clamp_min(1 - ("
                    + share(rate(_REQUESTS, _FAILED, over="30d"), rate(_REQUESTS, over="30d"))
                    + f") / {_ALLOWED}, -1)",
                    unit="percentunit",
                    limit=0,
                    falling=True,
                ),
                number(
                    "99 % answered within",
                    "The objective is 250 ms.",
                    quantile(0.99, "postern_ingress_seconds"),
                    unit="s",
                    limit=0.25,
                    alert="PosternAnswersSlow",
                ),
                number(
                    "Scheduler late by",
                    "For how long the oldest of what is due had been due.",
                    greatest("postern_scheduler_lag_seconds"),
                    unit="s",
                    limit=60,
                    alert="PosternSchedulerLate",
                ),
            ),
        ),
        Row(
            title="Delivery",
            panels=(
                _age("urgent", 5, "5 s"),
                _age("normal", 60, "60 s"),
                _age("bulk", 3600, "1 h"),
                number(
                    "Parked",
                    "Actions that wait for a person.",
                    total("postern_actions_open", 'state="parked"'),
                    alert="PosternParkedGrowing",
                ),
                number(
                    "Oldest open action",
                    "Not counting what is parked. Old ones are due later, or their provider is "
                    "down.",
                    greatest("postern_actions_oldest_seconds", _OPEN),
                    unit="s",
                    alert="PosternActionsLate",
                ),
                number(
                    "Oldest in the spool",
                    "0: the spool is empty, or there is none.",
                    greatest("postern_spool_oldest_seconds"),
                    unit="s",
                    limit=600,
                    alert="PosternSpoolOld",
                ),
                number(
                    "Broker, journal, configuration",
                    "Whether each process has its broker and its journal, and took the "
                    "configuration over.",
                    Query(f"1 - ({least('postern_broker_connected')})", "broker"),
                    Query(greatest("postern_journal_away"), "journal"),
                    Query(
                        f"clamp_max(({greatest('postern_rules_reload_failing')})"
                        f" + ({greatest('postern_providers_reload_failing')}), 1)",
                        "configuration",
                    ),
                    words=("well", "away or refused"),
                    limit=1,
                    alert="PosternBrokerGone",
                    width=6,
                ),
            ),
        ),
        Row(
            title="Events",
            panels=(
                lines(
                    "Requests by answer",
                    "2xx: durable. 4xx: refused. 5xx: the sender is to send again.",
                    Query(per_second(_REQUESTS, _OK), "2xx"),
                    Query(per_second(_REQUESTS, _REFUSED), "4xx"),
                    Query(per_second(_REQUESTS, _FAILED), "5xx"),
                    unit="reqps",
                    height=7,
                ),
                lines(
                    "Messages to the broker",
                    "All but confirmed are normally 0.",
                    Query(
                        per_second("postern_messages_published_total", by="result"), "{{result}}"
                    ),
                    unit="cps",
                    alert="PosternNothingConfirmed",
                    height=7,
                ),
                lines(
                    "Time to answer",
                    "From a request's headers to its answer.",
                    Query(quantile(0.5, "postern_ingress_seconds"), "half within"),
                    Query(quantile(0.99, "postern_ingress_seconds"), "99 % within"),
                    unit="s",
                    limit=0.25,
                    alert="PosternAnswersSlow",
                    height=7,
                ),
            ),
        ),
        Row(
            title="Actions",
            panels=(
                lines(
                    "Open actions",
                    "In the journal, by state. Waiting: due at a known time.",
                    Query(total("postern_actions_open", by="state"), "{{state}}"),
                    height=7,
                ),
                states(
                    "Providers",
                    "Red: not called, because it is down, asks to wait, or refuses our token.",
                    Query(greatest("postern_breaker_open", by="provider"), "{{provider}}"),
                    words=("called", "breaker open"),
                    alert="PosternBreakerOpen",
                    height=7,
                ),
                states(
                    "Who fires",
                    "Alerts of Postern; each name is a section of the runbooks.",
                    Query(
                        or_zero(f"max by (alertname) ({series('ALERTS', *_FIRING)})", "alertname"),
                        "{{alertname}}",
                    ),
                    words=("quiet", "firing"),
                    height=7,
                ),
            ),
        ),
    ),
)
