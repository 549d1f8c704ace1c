"""The catalogue of business events, and what is told about data that do not keep to it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.errors import InvalidEvent
from gateway.events.schemas import (
    Schemas,
    compile_schema,
    load_catalogue,
    read_catalogue,
)
from gateway.events.types import EVENT_TYPE
from gateway.sources.presets import (
    adobe_commerce,
    bigcommerce,
    shopify,
    stripe,
    woocommerce,
)
from vendors.smsgateway24.callbacks import TextCallbacks
from vendors.smsgateway24.provider import SmsGateway24Provider

ROOT = Path(__file__).resolve().parents[4]
TYPES = {
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.delivered",
    "order.cancelled",
    "order.refunded",
    "cart.abandoned",
    "user.signed_up",
    "user.updated",
    "user.deleted",
    "consent.changed",
    "otp.requested",
    "shop.opened",
    "sms.received",
    "sms.delivered",
}
SECRET = "zebra-4711"
PRESETS = (adobe_commerce, bigcommerce, shopify, stripe, woocommerce)


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return load_catalogue()


def refusal(schemas: Schemas, kind: str, data: dict[str, Any]) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        schemas.check(kind, data)
    return caught.value


def test_the_catalogue_has_a_schema_for_each_common_type(schemas: Schemas) -> None:
    assert {schema.type for schema in schemas} == TYPES
    assert all(EVENT_TYPE.fullmatch(schema.type) for schema in schemas)


def described(schema: dict[str, Any], path: str) -> list[str]:
    """Fields without a title or a description."""
    bare = [] if schema.get("title") and schema.get("description") else [path]
    for name, inner in schema.get("properties", {}).items():
        bare += described(inner, f"{path}.{name}")
    if "items" in schema:
        bare += described(schema["items"], f"{path}[]")
    return bare


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_field_of_the_catalogue_has_a_title_and_a_description(name: str) -> None:
    assert described(read_catalogue()[name], name) == []


def test_the_catalogue_is_part_of_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = settings["tool"]["setuptools"]["package-data"]
    assert packaged["gateway.events"] == ["catalogue/*.json"]


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "events").glob("*.json")))
def test_the_sample_events_keep_to_the_catalogue(schemas: Schemas, file: Path) -> None:
    event = orjson.loads(file.read_bytes())
    schemas.check(event["type"], event["data"])


@pytest.mark.parametrize("preset", PRESETS)
def test_the_catalogue_has_each_type_that_a_preset_makes(schemas: Schemas, preset: Any) -> None:
    topics = getattr(preset, "_TOPICS", {}).values()
    assert all(schemas.get(topic.type) for topic in topics if topic.type is not None)


def test_a_text_that_the_gateway_calls_about_keeps_to_sms_received(schemas: Schemas) -> None:
    body = {
        "address": "+491713920001",
        "body": "STOP",
        "device_id": "260",
        "device_name": "Shop",
        "sim": 1,
        "type": "inbox",
        "date_sent": "2026-11-22 10:00:00",
        "sms_id": 5,
    }
    provider = SmsGateway24Provider.model_validate(
        {
            "kind": "smsgateway24",
            "url": "http://127.0.0.1:1",
            "token": {"env": "T"},
            "device_id": 260,
            "region": "DE",
        }
    )
    called = TextCallbacks().read(orjson.dumps(body), provider)
    assert called is not None
    (text,) = called.incoming
    assert set(text.data) == {"from", "body", "device_id", "sim", "device_name", "type"}
    schemas.check(text.type, dict(text.data))


@pytest.mark.parametrize(
    ("data", "field", "expected"),
    [
        ({"customer": {"phone": 49171}}, "data.customer.phone", "expected string"),
        ({"items": [{"sku": "A"}, {"count": "x"}]}, "data.items[1].count", "expected number"),
        ({"total": SECRET}, "data.total", "matches"),
        ({"total": True}, "data.total", "expected number or string"),
        ({"email": SECRET}, "data.email", "expected the format idn-email"),
        ({"phone": ""}, "data.phone", "expected at least 1 characters"),
        ({"custmer": {}}, "data.?", "does not name"),
        ({"customer": {SECRET: 1}}, "data.customer.?", "does not name"),
    ],
)
def test_a_refusal_names_the_field_and_what_was_expected(
    schemas: Schemas, data: dict[str, Any], field: str, expected: str
) -> None:
    error = refusal(schemas, "order.placed", data)
    assert (error.code, error.field) == ("schema", field)
    assert expected in error.detail
    assert SECRET not in error.detail + error.field


def test_a_field_that_is_required_is_named(schemas: Schemas) -> None:
    error = refusal(schemas, "consent.changed", {})
    assert (error.code, error.field) == ("schema", "data.granted")


def test_a_type_that_nobody_describes_has_a_code_of_its_own(schemas: Schemas) -> None:
    error = refusal(schemas, "house.sold", {})
    assert (error.code, error.field) == ("no-schema", "type")


@pytest.mark.parametrize("amount", ["19.90", "-1", 19.9, 20])
def test_money_is_a_decimal_string_or_a_number(schemas: Schemas, amount: Any) -> None:
    schemas.check("order.placed", {"total": amount})


def test_the_delivery_that_a_preset_adds_is_open(schemas: Schemas) -> None:
    schemas.check("order.placed", {"original": {"anything": [1, {"at": None}]}})


def test_names_of_fields_that_only_the_event_has_are_never_repeated() -> None:
    schemas = Schemas(
        [
            compile_schema(
                "a",
                {
                    "patternProperties": {"^x": {"type": "object", "properties": {"b": False}}},
                    "additionalProperties": {"enum": ["one", 2]},
                },
            )
        ]
    )
    error = refusal(schemas, "a", {f"x{SECRET}": {"b": SECRET}})
    assert (error.field, SECRET in error.detail) == ("data.?.b", False)
    error = refusal(schemas, "a", {SECRET: SECRET})
    assert (error.field, error.detail) == ("data.?", 'The field data.?: expected one of: "one", 2.')


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {"required": ["a"]}},
        {"oneOf": [{"required": ["b"]}, {"required": ["c"]}]},
        {"anyOf": [{"properties": {"a": {"const": 1}}}]},
        {"propertyNames": {"maxLength": 1, "pattern": "^b$"}},
        {"properties": {"a": {"const": 5}}},
        {"properties": {"a": {"maxLength": 2}}},
        {"properties": {"a": {"contentEncoding": "base64", "format": "uuid"}}},
        {"maxProperties": 0},
        {"unevaluatedProperties": False},
        {"dependentRequired": {"a": ["b"]}},
        {"properties": {"a": {"if": True, "then": False}}},
    ],
)
def test_no_keyword_of_a_schema_makes_a_refusal_repeat_the_event(schema: dict[str, Any]) -> None:
    error = refusal(Schemas([compile_schema("a", schema)]), "a", {"a": SECRET})
    assert SECRET not in error.detail + error.field


def test_text_that_is_no_unicode_is_refused_and_not_a_failure(schemas: Schemas) -> None:
    assert refusal(schemas, "order.placed", {"email": "\ud800"}).code == "schema"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/order.json"},
        {"properties": {"a": {"$ref": "file:///etc/hostname"}}},
        {"$ref": "#/$defs/none"},
        {"type": "strng"},
        {"properties": {"a": {"pattern": "(?=a)b"}}},
        {"properties": {"a": {"format": "no-such-format"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
    ],
)
def test_a_schema_that_cannot_be_relied_on_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compile_schema("a", schema)
