"""Every Altcraft operation with parameters that are right, for the conformance suite.

Answers are those that the documentation shows, where it shows one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vendors.wire import Params

BROKER = "POSTERN_TEST_ALTCRAFT_AMQP"
"""The environment variable with the address of the platform's own broker."""

PROFILE = "5f4fa1a5ce9448665fef548e"
_OK = b'{"error":0,"error_text":"Successful operation"}'
_OK_XML = b"<xml><error>0</error><error_text>Successful operation</error_text></xml>"
_PROFILE_OK = b'{"error":0,"error_text":"Successful operation","profile_id":"5f4fa1a5ce9448665fef"}'
_SAVED = b'{"data":{"saved_id":16},"error":0,"error_text":"Successful operation"}'
_TWO = b'{"error":0,"error_text":"","result":[{"error":0,"profile_id":"a"},{"error":0}]}'
_TWO_XML = (
    b"<xml><error>0</error><result><error>0</error></result><result><error>0</error></result></xml>"
)

CHANNELS: dict[str, Params] = {
    "email": {"email": "john@example.com"},
    "sms": {"phone": "+79000000000"},
    "push": {"provider": "Firefox", "subscription_id": "device-1"},
    "telegram_bot": {"cc_data": {"id": 1}},
    "whatsapp": {"cc_data": {"phone": "+79000000000"}},
    "viber": {"cc_data": {"phone": "+79000000000"}},
    "notify": {"cc_data": {"phone": "+79000000000"}},
}
_EVERYTHING: Params = {
    "status": 5,
    "priority": 10,
    "custom_fields": {"_os": "linux", "city": None},
    "cats": ["news", "sales"],
    "date": "2018-08-22T00:00:00.000Z",
    "ip": "192.0.2.1",
    "url": "https://example.com/join",
}
MODES: dict[str, Params] = {
    "email": {"email": "john@example.com"},
    "email_profile": {"email": "john@example.com"},
    "email_sub": {"email": "john@example.com", "resource_id": 3},
    "phone": {"phone": "+7 900 000-00-00"},
    "phone_sub": {"phone": "+79000000000"},
    "profile_id": {"profile_id": PROFILE},
    "push_sub": {"provider": "Firefox", "subscription_id": "device-1"},
    "custom": {"field_name": "CRM_ID", "field_value": 123420},
    "custom_sub": {"cc_data": {"id": 7}},
    "email_phone": {"email": "john@example.com", "phone": "+79000000000"},
    "email_phone_sub": {"phone": "+79000000000"},
}
DATA: Params = {
    "_fname": "John",
    "_sex": 1,
    "_regdate": "2018-08-22T00:00:00Z",
    "email": "john@example.com",
    "phones": ["+79000000000"],
    "tier": {"action": "set", "value": "gold"},
    "subscriptions": [
        {"channel": "email", "email": "john@example.com", "status": "subscribed", "cats": ["news"]},
        {"phone": "+79000000000", "resource_id": 2, "status": 1, "custom_fields": {"_os": "linux"}},
        {"channel": "telegram_bot", "cc_data": {"id": 5}, "status": -1, "priority": -1},
    ],
}
ITEMS: list[Params] = [
    {
        "email": "john@example.com",
        "_fname": "John",
        "subscriptions": [
            {
                "channel": "email",
                "email_data": {"email": "john@example.com"},
                "status": "unsubscribed",
            }
        ],
    },
    {"email": "jane@example.com", "_fname": "Jane", "city": "Vienna"},
]
RULES: list[Params] = [
    {
        "type": "default",
        "value": "",
        "senders": [
            {
                "sender_id": 3,
                "percent": 100,
                "from_email": "",
                "from_name": "",
                "replyto_email": "",
            }
        ],
    }
]
ORDERS: list[Params] = [
    {
        "external_id": "1234000",
        "matching": "email",
        "email": "johndoe@example.com",
        "endpoint": "website",
        "tags": ["one", "two"],
        "status": "delivered",
        "delivery_cost": "100",
        "total_price": 1000,
        "currency": "USD",
        "create_time": "2022-01-02T15:04:05.141Z",
        "custom_fields": {"order_field_id_123": "data"},
        "lines": [{"external_id": "line_01", "product": "p-7", "count": 5}],
    },
    {"external_id": "1234001", "status": "new"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AltcraftCase:
    """One operation with right parameters, and the answer that means it worked."""

    call: str
    params: Params
    success: bytes = _OK
    settings: dict[str, Any] = field(default_factory=dict)
    lenient: frozenset[str] = frozenset()
    tokens: int = 1
    variant: str = ""


def altcraft_cases() -> Iterator[AltcraftCase]:
    yield from _subscriptions()
    yield from _profiles()
    yield from _vsenders()
    yield from _starts()
    yield from _lists()
    yield from _transports()


def _subscriptions() -> Iterator[AltcraftCase]:
    for auth in ("body", "bearer"):
        for channel, contact in CHANNELS.items():
            yield AltcraftCase(
                call="subscriptions/set",
                params={
                    "profile_id": "p-1",
                    "channel": channel,
                    **contact,
                    **_EVERYTHING,
                    "skip_triggers": True,
                },
                success=b'{"error":0,"error_text":"","data":{"action":"suspended"}}',
                settings={"auth": auth},
                lenient=frozenset({"cats"}),
            )
    for call in ("get", "delete", "undelete"):
        for channel, contact in CHANNELS.items():
            yield AltcraftCase(
                call=f"subscriptions/{call}",
                params={"profile_id": "p-1", "channel": channel, **contact},
            )
    yield AltcraftCase(call="subscriptions/list", params={"profile_id": "p-1"})
    yield AltcraftCase(
        call="subscriptions/list_all",
        params={"channel": "email", "status": 1, "from_id": "x", "limit": 10},
    )
    for call in ("suspend_all", "unsuspend_all"):
        swept = b'{"error":0,"error_text":"","updated":50}'
        yield AltcraftCase(call=f"subscriptions/{call}", params={}, success=swept)
        scope = {"channel": "email", "resource_id": 3}
        yield AltcraftCase(call=f"subscriptions/{call}", params=scope, success=swept)


def _profiles() -> Iterator[AltcraftCase]:
    options = {"skip_triggers": True, "skip_invalid_subscriptions": True}
    for call in ("import", "update"):
        for mode, found in MODES.items():
            yield AltcraftCase(
                call=f"profiles/{call}",
                params={
                    "matching": mode,
                    **found,
                    **options,
                    "detect_geo": True,
                    "add_to_segments": [7, 8],
                    "remove_from_segments": [9],
                    "data": DATA,
                },
                success=_PROFILE_OK,
                variant=mode,
            )
    for call in ("import_batch", "update_batch"):
        yield AltcraftCase(call=f"profiles/{call}", params={**options, "data": ITEMS}, success=_TWO)
        by_field = [{"CRM_ID": 5, "_fname": "John"}, {"CRM_ID": 6, "_fname": "Jane"}]
        yield AltcraftCase(
            call=f"profiles/{call}",
            params={"matching": "custom", "field_name": "CRM_ID", "data": by_field},
            success=_TWO,
            variant="custom",
        )
    yield AltcraftCase(call="profiles/add", params={**options, "data": DATA}, success=_PROFILE_OK)
    unnamed = {name: it for name, it in DATA.items() if name != "email"}
    yield AltcraftCase(call="profiles/add", params={"data": unnamed}, variant="unnamed")
    yield AltcraftCase(call="profiles/add_batch", params={"data": ITEMS}, success=_TWO)
    for mode, found in MODES.items():
        yield AltcraftCase(call="profiles/get", params={"matching": mode, **found}, variant=mode)
    yield AltcraftCase(
        call="profiles/message_unsub",
        params={"rtoken": "r", "smid": "m-1", "categories": ["news", "sales"]},
        success=_PROFILE_OK,
        lenient=frozenset({"categories"}),
    )
    yield AltcraftCase(
        call="profiles/message_unsub", params={"rtoken": "r", "smid": "m-1"}, variant="whole"
    )


def _vsenders() -> Iterator[AltcraftCase]:
    settings: dict[str, Any]
    for variant, settings in (("user", {}), ("admin", {"account_id": 306, "administrator": True})):
        for call, params, success in (
            ("list", {"from_id": 1, "limit": 10}, b'{"data":[],"error":0,"error_text":""}'),
            ("get", {"id": 14}, _OK),
            ("clone", {"id": 14, "name": "Clone of virtual sender #14"}, _SAVED),
            ("clone", {"id": 14}, _SAVED),
            ("add", {"name": "New", "email_rules": RULES, "sms_rules": []}, _SAVED),
            ("update", {"id": 14, "name": "New", "email_rules": RULES}, _OK),
            ("delete", {"id": 14}, b'{"data":null,"error":0,"error_text":""}'),
        ):
            yield AltcraftCase(
                call=f"vsenders/{call}",
                params=params,
                success=success,
                settings=settings,
                variant=variant,
            )


def _starts() -> Iterator[AltcraftCase]:
    along = {"content": {"H1": "Hi"}, "custom_data": {"field": "value"}, "attach": [{"name": "x"}]}
    for path, name in (("campaigns/triggers", "trigger_id"), ("workflows", "workflow_id")):
        for mode in ("email", "phone", "profile_id", "custom"):
            yield AltcraftCase(
                call=f"{path}/start",
                params={"id": "5511", "matching": mode, **MODES[mode], **along},
                variant=mode,
            )
        yield AltcraftCase(
            call=f"{path}/start", params={"id": 5, "custom_request": {"_fname": "John"}}
        )
        whom = [{"email": "john@example.com"}, {"email": "jane@example.com"}]
        yield AltcraftCase(
            call=f"{path}/start_batch",
            params={name: 8, "data": whom, **along},
            success=b'{"error":0,"error_text":"","result":["5f4fa1a5ce94","5f4fa1a5ce95"]}',
        )
        yield AltcraftCase(
            call=f"{path}/import_and_start",
            params={name: 8, "email": "john@example.com", "data": DATA, **along},
            success=_PROFILE_OK,
        )
        yield AltcraftCase(
            call=f"{path}/import_and_start_batch",
            params={name: 8, "data": ITEMS, "detect_geo": True, **along},
            success=_TWO,
        )


def _lists() -> Iterator[AltcraftCase]:
    for call in ("email_check", "email_add", "email_remove"):
        yield AltcraftCase(call=f"suppresses/{call}", params={"id": 1, "email": "john@example.com"})
    for call in ("phone_check", "phone_add", "phone_remove"):
        yield AltcraftCase(call=f"suppresses/{call}", params={"id": 1, "value": "+79000000000"})
    yield AltcraftCase(
        call="suppresses/phones_add",
        params={"id": 1, "values": ["+79000000000", "+79000000001"]},
        success=b'{"error":0,"total_count":2,"total_imported":2,"total_invalid":0}',
    )
    yield AltcraftCase(call="suppresses/add", params={"name": "New list"}, success=_SAVED)
    goal = {"pixel_id": 4, "email": "john@example.com", "pixel_data": {"sum": 5}}
    yield AltcraftCase(call="goals/register", params={**goal, "goal": "Sale", "value": 1.5})
    yield AltcraftCase(
        call="goals/register", params={**goal, "goals": [{"goal": "Sale", "value": 2.0}]}
    )
    yield AltcraftCase(call="market/orders/import", params={"data": ORDERS}, success=_OK)
    yield AltcraftCase(
        call="market/orders/import",
        params={
            "custom_fields": [{"external_id": "f", "name": "F", "entity_type": "order"}],
            "custom_line_statuses": [{"external_id": "s", "name": "S", "type": "in_process"}],
            "skip_triggers": True,
            "data": ORDERS,
        },
        success=_TWO,
        variant="itemised",
    )
    yield AltcraftCase(
        call="market/orders/list", params={"from_id": "", "limit": 3, "endpoint": "website"}
    )
    status = b'{"error":0,"error_text":"","result":{"endpoint":"marketplace","status":"delivered"}}'
    yield AltcraftCase(
        call="market/orders/get_status", params={"external_id": "A598t32D"}, success=status
    )
    yield AltcraftCase(call="market/orders/get_status", params={"id": 1}, success=status)
    yield AltcraftCase(call="api", params={"path": "segments/add", "body": {"name": "New"}})


def _transports() -> Iterator[AltcraftCase]:
    """The same calls in XML, through the platform's broker, and through its import queue."""
    subscription = {"profile_id": "p-1", "channel": "email", **CHANNELS["email"]}
    xml = {"format": "xml"}
    for call, params, success in (
        ("subscriptions/set", {**subscription, **_EVERYTHING}, _OK_XML),
        ("profiles/import", {**MODES["email"], "data": DATA}, _OK_XML),
        ("profiles/import_batch", {"data": ITEMS}, _TWO_XML),
        (
            "vsenders/clone",
            {"id": 15},
            b"<xml><data><saved_id>16</saved_id></data><error>0</error></xml>",
        ),
        ("vsenders/add", {"name": "N", "email_rules": RULES, "sms_rules": []}, _OK_XML),
        ("market/orders/import", {"data": ORDERS}, _OK_XML),
    ):
        yield AltcraftCase(
            call=call,
            params=params,
            success=success,
            settings=xml,
            variant="xml",
            lenient=frozenset({"cats"}),
        )
    amqp: dict[str, Any] = {"transport": "amqp", "amqp": {"env": BROKER}}
    for call, params, body in (
        ("subscriptions/set", subscription, _OK),
        ("campaigns/triggers/import_and_start_batch", {"trigger_id": 8, "data": ITEMS}, _TWO),
        ("profiles/import", {**MODES["email"], "data": DATA}, _OK),
    ):
        yield AltcraftCase(
            call=call,
            params=params,
            success=b'{"request_id":"0Xq_-9","body":' + body + b"}",
            settings=amqp,
            variant="amqp",
        )
    for call in ("profiles/import", "profiles/update"):
        yield AltcraftCase(
            call=call,
            params={**MODES["email"], "data": DATA, "skip_triggers": True},
            success=b'{"error":0,"error_text":"","feedback_id":"0Xq_-9","profile_id":"5f4fa1a5"}',
            settings={**amqp, "imports": "queue", "account_id": 1},
            variant="queue",
            tokens=0,
        )
