"""What travels: events, what the rules made of them, and the actions, as frozen records with one
wire form.

The wire form is JSON with a major version. Readers accept unknown keys (a newer minor version wrote
them) and refuse an unknown major version: guessing at a text message is worse than parking it.

What must not go in: credentials. A message carries all that is needed to carry an action out,
except those.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from core.clock import from_text
from core.errors import UnknownVersion, UnreadableMessage
from core.identity import event_ref
from core.record import record
from core.tracing.traceparent import read_traceparent

VERSION = 1

_WRITTEN = orjson.OPT_UTC_Z
"""Moments as `core.clock.to_text` writes them, at a tenth of the cost."""

_UNREAD = frozenset({"callback", "delivery"})

JsonObject = dict[str, Any]


class Lane(StrEnum):
    """Which queue of its provider an action waits in. A one-time password never waits behind a
    campaign."""

    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"


@record
class Event:
    """What happened in the business, as its source told it.

    `time` is the source's, or None when it gave none; `occurred_at` is then the time of arrival.
    `restated`: its source tells it again with other data (an order is "paid" at every edit); that
    is no conflict, the id alone says that it is the same event. `erased`: a person was erased from
    it; its `id` is then its ref, since the source's own may tell who it was.
    """

    source: str
    id: str
    type: str
    received_at: datetime
    time: datetime | None = None
    subject: str | None = None
    data: JsonObject = field(default_factory=dict)
    restated: bool = False
    erased: bool = False

    @property
    def ref(self) -> str:
        return self.id if self.erased else event_ref(self.source, self.id)

    @property
    def occurred_at(self) -> datetime:
        return self.time or self.received_at


@record
class Action:
    """One intended call to a provider, complete but for credentials.

    `position` is its place in the event's plan (from 0) and breaks ties of time. `parked` holds the
    reason when the rules could not finish it; it is then recorded but never published. `erased`: it
    was about a person who was erased; nothing is left to carry out. `trace`: the W3C `traceparent`
    that its trace goes on from; two plans that differ in nothing else are the same plan.
    """

    id: str
    ref: str
    source: str
    event_id: str
    event_type: str
    rule: str
    step: str
    position: int
    provider: str
    operation: str
    lane: Lane
    params: JsonObject
    occurred_at: datetime
    accepted_at: datetime
    expires_at: datetime | None = None
    recipient: str | None = None
    parked: str | None = None
    erased: bool = False
    trace: str | None = field(default=None, compare=False)


@record
class ActionMessage:
    """An action on its way to a worker. `seq` is the journal's count of claims this message may
    claim at."""

    action: Action
    seq: int = 0


@record
class RuleDecision:
    """What one rule made of an event. `failed` is the part of the condition that was false,
    `values` the values it looked at, `error` why the rule could not be evaluated."""

    rule: str
    matched: bool
    failed: str | None = None
    values: JsonObject = field(default_factory=dict)
    error: str | None = None


@record
class EventRecord:
    """What the recorder writes down: the event, every rule's decision, every planned action
    whole."""

    event: Event
    rules_version: str
    decision: tuple[RuleDecision, ...] = ()
    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()


@record
class Receipt:
    """What was reported of one text after its provider took it.

    `stage` is pending, sent, delivered or failed. Of several reports of one text the one with the
    highest `rank` counts, whatever the order they come in; after a `final` one nothing follows.
    """

    provider: str
    reference: str
    stage: str
    rank: int
    meaning: str
    final: bool
    at: datetime


def encode_receipt(receipt: Receipt) -> bytes:
    body = {
        "v": VERSION,
        "kind": "receipt",
        "receipt": {
            "provider": receipt.provider,
            "reference": receipt.reference,
            "stage": receipt.stage,
            "rank": receipt.rank,
            "meaning": receipt.meaning,
            "final": receipt.final,
            "at": _utc(receipt.at),
        },
    }
    return orjson.dumps(body, option=_WRITTEN)


def encode_unread(kind: str, name: str, body: bytes, *, reason: str) -> bytes:
    """Something that `name` sent to us and nobody can read, for the recorder to park: somebody has
    to look. Wrapped, so that it is never taken for a message of ours."""
    return orjson.dumps(
        {
            "v": VERSION,
            "kind": kind,
            "name": name,
            "reason": reason,
            "body": b64encode(body).decode("ascii"),
        }
    )


def encode_action(message: ActionMessage) -> bytes:
    body = {
        "v": VERSION,
        "kind": "action",
        "seq": message.seq,
        "action": _action_out(message.action),
    }
    return orjson.dumps(body, option=_WRITTEN)


def decode_action(body: bytes) -> ActionMessage:
    """Raises UnreadableMessage or UnknownVersion; never anything else."""
    content = _open(body, "action")
    try:
        return ActionMessage(action=_action_in(content["action"]), seq=int(content["seq"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableMessage(f"not an action message: {type(error).__name__}") from error


def encode_event(record: EventRecord) -> tuple[bytes, list[bytes]]:
    """The record, and the message of each of its actions: an action is written once for both."""
    written = [orjson.dumps(_action_out(action), option=_WRITTEN) for action in record.actions]
    return (
        _record_out(record, [orjson.Fragment(each) for each in written]),
        [b'{"v":%d,"kind":"action","seq":0,"action":%s}' % (VERSION, each) for each in written],
    )


def encode_record(record: EventRecord) -> bytes:
    return _record_out(record, [_action_out(action) for action in record.actions])


def _record_out(record: EventRecord, actions: Sequence[JsonObject | orjson.Fragment]) -> bytes:
    event = record.event
    body = {
        "v": VERSION,
        "kind": "event",
        "event": {
            "source": event.source,
            "id": event.id,
            "type": event.type,
            "received_at": _utc(event.received_at),
            "time": _utc(event.time) if event.time else None,
            "subject": event.subject,
            "data": event.data,
            "restated": event.restated,
            **_mark(event.erased),
        },
        "rules_version": record.rules_version,
        "decision": [
            {
                "rule": part.rule,
                "matched": part.matched,
                "failed": part.failed,
                "values": part.values,
                "error": part.error,
            }
            for part in record.decision
        ],
        "actions": actions,
        "notes": list(record.notes),
    }
    return orjson.dumps(body, option=_WRITTEN)


def decode_recorded(body: bytes) -> EventRecord | Receipt:
    """Anything that the recorder writes down. Raises UnreadableMessage or UnknownVersion."""
    content = _open(body, "event", "receipt")
    return _receipt_in(content) if content["kind"] == "receipt" else _record_in(content)


def decode_record(body: bytes) -> EventRecord:
    """Raises UnreadableMessage or UnknownVersion; never anything else."""
    return _record_in(_open(body, "event"))


def _receipt_in(content: JsonObject) -> Receipt:
    try:
        raw = content["receipt"]
        return Receipt(
            provider=str(raw["provider"]),
            reference=str(raw["reference"]),
            stage=str(raw["stage"]),
            rank=int(raw["rank"]),
            meaning=str(raw["meaning"]),
            final=bool(raw["final"]),
            at=from_text(raw["at"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableMessage(f"not a receipt: {type(error).__name__}") from error


def _record_in(content: JsonObject) -> EventRecord:
    try:
        raw = content["event"]
        return EventRecord(
            event=Event(
                source=raw["source"],
                id=raw["id"],
                type=raw["type"],
                received_at=from_text(raw["received_at"]),
                time=from_text(raw["time"]) if raw["time"] else None,
                subject=raw["subject"],
                data=raw["data"],
                # Records of older versions lack it.
                restated=bool(raw.get("restated", False)),
                erased=bool(raw.get("erased", False)),
            ),
            rules_version=content["rules_version"],
            decision=tuple(
                RuleDecision(
                    rule=part["rule"],
                    matched=part["matched"],
                    failed=part["failed"],
                    values=part["values"],
                    error=part["error"],
                )
                for part in content["decision"]
            ),
            actions=tuple(_action_in(part) for part in content["actions"]),
            notes=tuple(content["notes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableMessage(f"not an event record: {type(error).__name__}") from error


def _open(body: bytes, *kinds: str) -> JsonObject:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableMessage("not JSON") from error
    if not isinstance(content, dict) or not isinstance(content.get("v"), int):
        raise UnreadableMessage("no version")
    if content["v"] != VERSION:
        raise UnknownVersion(f"version {content['v']}, this program reads {VERSION}")
    if content.get("kind") in _UNREAD:
        about = f"a {content['kind']} of {content.get('name')}"
        raise UnreadableMessage(f"{about} that could not be read: {content.get('reason')}")
    if content.get("kind") not in kinds:
        raise UnreadableMessage(f"not of kind {' or '.join(kinds)}")
    return content


def _action_out(action: Action) -> JsonObject:
    return {
        "id": action.id,
        "ref": action.ref,
        "source": action.source,
        "event_id": action.event_id,
        "event_type": action.event_type,
        "rule": action.rule,
        "step": action.step,
        "position": action.position,
        "provider": action.provider,
        "operation": action.operation,
        "lane": action.lane.value,
        "params": action.params,
        "occurred_at": _utc(action.occurred_at),
        "accepted_at": _utc(action.accepted_at),
        "expires_at": _utc(action.expires_at) if action.expires_at else None,
        "recipient": action.recipient,
        "parked": action.parked,
        **_mark(action.erased),
        **({} if action.trace is None else {"trace": action.trace}),
    }


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _mark(erased: bool) -> JsonObject:
    """Only where it is: every other message stays as it was, byte for byte."""
    return {"erased": True} if erased else {}


def _action_in(raw: JsonObject) -> Action:
    return Action(
        id=raw["id"],
        ref=raw["ref"],
        source=raw["source"],
        event_id=raw["event_id"],
        event_type=raw["event_type"],
        rule=raw["rule"],
        step=raw["step"],
        position=int(raw["position"]),
        provider=raw["provider"],
        operation=raw["operation"],
        lane=Lane(raw["lane"]),
        params=raw["params"],
        occurred_at=from_text(raw["occurred_at"]),
        accepted_at=from_text(raw["accepted_at"]),
        expires_at=from_text(raw["expires_at"]) if raw["expires_at"] else None,
        recipient=raw["recipient"],
        parked=raw["parked"],
        erased=bool(raw.get("erased", False)),
        trace=read_traceparent(raw.get("trace")),
    )
