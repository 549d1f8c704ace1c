"""`subscriptions/set`: the vendor's printed example, every channel, every kind of answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from core.configuration import SecretRef
from core.errors import ConfigurationError
from tests.unit.vendors.cases import IDENTITY, TOKEN, altcraft_provider, answer, token_in
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.wire import Identity, InvalidParams, OutcomeKind, Params

SET = ALTCRAFT.operations["subscriptions/set"]
EMAIL: Params = {"profile_id": "p-1", "channel": "email", "email": "john@example.com"}


def test_the_printed_request_is_made_byte_for_byte(altcraft: AltcraftProvider) -> None:
    """The example of the vendor's page, without its indentation."""
    params = {
        "profile_id": "abcdefghijklmnqrstuvwxyz",
        "channel": "email",
        "email": "john@example.com",
        "priority": 10,
        "status": "suspended",
    }
    request = SET.request(SET.prepare(params, altcraft), IDENTITY, altcraft)
    assert request.path == "api/v1.1/subscriptions/set"
    assert request.body == (
        b'{"channel":"email","db_id":1,"email":"john@example.com","priority":10,'
        b'"profile_id":"abcdefghijklmnqrstuvwxyz","resource_id":1,"status":"suspended",'
        b'"token":"abcdefghijklmnqrstuvwxyz"}'
    )
    assert request.headers == {
        "Content-Type": "application/json",
        "Request-ID": "0Xq_-9",
        "X-Request-ID": "0Xq_-9",
    }


def test_the_printed_answer_is_done(altcraft: AltcraftProvider) -> None:
    printed = """{
        "data": {"action": "subscribed", "is_new_channel": false, "is_new_contact": false,
                 "is_new_subscription": true, "is_restored": false, "is_safe": true},
        "error": 0, "error_text": "Successful operation"}"""
    outcome = SET.read(answer(200, printed), {}, altcraft)
    assert (outcome.kind, outcome.reference, outcome.reason) == (
        OutcomeKind.DONE,
        None,
        "subscribed",
    )
    assert not outcome.duplicate


def test_with_bearer_the_token_is_not_in_the_body(token: SecretRef) -> None:
    provider = altcraft_provider(token, auth="bearer")
    request = SET.request(SET.prepare(EMAIL, provider), IDENTITY, provider)
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert "token" not in orjson.loads(request.body)


@pytest.mark.parametrize("bad", ["a\r\nHost: evil", "a\0", "a b\n", " padded", "ü"])
def test_a_value_that_could_start_a_header_of_its_own_is_never_sent(
    bad: str, altcraft: AltcraftProvider, tmp_path: Path
) -> None:
    identity = Identity(request_id=bad, tag=1, called_at=IDENTITY.called_at)
    with pytest.raises(ConfigurationError) as caught:
        SET.request(SET.prepare(EMAIL, altcraft), identity, altcraft)
    assert bad not in str(caught.value)
    provider = altcraft_provider(token_in(tmp_path, "a\nb"), auth="bearer")
    with pytest.raises(ConfigurationError):
        SET.request(SET.prepare(EMAIL, provider), IDENTITY, provider)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"channel": "fax"}, "channel"),
        ({"email": None}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@c"}, "email"),
        ({"phone": "+79000000000"}, "phone"),
        ({"profile_id": ""}, "profile_id"),
        ({"profile_id": 5}, "profile_id"),
        ({"profile_id": None}, "profile_id"),
        ({"status": "gone"}, "status"),
        ({"status": 7}, "status"),
        ({"status": -1}, "status"),
        ({"status": True}, "status"),
        ({"priority": -1}, "priority"),
        ({"priority": "1"}, "priority"),
        ({"priority": True}, "priority"),
        ({"custom_fields": []}, "custom_fields"),
        ({"custom_fields": {"n": {"action": "incr", "value": 1}}}, "custom_fields"),
        ({"cats": "news"}, "cats"),
        ({"date": "22.08.2018"}, "date"),
        ({"date": "2018-08-22T00:00:00"}, "date"),
        ({"date": "2018-13-22T00:00:00Z"}, "date"),
        ({"ip": "300.1.1.1"}, "ip"),
        ({"skip_triggers": "yes"}, "skip_triggers"),
        ({"db_id": "1"}, "db_id"),
        ({"resource_id": 0}, "resource_id"),
        ({"channel": "sms", "email": None}, "phone"),
        ({"channel": "sms", "email": None, "phone": "0157 52982212"}, "phone"),
        ({"channel": "sms", "email": None, "phone": "+٤٩١٥٧٥٢٩٨٢٢١٢"}, "phone"),
        ({"channel": "push", "email": None, "provider": "Firefox"}, "subscription_id"),
        (
            {"channel": "telegram_bot", "email": None, "cc_data": {"phone": "+79000000000"}},
            "cc_data",
        ),
        ({"channel": "telegram_bot", "email": None, "cc_data": {"id": "1"}}, "cc_data.id"),
        ({"channel": "viber", "email": None, "cc_data": {"id": 1}}, "cc_data"),
        ({"channel": "viber", "email": None, "cc_data": {}}, "cc_data"),
        (
            {"channel": "viber", "email": None, "cc_data": {"phone": "+79000000000", "id": None}},
            "cc_data",
        ),
    ],
)
def test_what_the_documentation_does_not_allow_is_refused(
    wrong: Params, field: str, altcraft: AltcraftProvider
) -> None:
    with pytest.raises(InvalidParams) as caught:
        SET.prepare({**EMAIL, **wrong}, altcraft)
    assert caught.value.field == field


def test_a_status_number_travels_as_its_word(altcraft: AltcraftProvider) -> None:
    words = [SET.prepare({**EMAIL, "status": n}, altcraft)["status"] for n in range(7)]
    assert words == [
        "subscribed",
        "unsubscribed",
        "complained",
        "hardbounced",
        "unconfirmed",
        "suspended",
        "invalid",
    ]


def test_database_and_resource_come_from_the_provider_unless_given(token: SecretRef) -> None:
    provider = altcraft_provider(token, db_id=3, resource_id=None)
    with pytest.raises(InvalidParams, match="resource_id"):
        SET.prepare(EMAIL, provider)
    prepared = SET.prepare({**EMAIL, "resource_id": 8}, provider)
    assert (prepared["db_id"], prepared["resource_id"]) == (3, 8)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (400, OutcomeKind.REFUSED),
        (401, OutcomeKind.UNAUTHORIZED),
        (402, OutcomeKind.TEMPORARY),
        (403, OutcomeKind.FORBIDDEN),
        (404, OutcomeKind.REFUSED),
        (429, OutcomeKind.TEMPORARY),
        (440, OutcomeKind.REFUSED),
        ("440", OutcomeKind.REFUSED),
        (500, OutcomeKind.TEMPORARY),
        (503, OutcomeKind.TEMPORARY),
        (7, OutcomeKind.TEMPORARY),
        (-1, OutcomeKind.TEMPORARY),
    ],
)
def test_an_error_in_the_body_counts_with_either_status(
    status: int, error: object, kind: OutcomeKind, altcraft: AltcraftProvider
) -> None:
    """The documentation leaves open which status comes with a business error."""
    body = orjson.dumps({"error": error, "error_text": "Some words"})
    outcome = SET.read(answer(status, body), {}, altcraft)
    assert outcome.kind is kind
    assert "Some words" in outcome.reason
    assert str(error) in outcome.reason


def test_an_error_status_outweighs_a_body_that_claims_success(altcraft: AltcraftProvider) -> None:
    assert SET.read(answer(500, '{"error":0}'), {}, altcraft).kind is OutcomeKind.TEMPORARY
    assert SET.read(answer(400, '{"error":0}'), {}, altcraft).kind is OutcomeKind.REFUSED


def test_a_tariff_limit_is_tried_again_slowly(altcraft: AltcraftProvider) -> None:
    for limited in (answer(402), answer(200, '{"error":402}')):
        assert SET.read(limited, {}, altcraft).retry_after == timedelta(hours=1)
    asked = answer(200, '{"error":402}', retry_after="60")
    assert SET.read(asked, {}, altcraft).retry_after == timedelta(minutes=1)


@pytest.mark.parametrize("name", ["duplicate_request", "x_duplicate_request"])
def test_an_answer_from_the_providers_memory_is_told_apart(
    name: str, altcraft: AltcraftProvider
) -> None:
    for body in ('{"error":0}', '{"error":500}'):
        assert SET.read(answer(200, body, **{name: "true"}), {}, altcraft).duplicate
        assert not SET.read(answer(200, body, **{name: "false"}), {}, altcraft).duplicate


def test_reasons_do_not_repeat_a_persons_address(altcraft: AltcraftProvider) -> None:
    said = '{"error":400,"error_text":"john@example.com is not valid\\n\\u0000"}'
    reason = SET.read(answer(200, said), {}, altcraft).reason
    assert reason == "HTTP 200, error 400: *** is not valid"


def test_effects_tell_subscriptions_apart(altcraft: AltcraftProvider, token: SecretRef) -> None:
    """One profile, one order; another contact, resource or installation, another entity."""
    variants = [
        EMAIL,
        {**EMAIL, "email": "jane@example.com"},
        {**EMAIL, "resource_id": 2},
        {**EMAIL, "channel": "sms", "email": None, "phone": "+79000000000"},
        {**EMAIL, "channel": "viber", "email": None, "cc_data": {"phone": "+79000000000"}},
    ]
    effects = [SET.effect(SET.prepare(params, altcraft), altcraft) for params in variants]
    (shared,) = set.intersection(*(set(effect.order_keys) for effect in effects))
    assert len({effect.targets[0].entity for effect in effects}) == len(variants)
    elsewhere = altcraft_provider(token, url="https://other.example")
    other = SET.effect(SET.prepare(EMAIL, elsewhere), elsewhere)
    assert shared not in other.order_keys
    assert other.targets[0].entity != effects[0].targets[0].entity


def test_an_address_in_other_letters_is_the_same_subscription(altcraft: AltcraftProvider) -> None:
    """Otherwise an older consent for JOHN@ could overwrite a newer one for john@."""
    same = SET.prepare({**EMAIL, "email": " John@EXAMPLE.com"}, altcraft)
    first = SET.effect(SET.prepare(EMAIL, altcraft), altcraft)
    assert SET.effect(same, altcraft).targets[0].entity == first.targets[0].entity


def test_a_null_custom_field_travels(altcraft: AltcraftProvider) -> None:
    prepared = SET.prepare({**EMAIL, "custom_fields": {"city": None}}, altcraft)
    assert prepared["custom_fields"] == {"city": None}


@pytest.mark.parametrize(
    ("params", "whom"),
    [
        (EMAIL, "john@example.com"),
        ({**EMAIL, "channel": "sms", "email": None, "phone": "+7 900 000-00-00"}, "+79000000000"),
        ({**EMAIL, "channel": "telegram_bot", "email": None, "cc_data": {"id": 1}}, "p-1"),
    ],
)
def test_the_recipient_is_the_contact_or_the_profile(
    params: Params, whom: str, altcraft: AltcraftProvider
) -> None:
    assert SET.recipient(SET.prepare(params, altcraft)) == whom
