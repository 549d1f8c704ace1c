"""What the documentation refuses, call by call, and how calls that must not be made twice are
judged."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from core.configuration import SecretRef
from tests.unit.vendors.altcraft_cases import DATA, MODES, ORDERS
from tests.unit.vendors.cases import IDENTITY, TOKEN, altcraft_provider, answer
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.matching import fields_of
from vendors.altcraft.provider import AltcraftProvider
from vendors.wire import InvalidParams, OutcomeKind, Params

NOT_REPEATABLE = {
    "profiles/add",
    "profiles/add_batch",
    "vsenders/clone",
    "vsenders/add",
    "campaigns/triggers/start",
    "campaigns/triggers/start_batch",
    "campaigns/triggers/import_and_start",
    "campaigns/triggers/import_and_start_batch",
    "workflows/start",
    "workflows/start_batch",
    "workflows/import_and_start",
    "workflows/import_and_start_batch",
    "suppresses/add",
    "goals/register",
    "api",
}


def refused(call: str, params: Params, provider: AltcraftProvider) -> str:
    with pytest.raises(InvalidParams) as caught:
        ALTCRAFT.operations[call].prepare(params, provider)
    return caught.value.field


def test_calls_that_make_something_happen_are_not_repeatable() -> None:
    found = {name for name, each in ALTCRAFT.operations.items() if not each.repeatable}
    assert found == NOT_REPEATABLE


def test_every_call_says_what_it_does_and_where_that_stands() -> None:
    for operation in ALTCRAFT.operations.values():
        assert operation.summary.endswith(".")
        assert operation.source.startswith("Altcraft, ")
        assert operation.window is not None


def test_every_parameter_is_described_at_every_depth() -> None:
    for name, operation in ALTCRAFT.operations.items():
        schema = operation.model.model_json_schema()
        for model in (schema, *schema.get("$defs", {}).values()):
            for field, described in model.get("properties", {}).items():
                assert described.get("description"), f"{name}: {field}"


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_needs_exactly_its_fields(mode: str, altcraft: AltcraftProvider) -> None:
    found = {"matching": mode, **MODES[mode]}
    get = ALTCRAFT.operations["profiles/get"]
    assert get.prepare(found, altcraft)["matching"] == mode
    for name in fields_of(mode):  # type: ignore[arg-type]  # its word is the mode
        if name in found and not mode.startswith("email_phone"):
            assert refused("profiles/get", {**found, name: None}, altcraft) == name
    if mode != "custom":
        assert refused("profiles/get", {**found, "field_name": "CRM_ID"}, altcraft) == "field_name"


def test_without_a_mode_it_is_by_email(altcraft: AltcraftProvider) -> None:
    assert refused("profiles/get", {}, altcraft) == "email"
    assert refused("profiles/get", {"phone": "+79000000000"}, altcraft) in {"email", "phone"}
    by_email = ALTCRAFT.operations["profiles/get"].prepare({"email": "a@example.com"}, altcraft)
    assert by_email == {"db_id": 1, "email": "a@example.com"}
    both = {"matching": "email_phone", "email": None}
    assert refused("profiles/get", both, altcraft) == "email"


@pytest.mark.parametrize(
    "data",
    [
        {"visits": {"action": "incr", "value": 1}},
        {"tags": {"action": "add", "value": "x"}},
        {"subscriptions": [{"email": "a@b", "custom_fields": {"n": {"action": "incr"}}}]},
        {"_sex": "man"},
        {"_bdate": "1990-01-01"},
        {"email": "nobody"},
        {"phones": ["0157 52982212"]},
        {"": 1},
        {"subscriptions": [{"channel": "sms", "email": "a@b"}]},
        {"subscriptions": [{"email": "a@b", "status": 7}]},
        {"subscriptions": [{"email": "a@b", "priority": -2}]},
        {"subscriptions": [{"status": 1}]},
        {"subscriptions": "none"},
    ],
)
def test_data_that_the_documentation_does_not_allow_is_refused(
    data: Params, altcraft: AltcraftProvider
) -> None:
    params = {"email": "john@example.com", "data": data}
    for call in ("profiles/import", "profiles/update"):
        assert refused(call, params, altcraft).split(".")[0] == "data"


def test_a_value_that_counts_up_may_go_where_nothing_is_repeated(
    altcraft: AltcraftProvider,
) -> None:
    data = {"visits": {"action": "incr", "value": 1}}
    ALTCRAFT.operations["profiles/add"].prepare({"data": data}, altcraft)
    start = ALTCRAFT.operations["campaigns/triggers/import_and_start"]
    params = {"trigger_id": 1, "email": "john@example.com", "data": data}
    assert start.prepare(params, altcraft)["data"] == data


def test_subscriptions_in_data_get_channel_and_resource_and_lose_what_means_nothing(
    altcraft: AltcraftProvider,
) -> None:
    params = {"email": "john@example.com", "data": DATA}
    prepared = ALTCRAFT.operations["profiles/import"].prepare(params, altcraft)
    assert [(it["channel"], it["resource_id"]) for it in prepared["data"]["subscriptions"]] == [
        ("email", 1),
        ("sms", 2),
        ("telegram_bot", 1),
    ]
    assert prepared["data"]["subscriptions"][2].keys() == {"channel", "cc_data", "resource_id"}
    assert prepared["data"]["_fname"] == "John"


def test_a_subscription_without_a_resource_is_refused(token: SecretRef) -> None:
    provider = altcraft_provider(token, resource_id=None)
    params = {"email": "a@example.com", "data": {"subscriptions": [{"email": "a@example.com"}]}}
    assert refused("profiles/import", params, provider) == "data"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"id": 5}, "email"),
        ({"email": "a@example.com"}, "id"),
        ({"id": "5x", "email": "a@example.com"}, "id"),
        ({"id": 5, "email": "a@example.com", "custom_request": {"a": 1}}, "custom_request"),
        ({"id": 5, "matching": "email", "custom_request": {"a": 1}}, "custom_request"),
        ({"id": 5, "email": "a@example.com", "db_id": 1}, "db_id"),
    ],
)
def test_a_start_finds_somebody_in_exactly_one_way(
    params: Params, field: str, altcraft: AltcraftProvider
) -> None:
    assert refused("campaigns/triggers/start", params, altcraft).split(".")[0] == field


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "goal"),
        ({"goal": "Sale", "goals": [{"goal": "Sale"}]}, "goal"),
        ({"goals": [{"goal": "Sale"}], "value": 1.0}, "value"),
        ({"goal": "x" * 129}, "goal"),
        ({"goal": "Sale", "matching": "email_sub"}, "matching"),
        ({"goal": "Sale", "pixel_data": {"a": {"b": 1}}}, "pixel_data"),
        ({"goal": "Sale", "pixel_data": {"a": "x" * 1024}}, "pixel_data"),
        ({"goal": "Sale", "date": "today"}, "date"),
    ],
)
def test_goals_are_held_to_their_limits(
    params: Params, field: str, altcraft: AltcraftProvider
) -> None:
    given = {"pixel_id": 1, "email": "a@example.com", **params}
    assert refused("goals/register", given, altcraft) == field


@pytest.mark.parametrize(
    "wrong",
    [
        {"external_id": None},
        {"total_price": "free"},
        {"total_price": "1,000"},
        {"currency": "dollars"},
        {"create_time": "2022-01-02"},
        {"matching": "phone"},
        {"lines": [{"count": -1, "external_id": "x"}]},
        {"colour": "red"},
    ],
)
def test_orders_are_held_to_their_shape(wrong: Params, altcraft: AltcraftProvider) -> None:
    order = {name: it for name, it in {**ORDERS[0], **wrong}.items() if it is not None}
    assert refused("market/orders/import", {"data": [order]}, altcraft).startswith("data.0")


def test_prices_travel_as_text(altcraft: AltcraftProvider) -> None:
    prepared = ALTCRAFT.operations["market/orders/import"].prepare({"data": ORDERS}, altcraft)
    assert (prepared["data"][0]["total_price"], prepared["data"][0]["delivery_cost"]) == (
        "1000",
        "100",
    )


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/segments/add",
        "segments/add/",
        "../v1.0/lists",
        "segments//add",
        "segments/add?token=x",
        "Segments/add",
        "segments/ädd",
        "segments/add\n",
        "http://evil.example/x",
        "subscriptions/set",
        "admin/vsenders/list",
    ],
)
def test_any_other_call_has_a_plain_path_that_no_operation_stands_for(
    path: str, altcraft: AltcraftProvider
) -> None:
    """Through it, `subscriptions/set` would get around the order of consent."""
    assert refused("api", {"path": path}, altcraft) == "path"


def test_any_other_call_carries_its_body_and_the_providers_token(
    altcraft: AltcraftProvider,
) -> None:
    operation = ALTCRAFT.operations["api"]
    prepared = operation.prepare({"path": "segments/add", "body": {"name": "New"}}, altcraft)
    request = operation.request(prepared, IDENTITY, altcraft)
    assert request.path == "api/v1.1/segments/add"
    assert orjson.loads(request.body) == {"name": "New", "token": TOKEN}
    for name in ("token", "format"):
        assert refused("api", {"path": "segments/add", "body": {name: "x"}}, altcraft) == "body"


@pytest.mark.parametrize("call", sorted(NOT_REPEATABLE))
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (400, OutcomeKind.REFUSED),
        (440, OutcomeKind.REFUSED),
        (401, OutcomeKind.UNAUTHORIZED),
        (403, OutcomeKind.FORBIDDEN),
        (402, OutcomeKind.TEMPORARY),
        (503, OutcomeKind.TEMPORARY),
        (500, OutcomeKind.UNKNOWN),
        (7, OutcomeKind.UNKNOWN),
        (300, OutcomeKind.UNKNOWN),
    ],
)
def test_only_what_was_certainly_turned_away_is_tried_again(
    call: str, error: int, kind: OutcomeKind, altcraft: AltcraftProvider
) -> None:
    body = orjson.dumps({"error": error, "error_text": "Words"})
    assert ALTCRAFT.operations[call].read(answer(200, body), {}, altcraft).kind is kind


@pytest.mark.parametrize(
    "profile_id", ["5f4fa1a5ce9448665fef548e", 5, None, ["x"], "a b", "x" * 99]
)
def test_a_reference_is_one_short_word(profile_id: Any, altcraft: AltcraftProvider) -> None:
    body = orjson.dumps({"error": 0, "profile_id": profile_id})
    outcome = ALTCRAFT.operations["profiles/import"].read(answer(200, body), {}, altcraft)
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.reference == {
        "5f4fa1a5ce9448665fef548e": "5f4fa1a5ce9448665fef548e",
        5: "5",
    }.get(profile_id if isinstance(profile_id, str | int) else "")
