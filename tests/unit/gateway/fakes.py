"""Small stand-ins for a broker, rules and a journal, for tests that are about neither."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.broker.port import Outgoing, Told
from core.identity import action_id
from core.messages import Action, Event, Lane, RuleDecision
from gateway.rules.port import Plan


@dataclass
class FakePublisher:
    """Keeps what it was given; fails or hangs when told to."""

    requests: list[tuple[Outgoing, ...]] = field(default_factory=list)
    error: Exception | None = None
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.requests.append(tuple(messages))

    @property
    def posts(self) -> bool:
        return False

    def post(self, messages: Sequence[Outgoing], told: Told) -> bool:
        return False

    @property
    def messages(self) -> list[Outgoing]:
        return [message for request in self.requests for message in request]


@dataclass
class FakePlanner:
    """One action for each rule it is told of; rules named `odd` are parked."""

    rules: tuple[str, ...] = ("welcome",)
    version: str = "v1"

    def plan(self, event: Event) -> Plan:
        return Plan(
            rules_version=self.version,
            decision=tuple(
                RuleDecision(
                    rule=rule, matched=True, error="data.x: gone" if rule == "odd" else None
                )
                for rule in self.rules
            ),
            actions=tuple(
                action_of(event, rule, position) for position, rule in enumerate(self.rules)
            ),
            notes=() if self.rules else ("no rule matched this event",),
        )


def action_of(event: Event, rule: str, position: int) -> Action:
    return Action(
        id=action_id(event.source, event.id, rule, "sms.send"),
        ref=event.ref,
        source=event.source,
        event_id=event.id,
        event_type=event.type,
        rule=rule,
        step="sms.send",
        position=position,
        provider="sms",
        operation="send",
        lane=Lane.URGENT,
        params={},
        occurred_at=event.occurred_at,
        accepted_at=event.received_at,
        parked="rule odd, data.x: gone" if rule == "odd" else None,
    )
