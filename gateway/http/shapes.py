"""The shapes of what goes in and out, as JSON Schemas: the words of the API's description.

What the code makes is held to them by tests. What must not go in: which route has which.
"""

from __future__ import annotations

from typing import Any

from core.journal.states import State
from core.messages import Lane
from gateway.events.fields import MAX_ID, MAX_SUBJECT
from gateway.events.parse import MAX_BATCH
from gateway.events.types import EVENT_TYPE
from gateway.http.operator_bodies import CancelBody, PauseBody, ReplayBody
from gateway.operator.planning import Left

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, properties: Schema, *, description: str = "", **more: Any) -> Schema:
    """`required`: the names of the keys that are always there."""
    schema: Schema = {"type": "object", "properties": properties, **more}
    if description:
        schema["description"] = description
    if required:
        schema["required"] = required.split()
    return schema


def _closed(required: str, properties: Schema, *, description: str = "") -> Schema:
    return _object(required, properties, description=description, additionalProperties=False)


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
ANY_OBJECT: Schema = {"type": "object"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
REF: Schema = {
    "type": "string",
    "pattern": "^ev_[A-Za-z0-9_-]{28}$",
    "description": "The event's reference: opaque, and the same whenever the event is sent again.",
}
ACTION: Schema = {"type": "string", "pattern": "^ac_[A-Za-z0-9_-]+$"}
LANE: Schema = {"enum": [*Lane]}
STATE: Schema = {"enum": [*State]}
TYPE: Schema = {
    "type": "string",
    "pattern": f"^{EVENT_TYPE.pattern}$",
    "examples": ["order.placed"],
}
_TEXT_FACTS = _closed(
    "encoding length segments", {"encoding": TEXT, "length": COUNT, "segments": COUNT}
)
_PLANNED: Schema = {
    "id": ACTION,
    "rule": TEXT,
    "step": TEXT,
    "lane": LANE,
    "state": {"enum": [State.QUEUED, State.PARKED]},
    "reason": {**TEXT, "description": "Why it is parked."},
    "text": _TEXT_FACTS,
    "texts": _list(_TEXT_FACTS),
}
_TOLD: Schema = {
    "reason": TEXT,
    "reference": {**TEXT, "description": "The provider's own id of it."},
    "due_at": MOMENT,
    "receipt": {"enum": ["sent", "delivered", "failed"]},
    "receipt_reason": TEXT,
    "receipt_at": MOMENT,
}
_DECISION = _closed(
    "rule matched",
    {
        "rule": TEXT,
        "matched": FLAG,
        "failed": {**TEXT, "description": "The part of the condition that was false."},
        "values": {**ANY_OBJECT, "description": "What that part looked at."},
        "error": {**TEXT, "description": "Why the rule could not be evaluated."},
    },
)
_PREVIEW: Schema = {
    "states": {"type": "object", "additionalProperties": COUNT},
    "wanted": COUNT,
    "expired": COUNT,
    "unknown": COUNT,
    "already_done": COUNT,
}
_TALLY: Schema = {
    "changed": COUNT,
    "not_changed": {
        "type": "object",
        "propertyNames": {"enum": [*Left]},
        "additionalProperties": _closed("actions why", {"actions": COUNT, "why": TEXT}),
    },
    "details": _list({}),
    "seconds": {"type": "number"},
    "complete": FLAG,
    "left": COUNT,
}


def _listed(**more: Schema) -> Schema:
    """One action of a list."""
    return _closed(
        "id ref rule step provider call lane state created_at updated_at " + " ".join(more),
        {
            "id": ACTION,
            "ref": TEXT,
            "rule": TEXT,
            "step": TEXT,
            "provider": TEXT,
            "call": TEXT,
            "lane": TEXT,
            "state": STATE,
            **_TOLD,
            "created_at": MOMENT,
            "updated_at": MOMENT,
            **more,
        },
    )


def _page(action: Schema) -> Schema:
    following = {"type": ["string", "null"], "description": "`before` of the next page."}
    return _closed("actions next", {"actions": _list(action), "next": following})


SCHEMAS: dict[str, Schema] = {
    "Event": _closed(
        "id type",
        {
            "id": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ID,
                "description": "Yours. The same id from the same source is the same event.",
                "examples": ["o-1001"],
            },
            "type": TYPE,
            "time": {**MOMENT, "description": "When it happened; without it, order is arrival."},
            "subject": {"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT},
            "data": ANY_OBJECT,
        },
        description="What happened in the business.",
    ),
    "Events": _list(ref("Event"), minItems=1, maxItems=MAX_BATCH),
    "CloudEvent": _object(
        "specversion id source type",
        {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1, "format": "uri-reference"},
            "type": TYPE,
            "time": MOMENT,
            "subject": {"type": "string", "minLength": 1},
            "datacontenttype": {"const": "application/json"},
            "data": ANY_OBJECT,
        },
        description="A CloudEvent 1.0 whose data is JSON.",
    ),
    "CloudEvents": _list(ref("CloudEvent"), minItems=1, maxItems=MAX_BATCH),
    "Receipt": _closed(
        "ref source id rules_version notes actions",
        {
            "ref": REF,
            "source": TEXT,
            "id": TEXT,
            "rules_version": TEXT,
            "notes": _list(TEXT),
            "actions": _list(_closed("id rule step lane state", _PLANNED)),
        },
        description="All of it is durable: the event, and what will be done about it.",
    ),
    "Receipts": _closed("receipts", {"receipts": _list(ref("Receipt"))}),
    "Aside": _closed(
        "status",
        {"status": {"enum": ["parked", "ignored", "ping"]}, "code": TEXT},
        description="Taken from a shop system that would not mend it: kept for a person, not "
        "wanted, or no event at all.",
    ),
    "Operation": _closed("op", {"op": {"const": "success"}}, description="For Adobe Commerce."),
    "Challenge": _closed("challenge", {"challenge": TEXT}),
    "Record": _closed(
        "ref state source",
        {
            "ref": REF,
            "state": {"enum": ["accepted", "recorded"]},
            "source": TEXT,
            "id": TEXT,
            "type": TYPE,
            "time": _or_null(MOMENT),
            "received_at": MOMENT,
            "erased": {"const": True},
            "rules_version": TEXT,
            "notes": _list(TEXT),
            "decision": _list(_DECISION),
            "actions": _list(
                _closed(
                    "id rule step lane state attempts",
                    {
                        "id": ACTION,
                        "rule": TEXT,
                        "step": TEXT,
                        "lane": LANE,
                        "state": STATE,
                        **_TOLD,
                        "attempts": _list(
                            _closed(
                                "n at outcome ms",
                                {
                                    "n": COUNT,
                                    "at": MOMENT,
                                    "outcome": TEXT,
                                    "reason": TEXT,
                                    "ms": {"type": "integer"},
                                },
                            )
                        ),
                    },
                )
            ),
        },
        description="What became of an event; `accepted`: it is on its way to the journal.",
    ),
    "Actions": _page(_listed()),
    "Trial": _closed(
        "ref rules_version notes decision actions",
        {
            "ref": REF,
            "rules_version": TEXT,
            "notes": _list(TEXT),
            "decision": _list(_DECISION),
            "actions": _list(
                _closed(
                    "id rule step lane state provider call params expires_at",
                    {
                        **_PLANNED,
                        "provider": TEXT,
                        "call": TEXT,
                        "params": ANY_OBJECT,
                        "expires_at": _or_null(MOMENT),
                    },
                )
            ),
        },
        description="What would be done about an event. Nothing of it is done.",
    ),
    "Callback": _closed("receipts events", {"receipts": COUNT, "events": _list(REF)}),
    "Status": _object(
        "broker journal rules spooled", {"parked": COUNT, "spooled": _or_null(COUNT)}
    ),
    "Audit": _closed(
        "audit",
        {
            "audit": _list(
                _closed(
                    "id at who what wanted actions ended_at",
                    {
                        "id": COUNT,
                        "at": MOMENT,
                        "who": TEXT,
                        "what": TEXT,
                        "wanted": TEXT,
                        "actions": COUNT,
                        "ended_at": _or_null(MOMENT),
                    },
                )
            )
        },
    ),
    "AllActions": _page(_listed(source=TEXT)),
    "Paused": _closed(
        "kind name paused",
        {"kind": TEXT, "name": TEXT, "paused": FLAG, "was_paused": FLAG},
    ),
    "Pause": PauseBody.model_json_schema(),
    "Cancel": CancelBody.model_json_schema(),
    "Replay": ReplayBody.model_json_schema(),
    "Changed": {
        "oneOf": [
            _closed(
                "preview wanted",
                {"preview": {"const": True}, **_PREVIEW},
                description="Nothing yet.",
            ),
            _closed(
                "preview changed complete left",
                {
                    "preview": {"const": False},
                    **_TALLY,
                    "next": {
                        "anyOf": [ANY_OBJECT, {"type": "null"}],
                        "description": "The body that goes on from there.",
                    },
                },
            ),
        ]
    },
    "Problem": _object(
        "type title status detail instance code",
        {
            "type": {"type": "string", "format": "uri"},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "instance": {"type": "string", "pattern": "^req_[0-9a-f]{16}$"},
            "code": {**TEXT, "description": "Stable: programs may branch on it."},
            "field": {"type": ["string", "null"], "description": "Which field is wrong."},
            "index": {**COUNT, "description": "Which event of a batch, from 0."},
            "cause": {**TEXT, "description": "The code that this event alone would have had."},
        },
        description="RFC 9457. `detail` names fields and positions, never what was sent.",
    ),
}
