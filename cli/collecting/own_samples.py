"""What is sent to Postern's own API: samples of bodies, and the variables they need.

What must not go in: paths, methods and statuses; those are the route table's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vendors.examples import Variable

VARIABLES = {
    "postern_url": Variable(value="http://127.0.0.1:8080", meaning="Postern's address"),
    "postern_key": Variable(value="", meaning="bearer key of a source"),
    "event_ref": Variable(value="", meaning="reference of an event; its receipt gives it"),
    "hook_source": Variable(value="storefront", meaning="a source that signs its webhooks"),
    "hook_secret": Variable(value="", meaning="its secret, whsec_ and base64"),
    "callback_provider": Variable(value="sms", meaning="a provider that posts callbacks"),
    "callback_secret": Variable(value="", meaning="the secret at the end of its address"),
    "operator_key": Variable(value="", meaning="key of an operator, where there are any"),
}

IN_PATHS = {
    "ref": "event_ref",
    "source": "hook_source",
    "provider": "callback_provider",
    "secret": "callback_secret",
}
"""Which variable stands for a part of a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request to a route. `saves`: variables and where in the answer they stand."""

    name: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    saves: Mapping[str, str] = field(default_factory=dict)


_ORDER = {
    "number": "1001",
    "total": 129.5,
    "customer": {
        "id": "c-17",
        "first_name": "Zoe",
        "email": "zoe@example.com",
        "phone": "+491713920001",
        "consent": True,
    },
}
_PARCEL = {"number": "1001", "phone": "+491713920001", "tracking": "https://example.com/t/1001"}
_EVENT = {"id": "{{request_id}}", "type": "order.placed", "subject": "o-1001", "data": _ORDER}
_SELECTED = {"provider": "{{callback_provider}}", "preview": True}
_PAUSED = {"kind": "provider", "name": "{{callback_provider}}"}

SAMPLES: dict[str, tuple[Sample, ...]] = {
    "POST /v1/events": (
        Sample(name="an event", body=_EVENT, saves={"event_ref": "ref"}),
        Sample(
            name="a batch of events",
            body=[
                {**_EVENT, "id": "{{request_id}}-1"},
                {
                    "id": "{{request_id}}-2",
                    "type": "order.shipped",
                    "subject": "o-1001",
                    "data": _PARCEL,
                },
            ],
        ),
        Sample(
            name="a CloudEvent, structured",
            headers={"Content-Type": "application/cloudevents+json"},
            body={
                "specversion": "1.0",
                "id": "{{request_id}}",
                "source": "/shop",
                "type": "order.shipped",
                "subject": "o-1001",
                "data": _PARCEL,
            },
        ),
        Sample(
            name="a CloudEvent, binary",
            headers={
                "ce-specversion": "1.0",
                "ce-id": "{{request_id}}",
                "ce-source": "/shop",
                "ce-type": "order.shipped",
                "ce-subject": "o-1001",
            },
            body=_PARCEL,
        ),
    ),
    # The signature covers the bytes, so no variable may stand in them.
    "POST /v1/hooks/{source}": (
        Sample(name="a signed webhook", body={"type": "order.shipped", "data": _PARCEL}),
    ),
    "POST /v1/callbacks/{provider}/{secret}": (
        Sample(
            name="a receipt of a text",
            body={
                "sms_id": 62807347,
                "status_id": 7,
                "status_message": "Delivered",
                "sendto": "+491713920001",
                "senttime": "2026-01-02 15:04:05",
                "channel_id": 0,
                "device_id": 260,
            },
        ),
        Sample(
            name="a text that somebody sent",
            body={
                "address": "+491713920001",
                "date": "2026-01-02 15:04:05",
                "date_sent": "2026-01-02 15:04:05",
                "body": "Stop",
                "internal_id": 5,
                "channel_id": 0,
                "sms_id": 62807348,
                "device_id": 260,
                "device_name": "Shop",
                "type": "text",
            },
        ),
    ),
    "GET /v1/events/{ref}": (Sample(name="what became of the event"),),
    "GET /v1/actions": (Sample(name="the source's actions"),),
    "POST /v1/rules/try": (Sample(name="try the rules on an event", body=_EVENT),),
    "GET /v1/operator/status": (Sample(name="status"),),
    "GET /v1/operator/actions": (Sample(name="the actions of every source"),),
    "GET /v1/operator/audit": (Sample(name="audit"),),
    "POST /v1/operator/pause": (Sample(name="pause a provider", body=_PAUSED),),
    "POST /v1/operator/resume": (Sample(name="resume it", body=_PAUSED),),
    "POST /v1/operator/cancel": (Sample(name="cancel, as a preview", body=_SELECTED),),
    "POST /v1/operator/replay": (Sample(name="replay, as a preview", body=_SELECTED),),
}
"""By method and path. A route without one is refused when a collection is made."""
