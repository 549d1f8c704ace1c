"""What arrives, what becomes of it, and how long an answer takes."""

from __future__ import annotations

from scripts.dashboards.panel import Board, Query, Row, lines, states
from scripts.dashboards.promql import greatest, increase, per_second, quantile, series, total

_REQUESTS = "postern_ingress_requests_total"

BOARD = Board(
    uid="postern-ingress",
    title="Postern: ingress",
    about="Requests, sources, rules, the spool and the gateways themselves.",
    rows=(
        Row(
            title="Requests",
            panels=(
                lines(
                    "By source",
                    "Unknown: the request named or proved no source.",
                    Query(per_second(_REQUESTS, by="source"), "{{source}}"),
                    unit="reqps",
                    stacked=True,
                ),
                lines(
                    "By status",
                    "What was answered.",
                    Query(per_second(_REQUESTS, by="status"), "{{status}}"),
                    unit="reqps",
                    stacked=True,
                ),
                lines(
                    "Not accepted, by code",
                    "The code of the problem document; 503 has the broker's reasons.",
                    Query(per_second(_REQUESTS, 'code!="ok"', by="code"), "{{code}}"),
                    unit="reqps",
                    alert="PosternErrorBudgetBurnsFast",
                ),
                lines(
                    "Answers",
                    "From a request's headers to its answer. 99 % within 250 ms is the objective.",
                    Query(quantile(0.5, "postern_ingress_seconds"), "half within"),
                    Query(quantile(0.95, "postern_ingress_seconds"), "95 % within"),
                    Query(quantile(0.99, "postern_ingress_seconds"), "99 % within"),
                    unit="s",
                    limit=0.25,
                    alert="PosternAnswersSlow",
                ),
                lines(
                    "Of that: planning and publishing",
                    "Evaluating all rules, and waiting for the broker's confirms.",
                    Query(quantile(0.99, "postern_plan_seconds"), "planning, 99 %"),
                    Query(quantile(0.99, "postern_publish_seconds"), "publishing, 99 %"),
                    unit="s",
                    alert="PosternAnswersSlow",
                ),
                lines(
                    "Size of bodies",
                    "Of those that were read whole.",
                    Query(quantile(0.5, "postern_ingress_bytes"), "half up to"),
                    Query(quantile(0.99, "postern_ingress_bytes"), "99 % up to"),
                    unit="bytes",
                ),
                lines(
                    "Being answered",
                    "Requests in progress, by gateway.",
                    Query(greatest("postern_ingress_in_progress", by="instance"), "{{instance}}"),
                ),
                lines(
                    "Connections refused",
                    "Because as many as may be were open; normally 0.",
                    per_second("postern_connections_refused_total"),
                    unit="cps",
                    alert="PosternConnectionsRefused",
                ),
                states(
                    "Configuration",
                    "Red: what is on disk is refused, and an older one runs.",
                    Query(greatest("postern_rules_reload_failing", by="instance"), "{{instance}}"),
                    Query(
                        greatest("postern_providers_reload_failing", by="instance"),
                        "{{instance}} (providers)",
                    ),
                    words=("taken over", "refused"),
                    alert="PosternReloadFailing",
                ),
            ),
        ),
        Row(
            title="Sources",
            panels=(
                lines(
                    "Failed authentication in five minutes",
                    "By source; the alert is on 50.",
                    Query(
                        increase("postern_signature_failures_total", by="source", over="5m"),
                        "{{source}}",
                    ),
                    limit=50,
                    alert="PosternSignatureFailures",
                ),
                lines(
                    "Failed authentication, by cause",
                    "A timestamp: a clock is wrong. Anything else: a secret, or somebody guesses.",
                    Query(per_second("postern_signature_failures_total", by="cause"), "{{cause}}"),
                    unit="reqps",
                    alert="PosternSourceShutOut",
                ),
                lines(
                    "Secrets in use",
                    "One that stays at 0 is not used any more and can go.",
                    Query(
                        per_second("postern_source_secrets_matched_total", by="source, secret"),
                        "{{source}}: {{secret}}",
                    ),
                    unit="reqps",
                ),
                lines(
                    "Deliveries left aside",
                    "Parked: authentic, and not readable by its preset. Ignored: not wanted.",
                    Query(
                        per_second("postern_deliveries_left_aside_total", by="source, what"),
                        "{{source}}: {{what}}",
                    ),
                    unit="cps",
                ),
                lines(
                    "Reports of providers",
                    "Unread: a provider posts what cannot be read.",
                    Query(
                        per_second("postern_callbacks_total", by="provider, what"),
                        "{{provider}}: {{what}}",
                    ),
                    unit="cps",
                ),
                lines(
                    "Changes by operators over HTTP",
                    "In the time shown. `postern audit` says who it was.",
                    Query(increase("postern_operator_changes_total", by="what"), "{{what}}"),
                ),
            ),
        ),
        Row(
            title="Events and rules",
            panels=(
                lines(
                    "Events by type",
                    "Answered with a receipt.",
                    Query(per_second("postern_events_accepted_total", by="type"), "{{type}}"),
                    unit="cps",
                    stacked=True,
                ),
                lines(
                    "Events matched, by rule",
                    "One that stays at 0 never matches.",
                    Query(per_second("postern_rules_matched_total", by="rule"), "{{rule}}"),
                    unit="cps",
                ),
                lines(
                    "Rules that failed on an event",
                    "What they would have planned is parked; normally 0.",
                    Query(per_second("postern_rules_failed_total", by="rule"), "{{rule}}"),
                    unit="cps",
                    alert="PosternParkedGrowing",
                ),
                lines(
                    "Actions planned",
                    "By provider and lane.",
                    Query(
                        per_second("postern_actions_planned_total", by="provider, lane"),
                        "{{provider}}: {{lane}}",
                    ),
                    unit="cps",
                ),
                lines(
                    "Running rules",
                    "How many gateways run which version: one version, but for a moment.",
                    Query(total("postern_rules_info", by="version"), "{{version}}"),
                ),
                lines(
                    "Age of the running configuration",
                    "Since each gateway took it over.",
                    Query(
                        "time() - max by (instance) ("
                        f"{series('postern_rules_loaded_timestamp_seconds')})",
                        "{{instance}}",
                    ),
                    unit="s",
                ),
                lines(
                    "Configurations taken over and refused",
                    "In the time shown; gateways and consumers.",
                    Query(
                        increase("postern_rules_reload_total", by="result"), "gateways: {{result}}"
                    ),
                    Query(
                        increase("postern_providers_reload_total", by="result"),
                        "consumers: {{result}}",
                    ),
                    alert="PosternReloadFailing",
                    width=24,
                    height=6,
                ),
            ),
        ),
        Row(
            title="Spool",
            panels=(
                lines(
                    "Oldest message",
                    "The alert is on ten minutes.",
                    Query(greatest("postern_spool_oldest_seconds", by="instance"), "{{instance}}"),
                    unit="s",
                    limit=600,
                    alert="PosternSpoolOld",
                ),
                lines(
                    "In and out",
                    "Refused: it is full.",
                    Query(per_second("postern_spooled_total"), "in"),
                    Query(per_second("postern_spool_drained_total"), "out"),
                    Query(per_second("postern_spool_refused_total"), "refused"),
                    unit="cps",
                    alert="PosternSpoolRefuses",
                ),
                lines(
                    "Messages",
                    "In all spools.",
                    Query(total("postern_spool_messages"), "messages"),
                    width=4,
                ),
                lines(
                    "Size",
                    "Of all spools.",
                    Query(total("postern_spool_bytes"), "bytes"),
                    unit="bytes",
                    width=4,
                ),
            ),
        ),
    ),
)
