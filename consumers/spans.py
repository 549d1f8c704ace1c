"""The spans of the consumers: an action's message in hand, each call to its provider, and what the
scheduler publishes again.

Their names and attributes are those of OpenTelemetry's semantic conventions, `postern.*` where
those have none. What must not go in: parameters of an action, a provider's words, addresses with
more than a host and a port in them. A provider is never told of a trace: it is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from core.broker.topology import work_queue
from core.journal.port import Finish
from core.journal.states import State
from core.messages import Action, ActionMessage
from core.tracing.off import NO_SPAN, OFF
from core.tracing.port import Attributes, Kind, Span, Tracer
from vendors.provider import Provider
from vendors.wire import Answer, Outcome, OutcomeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpans:
    """`system`: what the broker is called, as `messaging.system`."""

    tracer: Tracer = OFF
    system: str = "postern"

    def process(self, action: Action, queue: str) -> AbstractContextManager[Span]:
        """Everything that is done about one message of an action."""
        if self.tracer is OFF:
            return NO_SPAN
        return self.tracer.span(
            f"process {queue}",
            Kind.CONSUMER,
            {**self._message("process", queue), **_about(action)},
            parent=action.trace,
        )

    @contextmanager
    def resend(self, messages: Sequence[ActionMessage]) -> Iterator[list[ActionMessage]]:
        """Publishing what is due: a span for each in the trace that it belongs to, from which its
        message goes on. An action without a trace begins one when it is carried out."""
        with ExitStack() as opened:
            yield [self._resent(message, opened) for message in messages]

    def _resent(self, message: ActionMessage, opened: ExitStack) -> ActionMessage:
        action = message.action
        if action.trace is None or self.tracer is OFF:
            return message
        queue = work_queue(action.provider, action.lane)
        span = opened.enter_context(
            self.tracer.span(
                f"send {queue}",
                Kind.PRODUCER,
                {**self._message("send", queue), **_about(action), "postern.again": True},
                parent=action.trace,
            )
        )
        if span.context is None:
            return message
        return replace(message, action=replace(action, trace=span.context))

    def _message(self, operation: str, queue: str) -> Attributes:
        return {
            "messaging.system": self.system,
            "messaging.operation.type": operation,
            "messaging.operation.name": operation,
            "messaging.destination.name": queue,
        }


UNTRACED = ActionSpans()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpans:
    """The spans of the calls to one provider. `where`: its host and port, and the method of HTTP
    where it is spoken."""

    tracer: Tracer = OFF
    provider: str = ""
    where: Attributes = field(default_factory=dict)

    @classmethod
    def of(cls, tracer: Tracer, name: str, provider: Provider) -> CallSpans:
        own_broker = provider.own_broker()
        parts = urlsplit(own_broker or provider.url)
        where: dict[str, str | int] = {"server.address": parts.hostname or ""}
        with suppress(ValueError):
            if parts.port is not None:
                where["server.port"] = parts.port
        if own_broker is None:
            where["http.request.method"] = "POST"
        return cls(tracer=tracer, provider=name, where=where)

    def call(self, operation: str, attempt: int) -> AbstractContextManager[Span]:
        """One request that carries out an action."""
        if self.tracer is OFF:
            return NO_SPAN
        return self.tracer.span(
            f"{self.provider}.{operation}",
            Kind.CLIENT,
            {**self.where, **self._operation(operation), "postern.attempt": attempt},
        )

    def question(self) -> AbstractContextManager[Span]:
        """A request that changes nothing there, for an action: a login, a lookup. What is asked
        outside any trace begins none: receipts are asked for all day."""
        if self.tracer.current().context is None:
            return NO_SPAN
        return self.tracer.span(
            f"{self.provider} question",
            Kind.CLIENT,
            {**self.where, "postern.provider": self.provider},
        )

    def shared(self, operation: str, contexts: Sequence[str]) -> AbstractContextManager[Span]:
        """A call that several actions share: in the trace of the one that calls, linked with the
        others."""
        if self.tracer is OFF:
            return NO_SPAN
        return self.tracer.span(
            f"share {self.provider}.{operation}",
            Kind.INTERNAL,
            {**self._operation(operation), "messaging.batch.message_count": len(contexts) + 1},
            links=contexts,
        )

    def answered(self, span: Span, answer: Answer) -> None:
        if self.tracer is not OFF and "http.request.method" in self.where:
            span.note({"http.response.status_code": answer.status})

    def _operation(self, operation: str) -> Attributes:
        return {"postern.provider": self.provider, "postern.operation": operation}


def note_outcome(span: Span, outcome: Outcome) -> None:
    span.note({"postern.outcome": outcome.kind.value})
    if outcome.kind is not OutcomeKind.DONE:
        span.fail(outcome.kind.value)


def note_finish(span: Span, finish: Finish) -> None:
    """What became of the action; one that waits for a person is an error."""
    span.note({"postern.state": finish.state.value})
    if finish.state is State.PARKED:
        span.fail(finish.state.value)


def note_state(span: Span, state: State) -> None:
    span.note({"postern.state": state.value})


def _about(action: Action) -> Attributes:
    """Our own names of it: the event's id is its sender's, and may tell who somebody is."""
    return {
        "postern.action": action.id,
        "postern.event": action.ref,
        "postern.source": action.source,
        "postern.rule": action.rule,
        "postern.step": action.step,
        "postern.provider": action.provider,
        "postern.operation": action.operation,
        "postern.lane": action.lane.value,
    }
