"""What consumers count. Labels come from configuration and from enums only, so series stay
bounded."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from core.journal.states import ENDED
from core.messages import Lane, Receipt

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
JOURNAL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
# 5 s, 60 s and an hour are the objectives of the three lanes (docs/operations.md).
AGES = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)


SHOWN_LIMITS = 100
"""Limits of a provider that are named one by one, as long as the process lives: a rule may take the
ids of phones from events, and no sender may make the number of series grow."""


class ConsumerMetrics:
    """The consumers' metrics, in the registry that is handed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ended = Counter(
            "postern_actions_ended_total",
            "Actions that this process brought to an end, by the state they ended in.",
            ["provider", "state"],
            registry=registry,
        )
        self.age = Histogram(
            "postern_action_age_seconds",
            "From the acceptance of an event to the end of an action.",
            ["provider", "lane"],
            buckets=AGES,
            registry=registry,
        )
        self.attempts = Counter(
            "postern_attempts_total",
            "Calls to providers, by what they came to.",
            ["provider", "operation", "outcome"],
            registry=registry,
        )
        self.call_seconds = Histogram(
            "postern_call_seconds",
            "How long calls to providers took.",
            ["provider", "operation"],
            buckets=SECONDS,
            registry=registry,
        )
        self.left = Counter(
            "postern_messages_left_total",
            "Messages acknowledged because the journal had their action in hand.",
            ["provider"],
            registry=registry,
        )
        self.calls = Gauge(
            "postern_calls_in_progress",
            "Calls to providers that are under way.",
            ["provider", "lane"],
            registry=registry,
        )
        self.shared = Histogram(
            "postern_shared_call_actions",
            "Actions that went out together in one call.",
            ["provider"],
            buckets=(2, 5, 10, 25, 50, 100, 250, 500, 1000),
            registry=registry,
        )
        self.texts = Counter(
            "postern_texts_total",
            "Texts that a provider took, by how they are encoded.",
            ["provider", "encoding"],
            registry=registry,
        )
        self.segments = Counter(
            "postern_text_segments_total",
            "Segments of the texts that a provider took: what is paid for.",
            ["provider", "encoding"],
            registry=registry,
        )
        self.receipts = Counter(
            "postern_receipts_total",
            "Reports of texts that told something new, by what they told.",
            ["provider", "stage"],
            registry=registry,
        )
        self.limited = Counter(
            "postern_rate_waits_total",
            "Calls that waited because their rate was used up.",
            ["limit"],
            registry=registry,
        )
        self.limited_seconds = Counter(
            "postern_rate_wait_seconds_total",
            "For how long calls waited because their rate was used up.",
            ["limit"],
            registry=registry,
        )
        self.rate = Gauge(
            "postern_rate_limit",
            "Calls a second that a limit lets go, over all consumers.",
            ["limit"],
            registry=registry,
        )
        self.slots = Gauge(
            "postern_call_slots",
            "Actions that this process may have with the provider at a time.",
            ["provider", "lane"],
            registry=registry,
        )
        self.paused = Gauge(
            "postern_paused",
            "1 while an operator has paused a provider or a rule.",
            ["kind", "name"],
            registry=registry,
        )
        self.reloads = Counter(
            "postern_providers_reload_total",
            "Attempts of consumers to take over a changed configuration.",
            ["result"],
            registry=registry,
        )
        self.reload_failing = Gauge(
            "postern_providers_reload_failing",
            "1 while the configuration on disk is refused and older providers are served.",
            registry=registry,
        )
        self.forgotten = Counter(
            "postern_journal_forgotten_total",
            "Rows that were older than journal.keep and were removed.",
            ["what"],
            registry=registry,
        )
        self.breaker = Gauge(
            "postern_breaker_open",
            "1 while a provider is not called because it is down or refuses our token.",
            ["provider"],
            registry=registry,
        )
        self.breaker_opens = Counter(
            "postern_breaker_opens_total",
            "How often a breaker opened.",
            ["provider"],
            registry=registry,
        )
        self.refused = Counter(
            "postern_provider_refusals_total",
            "Answers that refuse our token (401) or an operation (403).",
            ["provider", "status"],
            registry=registry,
        )
        self.unreadable = Counter(
            "postern_messages_unreadable_total",
            "Messages that could not be read and were parked.",
            ["queue"],
            registry=registry,
        )
        self.recorded = Counter(
            "postern_events_recorded_total",
            "Event records written to the journal: new, repeated or conflicting.",
            ["result"],
            registry=registry,
        )
        self.journal_seconds = Histogram(
            "postern_journal_seconds",
            "How long the journal took, from the wish to the commit: a claim, an outcome, a batch "
            "of records.",
            ["what"],
            buckets=JOURNAL_SECONDS,
            registry=registry,
        )
        self.dead = Counter(
            "postern_dead_messages_total",
            "Messages the broker gave up on, by what was done with them.",
            ["result"],
            registry=registry,
        )
        self.scheduled = Counter(
            "postern_scheduled_total",
            "What the scheduler did: published what was due, took leases over, healed losses.",
            ["what"],
            registry=registry,
        )
        self.lag = Gauge(
            "postern_scheduler_lag_seconds",
            "For how long the oldest of what is due had been due when the scheduler looked.",
            registry=registry,
        )
        self.turned = Gauge(
            "postern_scheduler_turn_timestamp_seconds",
            "When the scheduler that leads has last been through; 0: it does not lead.",
            registry=registry,
        )
        self.open_actions = Gauge(
            "postern_actions_open",
            "Actions in the journal that have not ended, told by the process whose scheduler "
            "leads.",
            ["provider", "lane", "state"],
            registry=registry,
        )
        self.oldest = Gauge(
            "postern_actions_oldest_seconds",
            "Age of the oldest action in this state, told by the process whose scheduler leads; "
            "0: there is none.",
            ["provider", "lane", "state"],
            registry=registry,
        )
        self.leading = Gauge(
            "postern_scheduler_leading",
            "1 in the process whose scheduler leads.",
            registry=registry,
        )
        self.journal_away = Gauge(
            "postern_journal_away",
            "1 while this process cannot reach the journal.",
            registry=registry,
        )

        self._limits: defaultdict[str, set[str]] = defaultdict(set)

        for result in ("new", "repeated", "conflicting"):
            self.recorded.labels(result)
        for what in ("published", "taken over", "healed"):
            self.scheduled.labels(what)
        for result in ("published again", "settled"):
            self.dead.labels(result)
        for result in ("applied", "refused"):
            self.reloads.labels(result)

    def show_provider(self, provider: str) -> None:
        """Its series from the start, so that a rate has something to rise from."""
        for state in sorted(ENDED):
            self.ended.labels(provider, state.value)
        for lane in Lane:
            self.age.labels(provider, lane.value)
            self.calls.labels(provider, lane.value)
        for status in ("401", "403"):
            self.refused.labels(provider, status)
        self.left.labels(provider)
        self.breaker_opens.labels(provider)

    @contextmanager
    def provider(self, provider: str) -> Iterator[None]:
        """While it is served here. What is true only then goes with it: else an alert would stay
        of one that is gone."""
        self.show_provider(provider)
        try:
            yield
        finally:
            with suppress(KeyError):
                self.breaker.remove(provider)
            for limit in {provider, *self._limits[provider], _others(provider)}:
                with suppress(KeyError):
                    self.rate.remove(limit)
            for lane in Lane:
                with suppress(KeyError):
                    self.slots.remove(provider, lane.value)

    def limit_label(self, provider: str, limit: str) -> str:
        """What the metrics call a limit of this provider."""
        shown = self._limits[provider]
        if limit not in shown and len(shown) >= SHOWN_LIMITS:
            return _others(provider)
        shown.add(limit)
        return limit

    @contextmanager
    def journal_took(self, what: str) -> Iterator[None]:
        """One question to the journal; one that failed is no measure of it."""
        began = time.perf_counter()
        yield
        self.journal_seconds.labels(what).observe(time.perf_counter() - began)

    def reloaded(self, *, applied: bool) -> None:
        self.reloads.labels("applied" if applied else "refused").inc()
        self.reload_failing.set(int(not applied))

    def count_receipts(self, told: Iterable[Receipt]) -> None:
        """Those that told something new."""
        for receipt in told:
            self.receipts.labels(receipt.provider, receipt.stage).inc()


def _others(provider: str) -> str:
    return f"{provider} other"
