"""How actions are carried out, by provider."""

from __future__ import annotations

from scripts.dashboards.panel import Board, Panel, Query, Row, lines, number, states
from scripts.dashboards.promql import (
    OF_PROVIDER,
    greatest,
    increase,
    per_second,
    quantile,
    rate,
    share,
    total,
)

_AGE = "postern_action_age_seconds"


def _age(lane: str, objective: float, told: str) -> Panel:
    return lines(
        f"Age at the end, {lane}",
        f"From the acceptance of the event, by provider. 99 % within {told} is the objective.",
        Query(quantile(0.99, _AGE, f'lane="{lane}"', OF_PROVIDER, by="provider"), "{{provider}}"),
        unit="s",
        limit=objective,
        alert="PosternActionsLate",
    )


def _late(lane: str, edge: str) -> Query:
    whole = rate(f"{_AGE}_count", f'lane="{lane}"', OF_PROVIDER)
    in_time = rate(f"{_AGE}_bucket", f'lane="{lane}"', f'le="{edge}"', OF_PROVIDER)
    return Query(share(f"({whole} - {in_time})", whole), lane)


BOARD = Board(
    uid="postern-delivery",
    title="Postern: delivery",
    about="Providers: whether they are called, what becomes of actions, and how long it takes.",
    providers=True,
    rows=(
        Row(
            title="Outcome",
            panels=(
                states(
                    "Breakers",
                    "Red: not called, because it is down, asks to wait, or refuses our token.",
                    Query(
                        greatest("postern_breaker_open", OF_PROVIDER, by="provider"), "{{provider}}"
                    ),
                    words=("called", "breaker open"),
                    alert="PosternBreakerOpen",
                ),
                lines(
                    "Actions ended, by state",
                    "Done: the provider took it. Parked: a person has to look.",
                    Query(
                        per_second("postern_actions_ended_total", OF_PROVIDER, by="state"),
                        "{{state}}",
                    ),
                    unit="cps",
                ),
                lines(
                    "Share that was parked",
                    "Of what ended; the alert is on half.",
                    Query(
                        share(
                            rate(
                                "postern_actions_ended_total",
                                'state="parked"',
                                OF_PROVIDER,
                                by="provider",
                            ),
                            rate("postern_actions_ended_total", OF_PROVIDER, by="provider"),
                            by="provider",
                        ),
                        "{{provider}}",
                    ),
                    unit="percentunit",
                    limit=0.5,
                    alert="PosternMostParked",
                ),
                lines(
                    "Attempts by outcome",
                    "Unknown: the call may have taken effect; it is looked up or repeated.",
                    Query(
                        per_second("postern_attempts_total", OF_PROVIDER, by="provider, outcome"),
                        "{{provider}}: {{outcome}}",
                    ),
                    unit="cps",
                ),
                lines(
                    "Refusals of token and rights",
                    "In five minutes. 401: the token. 403: an operation.",
                    Query(
                        increase(
                            "postern_provider_refusals_total",
                            OF_PROVIDER,
                            by="provider, status",
                            over="5m",
                        ),
                        "{{provider}}: {{status}}",
                    ),
                    limit=1,
                    alert="PosternProviderRefuses",
                ),
                states(
                    "Paused by an operator",
                    "Until `postern resume`.",
                    Query(greatest("postern_paused", by="kind, name"), "{{kind}} {{name}}"),
                    words=("goes on", "paused"),
                ),
            ),
        ),
        Row(
            title="Age",
            panels=(
                _age("urgent", 5, "5 s"),
                _age("normal", 60, "60 s"),
                _age("bulk", 3600, "1 h"),
                lines(
                    "Share that ended late, by lane",
                    "Of what ended; the objective is 1 %.",
                    _late("urgent", "5.0"),
                    _late("normal", "60.0"),
                    _late("bulk", "3600.0"),
                    unit="percentunit",
                    limit=0.01,
                    alert="PosternActionsLate",
                ),
                lines(
                    "Oldest, by lane and state",
                    "Queued: in its queue. Waiting: due at a known time. Running: being called.",
                    Query(
                        greatest(
                            "postern_actions_oldest_seconds",
                            'state!="parked"',
                            OF_PROVIDER,
                            by="lane, state",
                        ),
                        "{{lane}}: {{state}}",
                    ),
                    unit="s",
                    alert="PosternActionsLate",
                ),
                lines(
                    "Open, by provider and state",
                    "In the journal.",
                    Query(
                        total("postern_actions_open", OF_PROVIDER, by="provider, state"),
                        "{{provider}}: {{state}}",
                    ),
                    alert="PosternNoWorkers",
                ),
            ),
        ),
        Row(
            title="Calls",
            panels=(
                lines(
                    "Time of a call, 99 %",
                    "By provider and operation.",
                    Query(
                        quantile(
                            0.99, "postern_call_seconds", OF_PROVIDER, by="provider, operation"
                        ),
                        "{{provider}}: {{operation}}",
                    ),
                    unit="s",
                ),
                lines(
                    "Under way, and slots",
                    "Calls in progress beside how many actions may be in hand.",
                    Query(
                        total("postern_calls_in_progress", OF_PROVIDER, by="provider"),
                        "{{provider}}: calls",
                    ),
                    Query(
                        total("postern_call_slots", OF_PROVIDER, by="provider"),
                        "{{provider}}: slots",
                    ),
                ),
                lines(
                    "Waiting for the rate",
                    "Calls held back each second because their rate was used up.",
                    Query(per_second("postern_rate_waits_total", by="limit"), "{{limit}}"),
                    unit="cps",
                ),
                lines(
                    "Time spent waiting for the rate",
                    "Seconds in a second, over all calls.",
                    Query(per_second("postern_rate_wait_seconds_total", by="limit"), "{{limit}}"),
                    unit="s",
                ),
                lines(
                    "Rates",
                    "Calls a second that each limit lets go, over all consumers.",
                    Query(greatest("postern_rate_limit", by="limit"), "{{limit}}"),
                    unit="cps",
                ),
                lines(
                    "Messages that came to nothing",
                    "The journal had their action in hand: a repeat, normally few.",
                    Query(
                        per_second("postern_messages_left_total", OF_PROVIDER, by="provider"),
                        "{{provider}}",
                    ),
                    unit="cps",
                ),
                number(
                    "Breakers opened",
                    "In the time shown.",
                    Query(
                        increase("postern_breaker_opens_total", OF_PROVIDER, by="provider"),
                        "{{provider}}",
                    ),
                    alert="PosternBreakerOpen",
                    width=12,
                ),
                number(
                    "Parked",
                    "Actions that wait for a person.",
                    Query(
                        total("postern_actions_open", 'state="parked"', OF_PROVIDER, by="provider"),
                        "{{provider}}",
                    ),
                    alert="PosternParkedGrowing",
                    width=12,
                ),
            ),
        ),
    ),
)
