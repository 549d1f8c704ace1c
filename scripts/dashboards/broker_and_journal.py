"""What carries the messages, what keeps the books, and the processes themselves."""

from __future__ import annotations

from scripts.dashboards.panel import Board, Query, Row, lines, states
from scripts.dashboards.promql import (
    greatest,
    increase,
    least,
    per_second,
    quantile,
    series,
    total,
)

_AND_OURS = f"and on (namespace, instance) {series('postern_build_info')}"
"""Every program that Prometheus reads tells `process_*`."""


def _of_ours(metric: str) -> str:
    return f"{series(metric)} {_AND_OURS}"


BOARD = Board(
    uid="postern-broker-and-journal",
    title="Postern: broker and journal",
    about="Connections, queues as our processes see them, the scheduler, and the processes.",
    rows=(
        Row(
            title="Broker",
            panels=(
                states(
                    "Without a broker",
                    "Red: this process cannot publish. If the broker itself says so, "
                    "postern_broker_blocked is 1.",
                    Query(
                        f"1 - ({least('postern_broker_connected', by='instance')})", "{{instance}}"
                    ),
                    words=("connected", "away or blocked"),
                    alert="PosternBrokerAway",
                ),
                lines(
                    "Published, by result",
                    "Returned: no queue took it. Unconfirmed: away, or not in time.",
                    Query(
                        per_second("postern_messages_published_total", by="result"), "{{result}}"
                    ),
                    unit="cps",
                    alert="PosternMessagesReturned",
                ),
                lines(
                    "Time to publish",
                    "Until the broker had confirmed all messages of a request.",
                    Query(quantile(0.5, "postern_publish_seconds"), "half within"),
                    Query(quantile(0.99, "postern_publish_seconds"), "99 % within"),
                    unit="s",
                ),
                lines(
                    "Received, by queue",
                    "What the broker handed to our processes.",
                    Query(per_second("postern_messages_received_total", by="queue"), "{{queue}}"),
                    unit="cps",
                ),
                lines(
                    "In hand, by queue",
                    "Not acknowledged yet.",
                    Query(total("postern_messages_in_hand", by="queue"), "{{queue}}"),
                ),
                lines(
                    "Processes that take from a queue",
                    "0 for a provider's queues: its breaker is open, or nobody serves it.",
                    Query(total("postern_consuming", by="queue"), "{{queue}}"),
                    alert="PosternNoConsumers",
                ),
                lines(
                    "Queued in the journal",
                    "How deep the work queues are, by lane.",
                    Query(
                        total("postern_actions_open", 'state="queued"', by="provider, lane"),
                        "{{provider}}: {{lane}}",
                    ),
                    alert="PosternNoWorkers",
                ),
                lines(
                    "Messages given up or not readable",
                    "In the time shown; normally none.",
                    Query(increase("postern_dead_messages_total", by="result"), "dead: {{result}}"),
                    Query(
                        increase("postern_messages_unreadable_total", by="queue"),
                        "not readable: {{queue}}",
                    ),
                    alert="PosternDeadMessages",
                ),
                lines(
                    "Events recorded",
                    "Repeated: the same event again. Conflicting: the same id, another content.",
                    Query(per_second("postern_events_recorded_total", by="result"), "{{result}}"),
                    unit="cps",
                ),
            ),
        ),
        Row(
            title="Journal and scheduler",
            panels=(
                states(
                    "Without a journal",
                    "Red: this process cannot reach it.",
                    Query(greatest("postern_journal_away", by="instance"), "{{instance}}"),
                    words=("there", "away"),
                    alert="PosternJournalAway",
                ),
                lines(
                    "Time of the journal, 99 %",
                    "From the wish to the commit.",
                    Query(quantile(0.99, "postern_journal_seconds", by="what"), "{{what}}"),
                    unit="s",
                ),
                lines(
                    "Rows forgotten",
                    "Older than `journal.keep`.",
                    Query(per_second("postern_journal_forgotten_total", by="what"), "{{what}}"),
                    unit="cps",
                ),
                lines(
                    "Scheduler late by",
                    "For how long the oldest of what is due had been due.",
                    Query(greatest("postern_scheduler_lag_seconds"), "late by"),
                    unit="s",
                    limit=60,
                    alert="PosternSchedulerLate",
                ),
                lines(
                    "Schedulers that lead",
                    "One.",
                    Query(total("postern_scheduler_leading"), "leading"),
                    alert="PosternSchedulerLate",
                ),
                lines(
                    "What the scheduler did",
                    "Taken over: a process ended during a call. Healed: messages were lost.",
                    Query(per_second("postern_scheduled_total", by="what"), "{{what}}"),
                    unit="cps",
                ),
            ),
        ),
        Row(
            title="Processes",
            panels=(
                lines(
                    "Memory",
                    "Resident.",
                    Query(
                        f"max by (instance) ({_of_ours('process_resident_memory_bytes')})",
                        "{{instance}}",
                    ),
                    unit="bytes",
                ),
                lines(
                    "CPU",
                    "Of one core.",
                    Query(
                        "sum by (instance) (rate("
                        f"{series('process_cpu_seconds_total')}[$__rate_interval])"
                        f" {_AND_OURS})",
                        "{{instance}}",
                    ),
                    unit="percentunit",
                ),
                lines(
                    "Files and connections",
                    "Open, of what the process may open.",
                    Query(
                        f"max by (instance) ({_of_ours('process_open_fds')})"
                        f" / max by (instance) ({_of_ours('process_max_fds')})",
                        "{{instance}}",
                    ),
                    unit="percentunit",
                    alert="PosternConnectionsRefused",
                ),
                lines(
                    "Versions",
                    "How many processes run which: one, but during an update.",
                    Query(
                        total("postern_build_info", by="version, python"),
                        "{{version}} on Python {{python}}",
                    ),
                    width=24,
                    height=6,
                ),
            ),
        ),
    ),
)
