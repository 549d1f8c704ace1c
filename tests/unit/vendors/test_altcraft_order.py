"""Order across operations: which calls meet, what they set, what is left of an older one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.configuration import SecretRef
from core.journal.machine import Age, kept_fields, new_marks
from core.journal.port import Target as JournalTarget
from tests.unit.vendors.altcraft_cases import DATA, MODES, PROFILE
from tests.unit.vendors.cases import altcraft_provider
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.effect import Effect
from vendors.wire import Params

PROVIDER = altcraft_provider(SecretRef(env="POSTERN_TEST_TOKEN"))
EMAIL: Params = {"profile_id": PROFILE, "channel": "email", "email": "john@example.com"}
PHONE: Params = {"profile_id": PROFILE, "channel": "sms", "phone": "+79000000000"}


def effect(call: str, **params: Any) -> Effect:
    return effect_at(PROVIDER, call, params)


def effect_at(provider: AltcraftProvider, call: str, params: Params) -> Effect:
    operation = ALTCRAFT.operations[call]
    return operation.effect(operation.prepare(params, provider), provider)


def left_of(
    older: tuple[str, Params], newer: tuple[str, Params]
) -> tuple[dict[str, frozenset[str]], Params] | None:
    """What the journal keeps of an older call that comes after a newer one, and the call it
    becomes. None: nothing is left, it is superseded."""
    old, new = effect(older[0], **older[1]), effect(newer[0], **newer[1])
    at = [Age(moment, 0, "e", f"a-{moment}") for moment in (1, 2)]
    marks = new_marks(_targets(new), {}, at[1])
    kept = kept_fields(_targets(old), marks, at[0])
    operation = ALTCRAFT.operations[older[0]]
    params = operation.prepare(older[1], PROVIDER)
    if kept is None:
        return {t.entity: t.fields for t in old.targets}, params
    if not any(kept.values()):
        return None
    return kept, operation.reduce(params, kept, PROVIDER)


def _targets(effect: Effect) -> tuple[JournalTarget, ...]:
    return tuple(
        JournalTarget(entity=it.entity, fields=it.fields, under=it.under) for it in effect.targets
    )


def test_a_subscription_is_the_same_however_its_profile_was_found() -> None:
    """`subscriptions/set` by profile and `profiles/update` by phone set the same thing, and wait
    for each other."""
    alone = effect("subscriptions/set", **PHONE, status="unsubscribed")
    entry = {"phone": "+7 900 000-00-00", "status": "subscribed"}
    within = effect(
        "profiles/update", matching="phone", phone="+79000000000", data={"subscriptions": [entry]}
    )
    (shared,) = {it.entity for it in alone.targets} & {it.entity for it in within.targets}
    assert set(alone.order_keys) & set(within.order_keys)
    assert shared


@pytest.mark.parametrize("mode", MODES)
def test_whoever_is_found_in_any_way_waits_for_a_call_that_names_the_same(mode: str) -> None:
    found = MODES[mode]
    imported = effect("profiles/import", matching=mode, **found, data={"_fname": "John"})
    assert imported.order_keys
    named: dict[str, Params] = {
        "email": EMAIL,
        "phone": PHONE,
        "profile_id": EMAIL,
        "subscription_id": {
            "profile_id": "x",
            "channel": "push",
            "provider": "Firefox",
            "subscription_id": "device-1",
        },
        "cc_data": {"profile_id": "x", "channel": "telegram_bot", "cc_data": {"id": 7}},
    }
    for name in found:
        if name in named:
            other = effect("subscriptions/set", **named[name])
            assert set(imported.order_keys) & set(other.order_keys)


def test_a_number_is_one_person_by_text_and_by_messenger() -> None:
    text = effect("subscriptions/set", **PHONE)
    for channel in ("whatsapp", "viber", "notify"):
        messenger = effect(
            "subscriptions/set",
            profile_id="other",
            channel=channel,
            cc_data={"phone": "+7 (900) 000.00.00"},
        )
        assert set(text.order_keys) & set(messenger.order_keys)
        assert text.targets[0].entity != messenger.targets[0].entity


def test_every_item_of_a_batch_has_its_keys() -> None:
    items = [{"email": f"{n}@example.com", "_fname": "x"} for n in range(50)]
    batch = effect("profiles/import_batch", data=items)
    assert len(batch.order_keys) == 50
    assert len(batch.targets) == 50


def test_another_database_or_installation_is_another_order() -> None:
    here = effect("subscriptions/set", **EMAIL)
    there = effect("subscriptions/set", **EMAIL, db_id=2)
    elsewhere = altcraft_provider(SecretRef(env="X"), url="https://other.example")
    far = effect_at(elsewhere, "subscriptions/set", EMAIL)
    for other in (there, far):
        assert not set(here.order_keys) & set(other.order_keys)
        assert here.within != other.within


# What consent is about: who said what, and when.


def test_an_older_delete_does_not_undo_a_newer_subscribe() -> None:
    deleted = ("subscriptions/delete", EMAIL)
    assert left_of(deleted, ("subscriptions/set", {**EMAIL, "status": "subscribed"})) is None
    assert left_of(deleted, ("subscriptions/set", {**EMAIL, "priority": 1})) is None
    entry = {"email": "JOHN@example.com", "status": "subscribed"}
    imported = {"email": "john@example.com", "data": {"subscriptions": [entry]}}
    assert left_of(deleted, ("profiles/import", imported)) is None


def test_an_older_subscribe_does_not_undo_a_newer_delete() -> None:
    """Setting anything of a deleted subscription would restore it, so all of it is left out."""
    everything = {**EMAIL, "status": "subscribed", "priority": 1, "custom_fields": {"a": 1}}
    assert left_of(("subscriptions/set", everything), ("subscriptions/delete", EMAIL)) is None
    entry = {"email": "john@example.com", "status": "subscribed"}
    imported = {"email": "john@example.com", "data": {"_fname": "J", "subscriptions": [entry]}}
    left = left_of(("profiles/import", imported), ("subscriptions/delete", EMAIL))
    assert left is not None
    assert left[1]["data"] == {"_fname": "J"}


def test_an_older_unsubscribe_is_still_carried_out_after_a_newer_restore() -> None:
    older = ("subscriptions/set", {**EMAIL, "status": "unsubscribed"})
    left = left_of(older, ("subscriptions/undelete", EMAIL))
    assert left is not None
    assert left[1]["status"] == "unsubscribed"
    assert left_of(("subscriptions/undelete", EMAIL), ("subscriptions/delete", EMAIL)) is None
    assert left_of(("subscriptions/delete", EMAIL), ("subscriptions/undelete", EMAIL)) is None


@pytest.mark.parametrize("sweep", ["suspend_all", "unsuspend_all"])
@pytest.mark.parametrize(
    "scope",
    [{}, {"channel": "email"}, {"resource_id": 1}, {"channel": "email", "resource_id": 1}],
)
def test_a_sweep_reaches_over_what_it_would_change(sweep: str, scope: Params) -> None:
    """It touches only who is subscribed or suspended: whom an older event unsubscribed, a newer
    sweep must not leave subscribed."""
    newer = (f"subscriptions/{sweep}", scope)
    for status in ("subscribed", "suspended"):
        left = left_of(("subscriptions/set", {**EMAIL, "status": status, "priority": 1}), newer)
        assert left is not None
        assert "status" not in left[1]
        assert left[1]["priority"] == 1
    for status in ("unsubscribed", "complained", "hardbounced", "invalid", "unconfirmed"):
        left = left_of(("subscriptions/set", {**EMAIL, "status": status}), newer)
        assert left is not None
        assert left[1]["status"] == status
    assert left_of(("subscriptions/delete", EMAIL), newer) is not None


@pytest.mark.parametrize("scope", [{"channel": "sms"}, {"resource_id": 2}, {"db_id": 2}])
def test_a_sweep_elsewhere_does_not_concern_it(scope: Params) -> None:
    older = ("subscriptions/set", {**EMAIL, "status": "subscribed"})
    left = left_of(older, ("subscriptions/suspend_all", scope))
    assert left is not None
    assert left[1]["status"] == "subscribed"


def test_sweeps_of_one_scope_are_in_order() -> None:
    assert left_of(("subscriptions/suspend_all", {}), ("subscriptions/unsuspend_all", {})) is None


def test_a_newer_name_does_not_swallow_an_older_city() -> None:
    found = {"email": "john@example.com"}
    older = ("profiles/import", {**found, "data": {"_fname": "Jon", "_city": "Vienna"}})
    newer = ("profiles/update", {**found, "data": {"_fname": "John"}})
    left = left_of(older, newer)
    assert left is not None
    assert left[1]["data"] == {"_city": "Vienna"}


def test_segments_are_in_order_one_by_one() -> None:
    found = {"email": "john@example.com", "data": {}}
    older = ("profiles/import", {**found, "add_to_segments": [1, 2]})
    left = left_of(older, ("profiles/import", {**found, "remove_from_segments": [2]}))
    assert left is not None
    assert left[1]["add_to_segments"] == [1]
    assert left_of(("profiles/import", {**found, "add_to_segments": [2]}), older) is None


def test_an_item_of_which_nothing_is_left_is_left_out() -> None:
    items = [{"email": "a@example.com", "_fname": "A"}, {"email": "b@example.com", "_fname": "B"}]
    newer = ("profiles/update", {"email": "A@example.com", "data": {"_fname": "Anna"}})
    left = left_of(("profiles/import_batch", {"data": items}), newer)
    assert left is not None
    assert left[1]["data"] == [items[1]]


def test_a_start_is_not_swallowed_by_a_newer_change_of_the_person() -> None:
    started = {"trigger_id": 8, "email": "john@example.com", "data": {"_fname": "Jon"}}
    newer = ("profiles/update", {"email": "john@example.com", "data": {"_fname": "John"}})
    left = left_of(("campaigns/triggers/import_and_start", started), newer)
    assert left is not None
    assert left[1]["data"] == {}
    assert left[1]["trigger_id"] == 8
    batch = {"workflow_id": 8, "data": [{"email": "john@example.com", "_fname": "Jon"}]}
    left = left_of(("workflows/import_and_start_batch", batch), newer)
    assert left is not None
    assert left[1]["data"] == [{"email": "john@example.com"}]


def test_an_older_suppression_does_not_undo_a_newer_removal() -> None:
    entry = {"id": 1, "value": "+79000000000"}
    assert left_of(("suppresses/phone_add", entry), ("suppresses/phone_remove", entry)) is None
    many = {"id": 1, "values": ["+79000000000", "+79000000001"]}
    left = left_of(("suppresses/phones_add", many), ("suppresses/phone_remove", entry))
    assert left is not None
    assert left[1]["values"] == ["+79000000001"]


def test_the_newer_version_of_an_order_counts() -> None:
    older = {"data": [{"external_id": "1", "status": "new"}, {"external_id": "2"}]}
    newer = {"data": [{"external_id": "1", "status": "delivered"}]}
    left = left_of(("market/orders/import", older), ("market/orders/import", newer))
    assert left is not None
    assert left[1]["data"] == [{"external_id": "2"}]


def test_an_unsubscription_by_message_is_in_order_only_with_itself() -> None:
    by_message = effect("profiles/message_unsub", rtoken="r", smid="m")
    assert by_message.order_keys == ()
    assert by_message.within is None
    again = effect("profiles/message_unsub", rtoken="r", smid="m", categories=["news"])
    assert again.targets[0].entity == by_message.targets[0].entity
    assert again.targets[0].fields == {"cats.news"}


@given(
    names=st.sets(st.sampled_from(["_fname", "_city", "tier", "email", "phones"])),
    statuses=st.lists(st.sampled_from([None, 0, 1, 5]), max_size=3),
    data=st.data(),
)
def test_what_is_reduced_sets_exactly_what_was_kept(
    names: set[str], statuses: list[int | None], data: st.DataObject
) -> None:
    """For any profile and any part of what it sets."""
    entries = [
        {"email": f"{n}@example.com", "cats": ["a"]} | ({} if it is None else {"status": it})
        for n, it in enumerate(statuses)
    ]
    params: Params = {
        "phone": "+79000000000",
        "matching": "phone",
        "data": {name: DATA.get(name, "x") for name in names} | {"subscriptions": entries},
    }
    operation = ALTCRAFT.operations["profiles/import"]
    prepared = operation.prepare(params, PROVIDER)
    whole = {it.entity: it.fields for it in operation.effect(prepared, PROVIDER).targets}
    keep = {
        entity: data.draw(st.sets(st.sampled_from(sorted(fields))).map(frozenset))
        for entity, fields in whole.items()
    }
    reduced = operation.reduce(prepared, keep, PROVIDER)
    left = {it.entity: it.fields for it in operation.effect(reduced, PROVIDER).targets}
    implied = {"contact", "deleted"}
    assert {entity: fields - implied for entity, fields in left.items()} == {
        entity: fields - implied for entity, fields in keep.items() if fields
    }
