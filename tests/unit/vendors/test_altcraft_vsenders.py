"""Virtual senders: never a second copy, and administrators' accounts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from core.configuration import SecretRef
from tests.unit.vendors.altcraft_cases import BROKER, RULES
from tests.unit.vendors.cases import IDENTITY, TOKEN, altcraft_provider, answer
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.lookup import Finding, Sighting
from vendors.wire import Answer, InvalidParams, OutcomeKind, Params

CLONE = ALTCRAFT.operations["vsenders/clone"]
ADD = ALTCRAFT.operations["vsenders/add"]
LIST = ALTCRAFT.operations["vsenders/list"]
SOURCE = {"id": 14, "name": "virtual sender #14"}
OURS = {"id": 17, "name": f"Clone of virtual sender #14 ({IDENTITY.tag})"}


def listed(*rows: Any) -> Answer:
    return answer(200, orjson.dumps({"error": 0, "error_text": "", "data": list(rows)}))


def look(
    answered: Answer, params: Params | None = None, claimed: frozenset[str] = frozenset()
) -> Sighting:
    assert CLONE.lookup is not None
    return CLONE.lookup.read(answered, params or {"id": 14}, IDENTITY, claimed)


def test_a_copy_without_a_name_gets_one_that_can_be_found_again(altcraft: AltcraftProvider) -> None:
    prepared = CLONE.prepare({"id": 14}, altcraft)
    body = orjson.loads(CLONE.request(prepared, IDENTITY, altcraft).body)
    assert body["name"] == OURS["name"]


def test_it_asks_for_the_list_from_the_source_on_without_a_request_id(
    altcraft: AltcraftProvider,
) -> None:
    """Under the clone's own Request-ID the platform would repeat the answer to the clone."""
    assert CLONE.lookup is not None
    (query,) = CLONE.lookup.queries({"id": 14}, IDENTITY, altcraft)
    assert query.request.path == "api/v1.1/vsenders/list"
    assert orjson.loads(query.request.body) == {"from_id": 14, "limit": 10_000, "token": TOKEN}
    assert not {name for name in query.request.headers if "Request-ID" in name}


def test_a_message_that_asks_for_the_list_has_an_id_of_its_own(
    token: SecretRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, "amqp://guest@127.0.0.1/")
    provider = altcraft_provider(token, transport="amqp", amqp={"env": BROKER})
    assert CLONE.lookup is not None
    (query,) = CLONE.lookup.queries({"id": 14}, IDENTITY, provider)
    assert query.request.queued is not None
    assert query.request.queued.id not in {"", IDENTITY.request_id}


def test_the_copy_is_found_by_its_name() -> None:
    seen = look(listed(SOURCE, {"id": 15, "name": "other"}, OURS))
    assert seen == Sighting(finding=Finding.FOUND, reference="17", proven=True)
    named = look(listed(SOURCE, {"id": 16, "name": "Shop"}), {"id": 14, "name": "Shop"})
    assert named.reference == "16"


def test_a_copy_that_another_action_made_is_not_ours() -> None:
    assert look(listed(SOURCE, OURS), claimed=frozenset({"17"})).finding is Finding.EMPTY
    twice = listed(SOURCE, OURS, {**OURS, "id": 18})
    assert look(twice, claimed=frozenset({"17"})).reference == "18"


def test_the_source_with_the_wanted_name_is_not_the_copy() -> None:
    assert look(listed(SOURCE), {"id": 14, "name": SOURCE["name"]}).finding is Finding.EMPTY


def test_an_empty_answer_counts_only_if_the_source_is_in_it() -> None:
    """The source comes first: where it is missing, the list is of another account, or none."""
    assert look(listed(SOURCE)) == Sighting(finding=Finding.EMPTY, proven=True)
    for unproven in (listed(), listed({"id": 99, "name": "other"})):
        assert look(unproven) == Sighting(finding=Finding.EMPTY, proven=False)


@pytest.mark.parametrize(
    "failed",
    [
        answer(200, "<html>"),
        answer(200, ""),
        answer(503, '{"error":0,"data":[]}'),
        answer(200, '{"error":403,"error_text":"No access","data":[]}'),
        answer(200, '{"error":0}'),
        listed(SOURCE, {"name": "no id"}),
        listed(SOURCE, {"id": 15, "name": 5}),
        listed(SOURCE, None),
        listed(*({"id": n, "name": "x"} for n in range(14, 10_014))),
    ],
    ids=["html", "nothing", "503", "error", "no-list", "no-id", "no-name", "null", "full-page"],
)
def test_a_list_that_is_not_whole_says_nothing(failed: Answer) -> None:
    assert look(failed).finding is Finding.FAILED


def test_the_list_is_read_in_xml_too() -> None:
    """One row is no list there, and numbers are text."""
    row = f"<data><id>17</id><name>{OURS['name']}</name></data>"
    source = "<data><id>14</id><name>virtual sender #14</name></data>"
    assert look(answer(200, f"<xml><error>0</error>{source}{row}</xml>")).reference == "17"
    assert look(answer(200, f"<xml><error>0</error>{source}</xml>")).proven
    assert not look(answer(200, "<xml><error>0</error><data/></xml>")).proven


def test_a_new_sender_is_looked_for_among_all(altcraft: AltcraftProvider) -> None:
    assert ADD.lookup is not None
    params = {"name": "New", "email_rules": [], "sms_rules": []}
    (query,) = ADD.lookup.queries(params, IDENTITY, altcraft)
    assert orjson.loads(query.request.body)["from_id"] == 1
    made = listed(SOURCE, {"id": 16, "name": "New"})
    assert ADD.lookup.read(made, params, IDENTITY, frozenset()).reference == "16"
    seen = ADD.lookup.read(listed(SOURCE), params, IDENTITY, frozenset())
    assert (seen.finding, seen.proven) == (Finding.EMPTY, True)
    assert not ADD.lookup.read(listed(), params, IDENTITY, frozenset()).proven


def test_a_success_that_does_not_name_the_copy_is_in_doubt(altcraft: AltcraftProvider) -> None:
    for body in ('{"error":0}', '{"error":0,"data":{}}', '{"error":0,"data":{"saved_id":null}}'):
        assert CLONE.read(answer(200, body), {"id": 14}, altcraft).kind is OutcomeKind.UNKNOWN
    assert ADD.read(answer(200, '{"error":0}'), {}, altcraft).kind is OutcomeKind.DONE


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("error", [500, 502, 408, 7])
def test_a_failure_that_may_come_after_the_copy_is_in_doubt(
    status: int, error: int, altcraft: AltcraftProvider
) -> None:
    body = orjson.dumps({"error": error, "error_text": "Oops"})
    assert CLONE.read(answer(status, body), {"id": 14}, altcraft).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("error", [402, 429, 503])
def test_what_was_turned_away_is_tried_again(error: int, altcraft: AltcraftProvider) -> None:
    body = orjson.dumps({"error": error, "error_text": "Not now"})
    assert CLONE.read(answer(200, body), {"id": 14}, altcraft).kind is OutcomeKind.TEMPORARY


def test_administrators_name_the_account_and_have_a_list_of_their_own(token: SecretRef) -> None:
    admin = altcraft_provider(token, account_id=306, administrator=True)
    for call, path in (("list", "admin/vsenders/list"), ("clone", "vsenders/clone")):
        operation = ALTCRAFT.operations[f"vsenders/{call}"]
        params = {"id": 14} if call == "clone" else {}
        request = operation.request(operation.prepare(params, admin), IDENTITY, admin)
        assert request.path == f"api/v1.1/{path}"
        assert orjson.loads(request.body)["account_id"] == 306
    queue_only = altcraft_provider(token, account_id=306)
    assert "account_id" not in LIST.prepare({}, queue_only), "a user's token has no account"
    own = LIST.prepare({"account_id": 7}, admin)
    assert own["account_id"] == 7
    assert CLONE.lookup is not None
    (query,) = CLONE.lookup.queries(CLONE.prepare({"id": 14}, admin), IDENTITY, admin)
    assert query.request.path == "api/v1.1/admin/vsenders/list"
    assert orjson.loads(query.request.body)["account_id"] == 306


@pytest.mark.parametrize(
    "rules", [[*RULES, *RULES], [{**RULES[0], "type": "group_id"}], [{**RULES[0], "senders": []}]]
)
def test_rules_without_a_default_one_at_the_end_are_refused(
    rules: list[Params], altcraft: AltcraftProvider
) -> None:
    with pytest.raises(InvalidParams) as caught:
        ADD.prepare({"name": "New", "email_rules": rules, "sms_rules": []}, altcraft)
    assert caught.value.field.startswith("email_rules")
