"""Calls that travel through the platform's own RabbitMQ instead of HTTP: messages, and what comes
back for them.

Queue and field names are the vendor's ("How to send API request with RabbitMQ", 44662785; "Import
profile to RabbitMQ", 2195492). What must not go in: moving messages.
"""

from __future__ import annotations

import orjson

from vendors.altcraft.provider import AltcraftProvider
from vendors.wire import Identity, JsonObject, Params, Queued, Request

IMPORTABLE = frozenset(
    {
        "db_id",
        "data",
        "skip_triggers",
        "matching",
        "resource_id",
        "email",
        "phone",
        "profile_id",
        "provider",
        "subscription_id",
        "field_name",
        "field_value",
        "cc_data",
    }
)
"""What a message to the import queue may hold of an import's parameters."""


def api_request(path: str, body: Params, *, message_id: str, provider: AltcraftProvider) -> Request:
    """Any call of the API as a message. The body is what HTTP would carry, token included."""
    message: Params = {"request_id": message_id, "request": path, "body": body}
    if provider.account_id is not None:
        message["account_id"] = provider.account_id
    return _queued(path, message, queue="api_req", answers="api_resp", key="request_id")


def import_request(
    params: Params, *, identity: Identity, provider: AltcraftProvider, update_only: bool
) -> Request:
    """One profile for the import queue. No token travels here: whoever may publish may import."""
    message = {
        **params,
        "account_id": provider.account_id,
        "feedback_id": identity.request_id,
        "update_only": update_only,
    }
    return _queued(
        "database_import",
        message,
        queue="database_import",
        answers="database_import_result",
        key="feedback_id",
    )


def unwrapped(content: JsonObject | None) -> JsonObject | None:
    """The envelope of the API out of a message, where it came in one."""
    if content is not None and "error" not in content and isinstance(content.get("body"), dict):
        body: JsonObject = content["body"]
        return body
    return content


def _queued(path: str, message: Params, *, queue: str, answers: str, key: str) -> Request:
    return Request(
        path=path,
        headers={},
        body=orjson.dumps(message, option=orjson.OPT_SORT_KEYS),
        queued=Queued(queue=queue, answers=answers, key=key, id=message[key]),
    )
