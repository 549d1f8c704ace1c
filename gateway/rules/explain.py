"""A plan as plain data, for people (`rules try`).

What must not go in: layout; whoever shows it decides that.
"""

from __future__ import annotations

from core.clock import to_text
from core.messages import Action, Event, JsonObject, RuleDecision
from gateway.rules.port import Plan


def explain(event: Event, plan: Plan) -> JsonObject:
    """The decision rule by rule, with reasons, and every action that would be made."""
    return {
        "ref": event.ref,
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "rules_version": plan.rules_version,
        "notes": list(plan.notes),
        "decision": [_decided(part) for part in plan.decision],
        "actions": [_planned(action) for action in plan.actions],
    }


def _decided(part: RuleDecision) -> JsonObject:
    told: JsonObject = {"rule": part.rule, "matched": part.matched}
    if part.failed is not None:
        told["failed"] = part.failed
        told["values"] = part.values
    if part.error is not None:
        told["error"] = part.error
    return told


def _planned(action: Action) -> JsonObject:
    told: JsonObject = {
        "id": action.id,
        "rule": action.rule,
        "step": action.step,
        "call": f"{action.provider}.{action.operation}",
        "lane": action.lane.value,
        "params": action.params,
        "recipient": action.recipient,
        "expires_at": to_text(action.expires_at) if action.expires_at else None,
    }
    if action.parked is not None:
        told["parked"] = action.parked
    return told
