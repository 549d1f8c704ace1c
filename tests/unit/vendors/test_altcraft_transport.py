"""Calls as messages for the platform's own broker, and the settings that say so."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from core.configuration import SecretRef
from tests.unit.vendors.altcraft_cases import BROKER
from tests.unit.vendors.cases import IDENTITY, TOKEN, altcraft_provider, answer
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.wire import InvalidParams, OutcomeKind, Params, Queued

IMPORT = ALTCRAFT.operations["profiles/import"]
UPDATE = ALTCRAFT.operations["profiles/update"]
SET = ALTCRAFT.operations["subscriptions/set"]
AMQP: dict[str, Any] = {"transport": "amqp", "amqp": {"env": BROKER}}
JOHN: Params = {"email": "john@example.com", "data": {"_fname": "John"}}


@pytest.fixture(autouse=True)
def _broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROKER, "amqp://user:pw@broker.example/altcraft")


@pytest.fixture
def queue(token: SecretRef) -> AltcraftProvider:
    return altcraft_provider(token, **AMQP, imports="queue", account_id=1)


def test_a_call_becomes_a_message_with_its_token_inside(token: SecretRef) -> None:
    provider = altcraft_provider(token, **AMQP)
    params = {"profile_id": "p-1", "channel": "email", "email": "john@example.com"}
    request = SET.request(SET.prepare(params, provider), IDENTITY, provider)
    assert request.queued == Queued(
        queue="api_req", answers="api_resp", key="request_id", id="0Xq_-9"
    )
    assert orjson.loads(request.body) == {
        "request_id": "0Xq_-9",
        "request": "api/v1.1/subscriptions/set",
        "body": {**params, "db_id": 1, "resource_id": 1, "token": TOKEN},
    }
    with_account = altcraft_provider(token, **AMQP, account_id=5)
    message = SET.request(SET.prepare(params, with_account), IDENTITY, with_account).body
    assert orjson.loads(message)["account_id"] == 5


def test_an_answer_in_a_message_is_judged_as_over_http(token: SecretRef) -> None:
    provider = altcraft_provider(token, **AMQP)
    for error, kind in (
        (0, OutcomeKind.DONE),
        (400, OutcomeKind.REFUSED),
        (401, OutcomeKind.UNAUTHORIZED),
        (503, OutcomeKind.TEMPORARY),
    ):
        body = orjson.dumps({"request_id": "0Xq_-9", "body": {"error": error, "error_text": ""}})
        assert SET.read(answer(200, body), {}, provider).kind is kind
    for odd in (b'{"request_id":"x","body":"<html>"}', b'{"request_id":"x"}', b'{"body":{}}'):
        assert SET.read(answer(200, odd), {}, provider).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(("operation", "update_only"), [(IMPORT, False), (UPDATE, True)])
def test_a_profile_goes_through_the_import_queue_without_a_token(
    operation: Any, update_only: bool, queue: AltcraftProvider
) -> None:
    prepared = operation.prepare({**JOHN, "skip_triggers": True, "resource_id": 3}, queue)
    request = operation.request(prepared, IDENTITY, queue)
    assert request.queued == Queued(
        queue="database_import", answers="database_import_result", key="feedback_id", id="0Xq_-9"
    )
    assert orjson.loads(request.body) == {
        "account_id": 1,
        "db_id": 1,
        "data": {"_fname": "John"},
        "email": "john@example.com",
        "feedback_id": "0Xq_-9",
        "resource_id": 3,
        "skip_triggers": True,
        "update_only": update_only,
    }


def test_the_result_of_an_import_is_its_outcome(queue: AltcraftProvider) -> None:
    done = b'{"feedback_id":"0Xq_-9","error":0,"error_text":"","profile_id":"5f4fa1a5"}'
    outcome = IMPORT.read(answer(200, done), {}, queue)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "5f4fa1a5")
    failed = b'{"feedback_id":"0Xq_-9","error":400,"error_text":"No"}'
    assert IMPORT.read(answer(200, failed), {}, queue).kind is OutcomeKind.REFUSED


@pytest.mark.parametrize(
    "more", [{"add_to_segments": [1]}, {"detect_geo": True}, {"skip_invalid_subscriptions": True}]
)
def test_what_the_import_queue_does_not_know_is_refused(
    more: Params, queue: AltcraftProvider
) -> None:
    """Silently left out, nobody would notice."""
    with pytest.raises(InvalidParams) as caught:
        IMPORT.prepare({**JOHN, **more}, queue)
    assert caught.value.field in more


def test_other_calls_of_the_same_provider_go_through_the_api_queue(
    queue: AltcraftProvider,
) -> None:
    get = ALTCRAFT.operations["profiles/get"]
    prepared = get.prepare({"email": "john@example.com"}, queue)
    queued = get.request(prepared, IDENTITY, queue).queued
    assert queued is not None
    assert queued.queue == "api_req"


def test_the_brokers_address_is_a_secret(
    queue: AltcraftProvider, altcraft: AltcraftProvider
) -> None:
    assert queue.own_broker() == "amqp://user:pw@broker.example/altcraft"
    assert set(queue.secret_names()) == {"token", "amqp"}
    assert "pw" not in repr(queue)
    assert altcraft.own_broker() is None


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"transport": "amqp"}, "amqp"),
        ({"amqp": {"env": BROKER}}, "amqp"),
        ({**AMQP, "format": "xml"}, "format"),
        ({**AMQP, "auth": "bearer"}, "auth"),
        ({**AMQP, "imports": "queue"}, "imports"),
        ({"imports": "queue", "account_id": 1}, "imports"),
        ({"format": "yaml"}, "format"),
        ({"account_id": 0}, "account_id"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_name(
    settings: dict[str, Any], field: str, token: SecretRef
) -> None:
    with pytest.raises(ValidationError) as caught:
        altcraft_provider(token, **settings)
    assert caught.value.errors()[0]["loc"][0] == field


def test_every_setting_of_its_own_is_described() -> None:
    own = set(AltcraftProvider.__annotations__) - {"kind", "token"}
    for name in own:
        assert AltcraftProvider.model_fields[name].description
