"""Small records for tests: valid, invented, and different only where a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.identity import action_id
from core.journal.port import Claim, Target
from core.messages import Action, ActionMessage, Event, EventRecord, JsonObject, Lane, RuleDecision

NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def an_event(
    event_id: str = "o-1", *, at: datetime = NOON, data: JsonObject | None = None
) -> Event:
    return Event(
        source="shop", id=event_id, type="order.placed", received_at=at, time=at, data=data or {}
    )


def an_action(
    event_id: str = "o-1",
    *,
    step: str = "sms.send",
    at: datetime = NOON,
    position: int = 0,
    provider: str = "sms",
    operation: str = "send",
    params: JsonObject | None = None,
    lane: Lane = Lane.NORMAL,
    expires_at: datetime | None = None,
    recipient: str | None = None,
    parked: str | None = None,
) -> Action:
    event = an_event(event_id, at=at)
    return Action(
        id=action_id("shop", event_id, "welcome", step),
        ref=event.ref,
        source="shop",
        event_id=event_id,
        event_type=event.type,
        rule="welcome",
        step=step,
        position=position,
        provider=provider,
        operation=operation,
        lane=lane,
        params=params or {"to": "+4915123456789", "text": "Hello"},
        occurred_at=at,
        accepted_at=at,
        expires_at=expires_at,
        recipient=recipient,
        parked=parked,
    )


def a_record(
    event_id: str = "o-1", *actions: Action, data: JsonObject | None = None
) -> EventRecord:
    return EventRecord(
        event=an_event(event_id, data=data),
        rules_version="r1",
        decision=(RuleDecision(rule="welcome", matched=True),),
        actions=actions or (an_action(event_id),),
        notes=("as planned",),
    )


def a_claim(
    action: Action,
    *,
    seq: int = 0,
    owner: str = "worker-1",
    lease: timedelta = timedelta(seconds=20),
    lag: timedelta = timedelta(seconds=30),
    order_key: str | None = None,
    order_keys: tuple[str, ...] = (),
    within: str | None = None,
    sweeps: bool = False,
    targets: tuple[Target, ...] = (),
) -> Claim:
    return Claim(
        message=ActionMessage(action=action, seq=seq),
        owner=owner,
        lease=lease,
        lag=lag,
        order_keys=order_keys or ((order_key,) if order_key else ()),
        within=within,
        sweeps=sweeps,
        targets=targets,
    )


def sets(*fields: str, entity: str = "subscription-1") -> tuple[Target, ...]:
    return (Target(entity=entity, fields=frozenset(fields)),)
