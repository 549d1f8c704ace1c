"""The vendor's description and the simulator, which share no code, understand each other.

Requests as `vendors` makes them, over HTTP, and the answers read as `vendors` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from core.configuration import SecretRef
from sandbox.smsgateway24.texts import FIRST_ID, Change, Text
from sandbox.smsgateway24.webhooks import Shape, delivery, incoming
from tests.unit.sandbox.conftest import Sandbox
from tests.unit.sandbox.test_smsgateway24_calls import control, status_of
from tests.unit.vendors.cases import NOW, TOKEN, sms_provider
from tests.unit.vendors.sms_cases import EMAIL, SmsCase, sms_cases
from vendors.gather import Item
from vendors.lookup import Finding
from vendors.report import Stage
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.smsgateway24.gettoken import LOGIN
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Answer, Identity, OutcomeKind, Params, Request

CASES = list(sms_cases(SecretRef(env="POSTERN_TEST_TOKEN")))
CALLS = SMSGATEWAY24.operations
SEND = CALLS["send"]
IDENTITY = Identity(request_id="r", tag=7, called_at=NOW)
TEXT: Params = {"to": "+4915752982212", "text": "Hello!"}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTERN_TEST_TOKEN", TOKEN)
    monkeypatch.setenv(EMAIL, "login@example.com")


def provider(**settings: Any) -> SmsGateway24Provider:
    token = None if "password" in settings else SecretRef(env="POSTERN_TEST_TOKEN")
    return sms_provider(token, **settings)


def login() -> SmsGateway24Provider:
    return provider(email=SecretRef(env=EMAIL), password=SecretRef(env="POSTERN_TEST_TOKEN"))


async def ask(sandbox: Sandbox, request: Request) -> Answer:
    url = f"{sandbox.url}/smsgateway24/{request.path}"
    async with sandbox.http.post(url, data=request.body, headers=request.headers) as answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(status=answer.status, headers=headers, body=await answer.read())


async def call(sandbox: Sandbox, params: Params, account: SmsGateway24Provider) -> Any:
    """A text of ours; the outcome."""
    request = SEND.request(SEND.prepare(params, account), IDENTITY, account)
    return SEND.read(await ask(sandbox, request), params, account)


async def prepare_account(sandbox: Sandbox) -> None:
    """What the cases speak of: tags, and a text with a known id."""
    for title in ("Customers", "Friends"):
        await sandbox.sms("savetag", {"token": "t", "title": title})
    await sandbox.add()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.call)
async def test_every_call_is_understood_and_its_answer_is_done(
    sandbox: Sandbox, case: SmsCase
) -> None:
    await prepare_account(sandbox)
    there: Mapping[str, Params] = {
        "getsmsstatus": {"sms_id": FIRST_ID},
        "savecontact": {"tag_id": 8304},
        "savepaket": {"tags": [8303, 8304]},
    }
    account = provider(**case.settings)
    operation = CALLS[case.call]
    params = operation.prepare({**case.params, **there.get(case.call, {})}, account)
    answer = await ask(sandbox, operation.request(params, IDENTITY, account))
    outcome = operation.read(answer, params, account)
    assert outcome.kind is OutcomeKind.DONE, outcome.reason
    if not operation.repeatable:
        newest = (await sandbox.effects())[-1]
        assert outcome.reference in {newest["reference"], None}


async def test_a_text_is_found_again_by_either_question_and_another_is_not(
    sandbox: Sandbox,
) -> None:
    account = provider()
    params = SEND.prepare(TEXT, account)
    lookup = SEND.lookup
    assert lookup is not None

    async def found(identity: Identity) -> list[Finding]:
        queries = lookup.queries(params, identity, account)
        answers = [await ask(sandbox, query.request) for query in queries]
        return [lookup.read(it, params, identity, frozenset()).finding for it in answers]

    assert await found(IDENTITY) == [Finding.EMPTY, Finding.EMPTY]
    await call(sandbox, TEXT, account)
    assert await found(IDENTITY) == [Finding.FOUND, Finding.FOUND]
    assert await found(replace(IDENTITY, tag=8)) == [Finding.EMPTY, Finding.EMPTY]


@pytest.mark.parametrize("status", [7, 9])
async def test_a_text_is_followed_to_its_end(sandbox: Sandbox, status: int) -> None:
    account = provider()
    await control(sandbox, "POST", "/outcomes", {"status": status})
    reference = (await call(sandbox, TEXT, account)).reference
    sandbox.clock.advance(timedelta(seconds=10))
    await status_of(sandbox, int(reference), status)
    follow = SEND.follow
    assert follow is not None
    answer = await ask(sandbox, follow.query(reference, account))
    receipt = follow.read(answer, reference, account)
    assert receipt is not None
    assert receipt.final
    assert receipt.stage is (Stage.DELIVERED if status == 7 else Stage.FAILED)


async def test_gathered_texts_are_saved_and_each_is_found(sandbox: Sandbox) -> None:
    account = provider()
    gather = SEND.gather
    assert gather is not None
    items = [
        Item(
            params=SEND.prepare({**TEXT, "text": f"Text {tag}"}, account),
            identity=replace(IDENTITY, tag=tag),
        )
        for tag in range(1, 101)
    ]
    outcome = gather.read(await ask(sandbox, gather.request(items, account)), account)
    assert outcome.kind is OutcomeKind.DONE
    found = gather.found(await ask(sandbox, gather.find(items, account)), items)
    effects = await sandbox.effects()
    assert {str(tag): reference for tag, reference in found.items()} == {
        effect["params"]["customerid"]: effect["reference"] for effect in effects
    }
    assert len(found) == 100


async def test_a_silent_phone_is_seen_to_be_silent(sandbox: Sandbox) -> None:
    account = provider(device_id=[260, 261, 7], pick="online")
    rotation = SEND.rotation
    assert rotation is not None
    await control(sandbox, "PATCH", "/devices/260", {"online": False})
    sandbox.clock.advance(timedelta(minutes=6))
    answer = await ask(sandbox, rotation.query(account))
    # The answer says what time it is there: our own clock does not count.
    ways = rotation.read(answer, account, NOW - timedelta(days=1))
    assert ways is not None
    assert [way.seen for way in ways] == [timedelta(minutes=6), timedelta(0), None]


async def test_a_revoked_token_is_renewed_by_a_login(sandbox: Sandbox) -> None:
    account = login()

    async def log_in() -> None:
        outcome = LOGIN.read(await ask(sandbox, LOGIN.request(account)), account)
        assert outcome.kind is OutcomeKind.DONE
        account.adopt(outcome.reference)

    await log_in()
    assert (await call(sandbox, TEXT, account)).kind is OutcomeKind.DONE
    await control(sandbox, "POST", "/tokens/revoke")
    assert (await call(sandbox, TEXT, account)).kind is OutcomeKind.UNAUTHORIZED
    await log_in()
    assert (await call(sandbox, TEXT, account)).kind is OutcomeKind.DONE


@pytest.mark.parametrize("shape", ["reference", "older", "article"])
def test_what_the_simulator_posts_is_read_in_every_shape(shape: Shape) -> None:
    account = provider()
    callbacks = SMSGATEWAY24.callbacks
    assert callbacks is not None
    text = Text(id=5, sendto="+4915752982212", body="STOP", device_id="260", created=NOW)

    def read(content: dict[str, Any]) -> Any:
        return callbacks.read(orjson.dumps(content), account)

    stages = [
        read(delivery(Change(text=text, status=status), shape, NOW)).receipts[0].stage
        for status in (1, 3, 2, 6, 7, 9)
    ]
    pending = [Stage.PENDING] * 3
    assert stages == [*pending, Stage.SENT, Stage.DELIVERED, Stage.FAILED]
    (received,) = read(incoming(text, shape, "Shop")).incoming
    assert (received.data["from"], received.data["body"]) == ("+4915752982212", "STOP")
    assert received.time == NOW
