"""GitHub. Source: docs.github.com, "Webhook events and payloads".

No business events are among them: `types` of the source names those that are wanted. The delivery's
id is not signed; what a delivery is known by is what it says, and a redelivery says the same. What
must not go in: the signature.
"""

from __future__ import annotations

from core.messages import JsonObject
from gateway.events.headers import Headers
from gateway.sources.names import OnInvalid, Scheme
from gateway.sources.presets.preset import Found, PresetKind, Topic, text_of, topic_header
from gateway.sources.presets.shapes import part, present
from gateway.sources.reading import Delivery

HEADER = "x-github-event"


def _find(body: JsonObject, headers: Headers, _delivery: Delivery) -> Found:
    name = topic_header(headers, HEADER).lower()
    action = body.get("action")
    if isinstance(action, str) and action.replace("_", "").isalnum() and action.isascii():
        name = f"{name}/{action}"
    repository = part(body.get("repository")).get("full_name")
    return Found(
        name=name,
        topic=Topic(),
        data=present(
            repository=repository, sender=part(body.get("sender")).get("login"), action=action
        ),
        # No subject: two deliveries about one repository are two events.
        subject=None,
        change=text_of(body.get("after")),
    )


GITHUB = PresetKind(
    scheme=Scheme.GITHUB,
    prefix="github",
    find=_find,
    topics=frozenset(),
    on_invalid=OnInvalid.REJECT,
)
