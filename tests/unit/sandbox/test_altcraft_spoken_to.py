"""The vendor's descriptions speak to the simulator, in JSON and XML: what one writes the other
understands, although they share no code."""

from __future__ import annotations

from typing import Any

import pytest

from core.configuration import SecretRef
from tests.unit.sandbox.conftest import Sandbox
from tests.unit.sandbox.platform import profiles, state
from tests.unit.vendors.altcraft_cases import DATA, MODES, ORDERS, RULES
from tests.unit.vendors.cases import NOW, TOKEN, altcraft_provider
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.lookup import Finding, Sighting
from vendors.operation import Operation
from vendors.wire import Answer, Identity, Outcome, OutcomeKind, Params, Request

EMAIL: Params = {"channel": "email", "email": "john@example.com"}


class Speaker:
    """One provider at the simulator. Each call is an action of its own unless `number` says
    which."""

    def __init__(self, sandbox: Sandbox, provider: AltcraftProvider) -> None:
        self.sandbox = sandbox
        self.provider = provider
        self.calls = 0

    async def post(self, request: Request) -> Answer:
        url = f"{self.sandbox.url}/altcraft/{request.path}"
        sent = self.sandbox.http.post(url, data=request.body, headers=dict(request.headers))
        async with sent as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(status=answer.status, headers=headers, body=await answer.read())

    async def call(self, name: str, params: Params, number: int | None = None) -> Outcome:
        operation, prepared = self._prepared(name, params)
        identity = self.identity(number)
        answer = await self.post(operation.request(prepared, identity, self.provider))
        return operation.read(answer, prepared, self.provider)

    async def look(self, name: str, params: Params, number: int) -> Sighting:
        operation, prepared = self._prepared(name, params)
        assert operation.lookup is not None
        identity = self.identity(number)
        (query,) = operation.lookup.queries(prepared, identity, self.provider)
        answer = await self.post(query.request)
        return operation.lookup.read(answer, prepared, identity, frozenset())

    def identity(self, number: int | None) -> Identity:
        if number is None:
            self.calls += 1
            number = 1_000_000 + self.calls
        return Identity(request_id=f"r-{number}", tag=number, called_at=NOW)

    def _prepared(self, name: str, params: Params) -> tuple[Operation, Params]:
        operation = ALTCRAFT.operations[name]
        return operation, operation.prepare(params, self.provider)


SETTINGS: dict[str, dict[str, Any]] = {
    "json": {},
    "bearer": {"auth": "bearer"},
    "xml": {"format": "xml"},
}


@pytest.fixture(params=list(SETTINGS))
def speaker(
    request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Speaker:
    monkeypatch.setenv("POSTERN_TEST_TOKEN", TOKEN)
    settings = SETTINGS[request.param]
    return Speaker(sandbox, altcraft_provider(SecretRef(env="POSTERN_TEST_TOKEN"), **settings))


async def test_a_life_of_a_subscription(speaker: Speaker) -> None:
    imported = await speaker.call("profiles/import", {"email": "john@example.com", "data": DATA})
    assert imported.kind is OutcomeKind.DONE
    profile_id = imported.reference
    assert profile_id is not None
    john = {"profile_id": profile_id, **EMAIL}
    set_again = await speaker.call("subscriptions/set", {**john, "status": 1, "cats": ["sales"]})
    assert (set_again.kind, set_again.reason) == (OutcomeKind.DONE, "unsubscribed")
    for name in ("get", "delete", "undelete"):
        assert (await speaker.call(f"subscriptions/{name}", john)).kind is OutcomeKind.DONE
    assert (await speaker.call("subscriptions/list", {"profile_id": profile_id})).kind is (
        OutcomeKind.DONE
    )
    for name in ("list_all", "suspend_all", "unsuspend_all"):
        assert (await speaker.call(f"subscriptions/{name}", {})).kind is OutcomeKind.DONE
    (profile,) = (await profiles(speaker.sandbox)).values()
    assert profile["fields"]["_sex"] == 1
    assert profile["fields"]["tier"] == "gold"
    first = profile["subscriptions"][0]
    assert (first["status"], first["cats"], first["is_delete"]) == (
        "unsubscribed",
        ["sales"],
        False,
    )
    nobody = {**john, "email": "nobody@example.com"}
    assert (await speaker.call("subscriptions/delete", nobody)).kind is OutcomeKind.REFUSED


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "profile_id"])
async def test_the_same_profile_is_found_by_every_mode(speaker: Speaker, mode: str) -> None:
    data: Params = {
        "email": "john@example.com",
        "phones": ["+79000000000"],
        "CRM_ID": 123420,
        "subscriptions": [
            {**EMAIL, "resource_id": 3},
            {"channel": "sms", "phone": "+79000000000"},
            {"channel": "push", "provider": "Firefox", "subscription_id": "device-1"},
            {"channel": "telegram_bot", "cc_data": {"id": 7}},
        ],
    }
    made = await speaker.call("profiles/add", {"data": data})
    assert made.kind is OutcomeKind.DONE
    found = {"matching": mode, **MODES[mode]}
    updated = await speaker.call("profiles/update", {**found, "data": {"_city": "Vienna"}})
    assert (updated.kind, updated.reference) == (OutcomeKind.DONE, made.reference)
    assert (await speaker.call("profiles/get", found)).kind is OutcomeKind.DONE


async def test_what_failed_of_a_batch_is_what_is_sent_next(speaker: Speaker) -> None:
    items = [{"email": f"{name}@example.com", "_fname": name} for name in "abc"]
    await speaker.call("profiles/import_batch", {"data": items[:1]})
    outcome = await speaker.call("profiles/update_batch", {"data": items})
    assert outcome.kind is OutcomeKind.REFUSED
    assert outcome.reason.startswith("2 of 3 items failed; item 1: error 400")
    assert outcome.remaining is not None
    assert outcome.remaining["data"] == items[1:]
    done = await speaker.call("profiles/import_batch", outcome.remaining)
    assert done.kind is OutcomeKind.DONE
    assert len(await profiles(speaker.sandbox)) == 3


async def test_starts_lists_goals_and_orders(speaker: Speaker) -> None:
    john = {"email": "john@example.com"}
    for name, params in (
        ("campaigns/triggers/import_and_start", {"trigger_id": 8, **john, "data": {"_fname": "J"}}),
        ("workflows/import_and_start_batch", {"workflow_id": 8, "data": [{**john, "_fname": "J"}]}),
        ("campaigns/triggers/start", {"id": 5511, **john, "content": {"H1": "Hi"}}),
        ("workflows/start_batch", {"workflow_id": 8, "data": [john]}),
        ("suppresses/add", {"name": "Mine"}),
        ("suppresses/email_add", {"id": 1, **john}),
        ("suppresses/email_check", {"id": 1, **john}),
        ("suppresses/email_remove", {"id": 1, **john}),
        ("suppresses/phones_add", {"id": 1, "values": ["+79000000000", "+79000000001"]}),
        ("suppresses/phone_add", {"id": 1, "value": "+79000000002"}),
        ("suppresses/phone_check", {"id": 1, "value": "+79000000002"}),
        ("suppresses/phone_remove", {"id": 1, "value": "+79000000002"}),
        ("goals/register", {"pixel_id": 4, **john, "goal": "Sale", "value": 1.5}),
        ("market/orders/import", {"data": ORDERS}),
        ("market/orders/list", {"limit": 1}),
        ("market/orders/get_status", {"external_id": "1234000"}),
        ("api", {"path": "databases/list"}),
    ):
        outcome = await speaker.call(name, params)
        assert outcome.kind is OutcomeKind.DONE, (name, outcome)
    known = await state(speaker.sandbox)
    assert len(known["sends"]) == 4
    assert known["suppresses"]["1"]["phones"] == ["+79000000000", "+79000000001"]
    assert known["orders"][0]["lines"][0]["product"] == "p-7"
    assert known["orders"][0]["tags"] == ["one", "two"]
    smid = known["sends"][0]["smid"]
    assert (await speaker.call("profiles/message_unsub", {"rtoken": "r", "smid": smid})).kind is (
        OutcomeKind.REFUSED
    ), "nobody was subscribed"


async def test_a_life_of_a_virtual_sender(speaker: Speaker) -> None:
    new = {"name": "New", "email_rules": RULES, "sms_rules": []}
    made = await speaker.call("vsenders/add", new)
    assert (made.kind, made.reference) == (OutcomeKind.DONE, "16")
    assert (await speaker.look("vsenders/add", new, 1)).reference == "16"
    cloned = await speaker.call("vsenders/clone", {"id": 16}, number=7)
    assert (cloned.kind, cloned.reference) == (OutcomeKind.DONE, "17")
    assert await speaker.look("vsenders/clone", {"id": 16}, 7) == Sighting(
        finding=Finding.FOUND, reference="17", proven=True
    )
    absent = await speaker.look("vsenders/clone", {"id": 16}, 8)
    assert (absent.finding, absent.proven) == (Finding.EMPTY, True)
    for name, params in (
        ("update", {"id": 17, "name": "Other"}),
        ("get", {"id": 17}),
        ("list", {"from_id": 15}),
        ("delete", {"id": 17}),
    ):
        assert (await speaker.call(f"vsenders/{name}", params)).kind is OutcomeKind.DONE
    senders = {sender["id"]: sender for sender in (await state(speaker.sandbox))["vsenders"]}
    assert set(senders) == {14, 15, 16}
    assert senders[16]["email_rules"][0]["senders"][0]["sender_id"] == 3
    assert senders[16]["sms_rules"] == []


async def test_a_repeat_is_told_by_its_answer(speaker: Speaker) -> None:
    first = await speaker.call("vsenders/clone", {"id": 14}, number=7)
    again = await speaker.call("vsenders/clone", {"id": 14}, number=7)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.reference == again.reference


@pytest.mark.parametrize("way", ["body", "status"])
async def test_refusals_are_understood_either_way(speaker: Speaker, way: str) -> None:
    await speaker.sandbox.switch(altcraft_errors=way, altcraft_forbidden=["vsenders/get"])
    assert (await speaker.call("vsenders/get", {"id": 14})).kind is OutcomeKind.FORBIDDEN
    assert (await speaker.call("vsenders/clone", {"id": 99})).kind is OutcomeKind.REFUSED
    await speaker.sandbox.switch(altcraft_tariff_limit=True)
    limited = await speaker.call("vsenders/clone", {"id": 14})
    assert limited.kind is OutcomeKind.TEMPORARY
    assert limited.retry_after is not None
