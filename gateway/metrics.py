"""The metrics of ingress, in one place. Labels come from the configuration only.

An event type or a source that a sender made up is counted as `other` or `unknown`, so that nobody
outside can make the number of series grow. What must not go in: a registry of the whole process;
it is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from core.hot import HotCounter, HotHistogram
from gateway.sources.source import Source

# 0.25 s is the objective of answers (docs/operations.md).
_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_PLAN_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
RELOAD_RESULTS = ("applied", "refused")
_BODY_BYTES = (256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0)


class Metrics:
    """What the gateway counts. One object a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = HotCounter(
            "postern_ingress_requests_total",
            "Requests answered, by source, HTTP status and problem code (ok: none).",
            ("source", "status", "code"),
            registry=registry,
        )
        self.seconds = HotHistogram(
            "postern_ingress_seconds",
            "Time from a request's headers to its answer.",
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "postern_ingress_in_progress",
            "Requests that are being answered.",
            registry=registry,
        )
        self.under_way = 0
        self.in_progress.set_function(lambda: self.under_way)
        self.bytes = HotHistogram(
            "postern_ingress_bytes",
            "Size of request bodies that were read whole.",
            buckets=_BODY_BYTES,
            registry=registry,
        )
        self.accepted = HotCounter(
            "postern_events_accepted_total",
            "Events answered with a receipt.",
            ("source", "type"),
            registry=registry,
        )
        self.planned = HotCounter(
            "postern_actions_planned_total",
            "Actions planned for accepted events; state is queued or parked.",
            ("provider", "lane", "state"),
            registry=registry,
        )
        self.plan_seconds = HotHistogram(
            "postern_plan_seconds",
            "Time to evaluate all rules on the events of a request.",
            buckets=_PLAN_SECONDS,
            registry=registry,
        )
        self.rules_matched = HotCounter(
            "postern_rules_matched_total",
            "Events that a rule matched.",
            ("rule",),
            registry=registry,
        )
        self.rules_failed = HotCounter(
            "postern_rules_failed_total",
            "Rules that could not be evaluated on an event.",
            ("rule",),
            registry=registry,
        )
        self.publish_seconds = HotHistogram(
            "postern_publish_seconds",
            "Time until the broker had confirmed all messages of a request.",
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self.connections_refused = Counter(
            "postern_connections_refused_total",
            "Connections answered 503 unread, because as many as may be were open.",
            registry=registry,
        )
        self.signature_failures = Counter(
            "postern_signature_failures_total",
            "Requests that could not be authenticated, by cause.",
            ("source", "cause"),
            registry=registry,
        )
        self.secrets_matched = HotCounter(
            "postern_source_secrets_matched_total",
            "Requests that a secret of a source proved; one that stays is not used any more.",
            ("source", "secret"),
            registry=registry,
        )
        self.left_aside = Counter(
            "postern_deliveries_left_aside_total",
            "Authentic deliveries that are no event (parked) or are not wanted (ignored).",
            ("source", "what"),
            registry=registry,
        )
        self.callbacks = Counter(
            "postern_callbacks_total",
            "What providers reported to us: receipts, events, or what could not be read.",
            ("provider", "what"),
            registry=registry,
        )
        self.spool_messages = Gauge(
            "postern_spool_messages", "Messages in the spool.", registry=registry
        )
        self.spool_bytes = Gauge(
            "postern_spool_bytes", "Size of the messages in the spool.", registry=registry
        )
        self.spool_oldest = Gauge(
            "postern_spool_oldest_seconds",
            "How long the oldest message of the spool has been there; 0: it is empty.",
            registry=registry,
        )
        self.spooled = Counter(
            "postern_spooled_total",
            "Messages put into the spool because the broker could not take them.",
            registry=registry,
        )
        self.spool_refused = Counter(
            "postern_spool_refused_total",
            "Messages refused because the spool had reached a bound.",
            registry=registry,
        )
        self.drained = Counter(
            "postern_spool_drained_total",
            "Messages that went from the spool to the broker, confirmed.",
            registry=registry,
        )
        self.reloads = Counter(
            "postern_rules_reload_total",
            "Attempts to take over a changed configuration.",
            ("result",),
            registry=registry,
        )
        self._rules = Gauge(
            "postern_rules_info",
            "The version of the running rules.",
            ("version",),
            registry=registry,
        )
        self.reload_failing = Gauge(
            "postern_rules_reload_failing",
            "1 while the configuration on disk is refused and an older one runs.",
            registry=registry,
        )
        self._rules_loaded = Gauge(
            "postern_rules_loaded_timestamp_seconds",
            "When the running configuration was taken over.",
            registry=registry,
        )
        self.operator_changes = Counter(
            "postern_operator_changes_total",
            "What operators changed over HTTP: pauses, resumes, and actions cancelled or replayed.",
            ("what",),
            registry=registry,
        )
        for what in ("pause", "resume", "cancel", "replay"):
            self.operator_changes.labels(what)
        for result in RELOAD_RESULTS:
            self.reloads.labels(result)

    def show_sources(self, sources: Iterable[Source]) -> None:
        """Each secret from the start, so that one that is never used can be seen."""
        for source in sources:
            for secret in source.secrets:
                self.secrets_matched.labels(source.name, secret)

    def count_changes(self, what: str) -> Callable[[int], None]:
        """Counts so many actions that an operator changed."""
        return self.operator_changes.labels(what).inc

    def show_rules(self, version: str, rules: Iterable[str], loaded_at: datetime) -> None:
        """The running version, as the one series of its name; each rule from the start, so that one
        that never matches can be seen."""
        self._rules.clear()
        self._rules.labels(version).set(1)
        self._rules_loaded.set(loaded_at.timestamp())
        for rule in rules:
            self.rules_matched.labels(rule)
            self.rules_failed.labels(rule)
