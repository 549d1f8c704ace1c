"""What is told of one provider's actions: metrics for what is normal, a log line for what is not.

What must not go in: anything that decides what becomes of an action.
"""

from __future__ import annotations

from datetime import timedelta

from consumers.metrics import ConsumerMetrics
from core.clock import Clock
from core.journal.port import Finish, NotGranted
from core.journal.states import ENDED, State
from core.logs import get_logger
from core.messages import Action
from vendors.operation import Operation, TextFacts
from vendors.provider import Provider
from vendors.wire import Outcome, OutcomeKind


class Account:
    """Counts and logs for one provider."""

    def __init__(
        self, name: str, provider: Provider, metrics: ConsumerMetrics, clock: Clock
    ) -> None:
        self._provider = name
        self._settings = provider
        self._metrics = metrics
        self._clock = clock
        self._log = get_logger().bind(provider=name)

    def called(self, action: Action, outcome: Outcome, took: timedelta) -> None:
        labels = (self._provider, action.operation)
        self._metrics.attempts.labels(*labels, outcome.kind.value).inc()
        self._metrics.call_seconds.labels(*labels).observe(took.total_seconds())
        if outcome.kind is OutcomeKind.UNAUTHORIZED:
            self._metrics.refused.labels(self._provider, "401").inc()
        if outcome.kind is OutcomeKind.FORBIDDEN:
            self._metrics.refused.labels(self._provider, "403").inc()
            self._log.error("operation_forbidden", operation=action.operation)

    def left(self, action: Action, result: NotGranted) -> None:
        """The message is acknowledged without a call."""
        self._metrics.left.labels(self._provider).inc()
        if result.ended:
            self._ended(action, result.state)

    def finished(self, action: Action, finish: Finish, operation: Operation | None) -> None:
        fields = {
            "action": action.id,
            "ref": action.ref,
            "rule": action.rule,
            "operation": action.operation,
            "attempt": finish.attempt.outcome if finish.attempt else None,
            "reason": finish.reason,
        }
        match finish.state:
            case State.PARKED:
                self._log.warning("action_parked", **fields)
            case State.WAITING:
                self._log.info("action_waits", due_in=_seconds(finish.due_in), **fields)
            case _:
                self._log.debug(f"action_{finish.state.value}", **fields)
        if finish.state in ENDED:
            self._ended(action, finish.state)
        if finish.state is State.DONE and operation is not None:
            self._texts(operation.facts(action.params, self._settings))

    def _texts(self, texts: tuple[TextFacts, ...]) -> None:
        for facts in texts:
            self._metrics.texts.labels(self._provider, facts.encoding).inc()
            self._metrics.segments.labels(self._provider, facts.encoding).inc(facts.segments)

    def broken(self, action: Action, error: Exception) -> None:
        """A fault of ours or of a vendor's description, on this action."""
        self._log.error("action_broken", action=action.id, exc_info=error)

    def unreadable(self, queue: str, parked_as: str, error: Exception) -> None:
        self._metrics.unreadable.labels(queue).inc()
        self._log.error("message_unreadable", queue=queue, action=parked_as, reason=str(error))

    def _ended(self, action: Action, state: State) -> None:
        self._metrics.ended.labels(self._provider, state.value).inc()
        age = (self._clock.now() - action.accepted_at).total_seconds()
        self._metrics.age.labels(self._provider, action.lane.value).observe(max(0.0, age))


def _seconds(pause: timedelta | None) -> str | None:
    return None if pause is None else f"{pause.total_seconds():.1f} s"
