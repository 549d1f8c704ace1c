"""How receipts, records and lists look to a client: the shapes of the API, as plain functions.

Keys that have nothing to say are left out, except where a reader would miss them. What must not go
in: fetching anything, and personal data in ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.clock import to_text
from core.journal.port import ActionPage, Attempt, EventReport, Reported
from core.journal.states import State
from core.messages import Action, JsonObject, RuleDecision
from gateway.intake import Receipt
from gateway.rules.port import Plan


def show_receipt(receipt: Receipt) -> JsonObject:
    event, plan = receipt.event, receipt.plan
    return {
        "ref": event.ref,
        "source": event.source,
        "id": event.id,
        "rules_version": plan.rules_version,
        "notes": list(plan.notes),
        "actions": [_planned(action, plan) for action in plan.actions],
    }


def show_trial(ref: str, plan: Plan) -> JsonObject:
    """What would be done about an event, explained; nothing of it is done."""
    return {
        "ref": ref,
        "rules_version": plan.rules_version,
        "notes": list(plan.notes),
        "decision": [_decided(part) for part in plan.decision],
        "actions": [
            {
                **_planned(action, plan),
                "provider": action.provider,
                "call": action.operation,
                "params": action.params,
                "expires_at": _moment(action.expires_at),
            }
            for action in plan.actions
        ],
    }


def show_accepted(ref: str, source: str) -> JsonObject:
    """An event that the recorder has not reached yet."""
    return {"ref": ref, "state": "accepted", "source": source}


def show_record(report: EventReport) -> JsonObject:
    record = report.record
    event = record.event
    return {
        "ref": event.ref,
        "state": "recorded",
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "time": _moment(event.time),
        "received_at": to_text(event.received_at),
        **({"erased": True} if event.erased else {}),
        "rules_version": record.rules_version,
        "notes": list(record.notes),
        "decision": [_decided(part) for part in record.decision],
        "actions": [
            {
                **_without_none(
                    id=action.id,
                    rule=action.rule,
                    step=action.step,
                    lane=action.lane,
                    state=action.state.value,
                    reason=action.reason,
                    reference=action.reference,
                    due_at=_due(action),
                    **_reported(action),
                ),
                "attempts": [
                    _tried(number, part) for number, part in enumerate(action.attempts, start=1)
                ],
            }
            for action in report.actions
        ],
    }


def show_page(page: ActionPage) -> JsonObject:
    return {
        "actions": [
            _without_none(
                id=action.id,
                ref=action.ref,
                rule=action.rule,
                step=action.step,
                provider=action.provider,
                call=action.operation,
                lane=action.lane,
                state=action.state.value,
                reason=action.reason,
                reference=action.reference,
                due_at=_due(action),
                **_reported(action),
                created_at=to_text(action.created_at),
                updated_at=to_text(action.updated_at),
            )
            for action in page.actions
        ],
        "next": page.next,
    }


def _planned(action: Action, plan: Plan) -> JsonObject:
    shown: JsonObject = {
        "id": action.id,
        "rule": action.rule,
        "step": action.step,
        "lane": action.lane.value,
        "state": State.QUEUED.value,
    }
    if action.parked is not None:
        shown |= {"state": State.PARKED.value, "reason": action.parked}
    texts = [
        {"encoding": facts.encoding, "length": facts.length, "segments": facts.segments}
        for facts in plan.texts.get(action.id, ())
    ]
    if texts:
        shown |= {"text": texts[0]} if len(texts) == 1 else {"texts": texts}
    return shown


def _decided(part: RuleDecision) -> JsonObject:
    shown = _without_none(
        rule=part.rule, matched=part.matched, failed=part.failed, error=part.error
    )
    if part.values:
        shown["values"] = part.values
    return shown


def _tried(number: int, attempt: Attempt) -> JsonObject:
    shown = _without_none(
        n=number,
        at=to_text(attempt.started_at),
        outcome=attempt.outcome,
        reason=attempt.reason or None,
    )
    shown["ms"] = round(attempt.took.total_seconds() * 1000)
    return shown


def _reported(action: Reported) -> JsonObject:
    """What the handset or the network told of a text; nothing until it did."""
    receipt = action.receipt
    if receipt is None or receipt.stage == "pending":
        return {}
    return {
        "receipt": receipt.stage,
        "receipt_reason": receipt.meaning,
        "receipt_at": to_text(receipt.at),
    }


def _due(action: Reported) -> str | None:
    """When it goes on, for what is waiting; later states only remember an old one."""
    return _moment(action.due_at) if action.state is State.WAITING else None


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)


def _without_none(**keys: Any) -> JsonObject:
    return {key: value for key, value in keys.items() if value is not None}
