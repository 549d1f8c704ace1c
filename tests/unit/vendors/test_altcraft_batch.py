"""Answers to batches: each item is judged by itself, and what failed is the rest that is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.unit.vendors.cases import answer
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.wire import InvalidParams, Outcome, OutcomeKind, Params

IMPORT = ALTCRAFT.operations["profiles/import_batch"]
ADD = ALTCRAFT.operations["profiles/add_batch"]
START = ALTCRAFT.operations["campaigns/triggers/start_batch"]
ITEMS: list[Params] = [{"email": f"{name}@example.com"} for name in "abc"]
PARAMS: Params = {"db_id": 1, "skip_triggers": True, "data": ITEMS}


def answered(*items: Any, **more: Any) -> bytes:
    result = [{"error": it, "error_text": "No"} if isinstance(it, int) else it for it in items]
    return orjson.dumps({"error": 0, "error_text": "", "result": result, **more})


def read(operation: Any, provider: AltcraftProvider, body: bytes, **headers: str) -> Outcome:
    outcome = operation.read(answer(200, body, **headers), PARAMS, provider)
    assert isinstance(outcome, Outcome)
    return outcome


def test_all_items_taken_is_done(altcraft: AltcraftProvider) -> None:
    for operation in (IMPORT, ADD, START):
        outcome = read(operation, altcraft, answered(0, 0, 0))
        assert (outcome.kind, outcome.remaining) == (OutcomeKind.DONE, None)


@pytest.mark.parametrize(
    ("codes", "kind", "left"),
    [
        ((0, 400, 0), OutcomeKind.REFUSED, [1]),
        ((0, 400, 503), OutcomeKind.TEMPORARY, [1, 2]),
        ((500, 0, 0), OutcomeKind.TEMPORARY, [0]),
        ((401, 0, 403), OutcomeKind.REFUSED, [0, 2]),
        ((402, 0, 0), OutcomeKind.TEMPORARY, [0]),
        ((7, 400, 440), OutcomeKind.TEMPORARY, [0, 1, 2]),
    ],
)
def test_what_failed_is_what_remains(
    codes: tuple[int, ...], kind: OutcomeKind, left: list[int], altcraft: AltcraftProvider
) -> None:
    outcome = read(IMPORT, altcraft, answered(*codes))
    assert outcome.kind is kind
    assert outcome.remaining == {**PARAMS, "data": [ITEMS[index] for index in left]}
    number = codes[left[0]]
    expected = f"{len(left)} of 3 items failed; item {left[0]}: error {number}: No"
    assert outcome.reason == expected


def test_the_reason_does_not_repeat_an_address(altcraft: AltcraftProvider) -> None:
    said = {"error": 400, "error_text": "b@example.com is not valid"}
    assert read(IMPORT, altcraft, answered(0, said, 0)).reason.endswith("*** is not valid")


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((0, 400, 0), OutcomeKind.REFUSED),
        ((0, 402, 0), OutcomeKind.TEMPORARY),
        ((0, 503, 400), OutcomeKind.TEMPORARY),
        ((0, 500, 0), OutcomeKind.REFUSED),
        ((0, 500, 402), OutcomeKind.REFUSED),
    ],
)
def test_an_item_in_doubt_of_a_call_that_must_not_be_made_twice_goes_to_a_person(
    codes: tuple[int, ...], kind: OutcomeKind, altcraft: AltcraftProvider
) -> None:
    """The rest travels as a call of its own, which the platform would not recognise."""
    for operation in (ADD, START):
        outcome = read(operation, altcraft, answered(*codes))
        assert outcome.kind is kind
        assert outcome.remaining is not None


@pytest.mark.parametrize(
    "body",
    [
        answered(0, 0),
        answered(0, 0, 0, 0),
        answered(),
        answered(0, {"error_text": "?"}, 0),
        answered(0, None, 0),
        answered(0, {"error": "x"}, 0),
        b'{"error":0,"result":"yes"}',
        b'{"error":0,"result":null}',
    ],
)
def test_an_answer_that_does_not_tell_of_each_item_is_no_success(
    body: bytes, altcraft: AltcraftProvider
) -> None:
    """A repeat under the same Request-ID gets the same answer from memory: what may be repeated
    counts as failed, so that a new one is taken; what may not stays in doubt."""
    for operation, kind in (
        (IMPORT, OutcomeKind.TEMPORARY),
        (ADD, OutcomeKind.UNKNOWN),
        (START, OutcomeKind.UNKNOWN),
    ):
        outcome = read(operation, altcraft, body)
        assert (outcome.kind, outcome.remaining) == (kind, None)
    duplicate = read(IMPORT, altcraft, body, duplicate_request="true")
    assert (duplicate.kind, duplicate.duplicate) == (OutcomeKind.TEMPORARY, True)


def test_without_a_result_only_calls_that_need_not_give_one_are_done(
    altcraft: AltcraftProvider,
) -> None:
    assert read(IMPORT, altcraft, b'{"error":0}').kind is OutcomeKind.TEMPORARY
    assert read(START, altcraft, b'{"error":0}').kind is OutcomeKind.DONE


def test_a_bulk_launch_may_answer_with_the_ids_of_those_it_was_sent_to(
    altcraft: AltcraftProvider,
) -> None:
    assert read(START, altcraft, answered("a1", "a2", "a3")).kind is OutcomeKind.DONE
    assert read(START, altcraft, answered("a1", "a2")).kind is OutcomeKind.UNKNOWN


def test_a_failure_at_the_top_is_about_all_of_them(altcraft: AltcraftProvider) -> None:
    outcome = read(IMPORT, altcraft, answered(0, 0, 0, error=401))
    assert (outcome.kind, outcome.remaining) == (OutcomeKind.UNAUTHORIZED, None)
    outcome = read(IMPORT, altcraft, answered(error=402))
    assert outcome.retry_after == timedelta(hours=1)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"data": []}, "data"),
        ({"data": [{"_fname": "John"}]}, "data"),
        ({"data": [{"email": "a@example.com"}, {"phones": ["+79000000000"]}]}, "data"),
        ({"data": ITEMS, "matching": "phone"}, "data"),
        ({"data": ITEMS, "matching": "custom"}, "field_name"),
        ({"data": ITEMS, "field_name": "CRM_ID"}, "field_name"),
        ({"data": [{"email": "a@example.com", "n": {"action": "incr", "value": 1}}]}, "data.0"),
        ({"data": [{"email": "a@example.com", "_sex": "man"}]}, "data.0"),
        ({"data": [{"email": "a@example.com", "subscriptions": [{"status": 1}]}]}, "data.0"),
        ({"data": [{"email": "a@example.com"}] * 10_001}, "data"),
    ],
)
def test_a_batch_with_an_item_that_cannot_be_is_refused(
    params: Params, field: str, altcraft: AltcraftProvider
) -> None:
    with pytest.raises(InvalidParams) as caught:
        IMPORT.prepare(params, altcraft)
    assert caught.value.field.startswith(field)
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("matching", "item"),
    [
        ("email", {"subscriptions": [{"email": "a@example.com"}]}),
        ("email_sub", {"subscriptions": [{"email_data": {"email": "a@example.com"}}]}),
        ("phone", {"phones": ["+79000000000"]}),
        ("phone", {"phone": "+79000000000"}),
        ("profile_id", {"profile_id": "5f4fa1a5ce94"}),
        ("push_sub", {"provider": "Firefox", "subscription_id": "x"}),
        ("email_phone", {"phones": ["+79000000000"]}),
    ],
)
def test_an_item_is_found_by_what_stands_in_its_data(
    matching: str, item: Params, altcraft: AltcraftProvider
) -> None:
    prepared = IMPORT.prepare({"matching": matching, "data": [item]}, altcraft)
    assert IMPORT.effect(prepared, altcraft).order_keys


def test_numbers_that_the_platform_could_not_use_are_told(altcraft: AltcraftProvider) -> None:
    phones = ALTCRAFT.operations["suppresses/phones_add"]
    body = b'{"error":0,"total_count":3,"total_imported":2,"total_invalid":1}'
    params = {"id": 1, "values": ["+79000000000"] * 3}
    outcome = phones.read(answer(200, body), params, altcraft)
    assert (outcome.kind, outcome.remaining) == (OutcomeKind.REFUSED, None)
    assert outcome.reason == "1 of 3 numbers were not valid there"
