"""An example of every call of the platform, with the variables of the vendor's own collection.

The order is one in which they work: starts come first, since they send the message that
`profiles/message_unsub` answers to. What must not go in: credentials.
"""

from __future__ import annotations

from typing import Any

from vendors.altcraft.variables import VARIABLES
from vendors.examples import Examples
from vendors.wire import Params

_EMAIL = "john@example.com"
_OTHER = "jane@example.com"
_SUBSCRIPTION: Params = {
    "channel": "email",
    "email": _EMAIL,
    "resource_id": "{{resource_id}}",
    "status": "subscribed",
}
_PROFILE: Params = {
    "_fname": "John",
    "_lname": "Doe",
    "{{db_custom_field}}": 7,
    "subscriptions": [_SUBSCRIPTION],
}
_ITEMS: list[Params] = [
    {"email": _EMAIL, "_fname": "John", "{{db_custom_field}}": 7},
    {"email": _OTHER, "_fname": "Jane", "{{db_custom_field}}": 8},
]
_WHOM: list[Params] = [{"email": _EMAIL}, {"email": _OTHER}]
_CONTENT: Params = {"content": {"order": "1001"}}
_ONE: Params = {
    "db_id": "{{db_id}}",
    "profile_id": "{{profile_id}}",
    "resource_id": "{{resource_id}}",
    "channel": "email",
    "email": _EMAIL,
}
_SCOPE: Params = {
    "db_id": "{{db_id}}",
    "channel": "email",
    "resource_id": "{{resource_id}}",
}
_RULES: list[Params] = [
    {"type": "default", "value": "", "senders": [{"sender_id": 3, "percent": 100}]}
]
_ORDER: Params = {
    "external_id": "{{order_external_id}}",
    "matching": "email",
    "email": _EMAIL,
    "endpoint": "{{market_endpoint}}",
    "region": "{{market_region}}",
    "status": "new",
    "total_price": "129.50",
    "currency": "{{market_currency}}",
    "create_time": "2026-01-02T15:04:05Z",
    "lines": [
        {
            "external_id": "{{line_id}}",
            "product": "{{product_id}}",
            "final_price_per_item": "129.50",
            "count": 1,
        }
    ],
}


def _starts(path: str, field: str, variable: str) -> dict[str, Params]:
    """The four calls of a family; batches first bring those into being whom the others find."""
    what: dict[str, Any] = {field: variable, **_CONTENT}
    return {
        f"{path}/import_and_start": {
            **what,
            "db_id": "{{db_id}}",
            "matching": "email",
            "email": _EMAIL,
            "data": _PROFILE,
        },
        f"{path}/import_and_start_batch": {**what, "db_id": "{{db_id}}", "data": _ITEMS},
        f"{path}/start": {
            "id": variable,
            "matching": "profile_id",
            "profile_id": "{{profile_id}}",
            **_CONTENT,
        },
        f"{path}/start_batch": {**what, "data": _WHOM},
    }


_PROFILES: dict[str, Params] = {
    "profiles/import": {
        "db_id": "{{db_id}}",
        "matching": "email",
        "email": _EMAIL,
        "add_to_segments": ["{{stsegment_id}}"],
        "data": _PROFILE,
    },
    "profiles/update": {
        "db_id": "{{db_id}}",
        "matching": "profile_id",
        "profile_id": "{{profile_id}}",
        "remove_from_segments": ["{{stsegment_id}}"],
        "data": {"_city": "Vienna"},
    },
    "profiles/import_batch": {"db_id": "{{db_id}}", "matching": "email", "data": _ITEMS},
    "profiles/update_batch": {
        "db_id": "{{db_id}}",
        "matching": "custom",
        "field_name": "{{db_custom_field}}",
        "data": [
            {"{{db_custom_field}}": 7, "_city": "Vienna"},
            {"{{db_custom_field}}": 8, "_city": "Graz"},
        ],
    },
    "profiles/add": {
        "db_id": "{{db_id}}",
        "data": {"email": "ada-{{request_id}}@example.com", "_fname": "Ada"},
    },
    "profiles/add_batch": {
        "db_id": "{{db_id}}",
        "data": [
            {"email": "bob-{{request_id}}@example.com", "_fname": "Bob"},
            {"email": "eve-{{request_id}}@example.com", "_fname": "Eve"},
        ],
    },
    "profiles/get": {
        "db_id": "{{db_id}}",
        "matching": "profile_id",
        "profile_id": "{{profile_id}}",
    },
    "profiles/message_unsub": {"rtoken": "{{rtoken}}", "smid": "{{smid}}"},
}

_SUBSCRIPTIONS: dict[str, Params] = {
    "subscriptions/set": {**_ONE, "status": "subscribed", "custom_fields": {"city": "Vienna"}},
    "subscriptions/get": _ONE,
    "subscriptions/list": {"db_id": "{{db_id}}", "profile_id": "{{profile_id}}"},
    "subscriptions/list_all": {**_SCOPE, "status": "subscribed", "limit": 100},
    "subscriptions/delete": _ONE,
    "subscriptions/undelete": _ONE,
    "subscriptions/suspend_all": _SCOPE,
    "subscriptions/unsuspend_all": _SCOPE,
}

_VSENDERS: dict[str, Params] = {
    "vsenders/list": {"from_id": 1, "limit": 100},
    "vsenders/get": {"id": "{{vsender_id}}"},
    "vsenders/clone": {"id": "{{vsender_id}}", "name": "Copy {{request_id}}"},
    "vsenders/update": {
        "id": "{{copied_vsender_id}}",
        "name": "Copy {{request_id}}",
        "email_rules": _RULES,
    },
    "vsenders/delete": {"id": "{{copied_vsender_id}}"},
    "vsenders/add": {"name": "New {{request_id}}", "email_rules": _RULES, "sms_rules": []},
}

_EMAIL_ENTRY: Params = {"id": "{{suplist_id}}", "email": _EMAIL}
_PHONE_ENTRY: Params = {"id": "{{suplist_id}}", "value": "+79000000000"}
_SUPPRESSES: dict[str, Params] = {
    "suppresses/add": {"name": "List {{request_id}}"},
    "suppresses/email_add": _EMAIL_ENTRY,
    "suppresses/email_check": _EMAIL_ENTRY,
    "suppresses/email_remove": _EMAIL_ENTRY,
    "suppresses/phone_add": _PHONE_ENTRY,
    "suppresses/phone_check": _PHONE_ENTRY,
    "suppresses/phone_remove": _PHONE_ENTRY,
    "suppresses/phones_add": {
        "id": "{{suplist_id}}",
        "values": ["+79000000000", "+79000000001"],
    },
}

PARAMS: dict[str, Params] = {
    **_starts("campaigns/triggers", "trigger_id", "{{campaign_id}}"),
    **_starts("workflows", "workflow_id", "{{workflow_id}}"),
    **_PROFILES,
    **_SUBSCRIPTIONS,
    **_SUPPRESSES,
    **_VSENDERS,
    "goals/register": {
        "db_id": "{{db_id}}",
        "pixel_id": "{{pixel_id}}",
        "matching": "email",
        "email": _EMAIL,
        "goal": "Sale",
        "value": 129.5,
        "is_test": True,
    },
    "market/orders/import": {"data": [_ORDER]},
    "market/orders/get_status": {"id": "{{order_internal_id}}"},
    "market/orders/list": {"endpoint": "{{market_endpoint}}", "limit": 100},
    "api": {"path": "databases/fields_get", "body": {"db_id": "{{db_id}}"}},
}

EXAMPLES = Examples(
    params=PARAMS,
    variables=VARIABLES,
    url="{{url}}",
    secrets={"token": "{{token}}"},
    settings={
        "token": {"env": "ALTCRAFT_TOKEN"},
        "db_id": "{{db_id}}",
        "resource_id": "{{resource_id}}",
    },
    saves={
        "campaigns/triggers/import_and_start": {"profile_id": "profile_id"},
        "profiles/import": {"profile_id": "profile_id"},
        "suppresses/add": {"suplist_id": "data.saved_id"},
        "vsenders/clone": {"copied_vsender_id": "data.saved_id"},
        "market/orders/import": {"order_internal_id": "result.0.id"},
    },
)
