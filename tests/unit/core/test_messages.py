"""What travels: identities that never move, a wire form that outlives its writer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnknownVersion, UnreadableMessage
from core.identity import action_id, event_ref, is_ref_of, request_id, text_tag
from core.messages import (
    Action,
    ActionMessage,
    Event,
    EventRecord,
    Lane,
    RuleDecision,
    decode_action,
    decode_record,
    encode_action,
    encode_event,
    encode_record,
)

NOON = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)

EVENT = Event(
    source="shop",
    id="o-1001",
    type="order.placed",
    received_at=NOON,
    time=NOON - timedelta(seconds=1),
    subject="é",
    data={"total": 20, "lines": [{"sku": "a"}], "none": None},
)

ACTION = Action(
    id=action_id("shop", "o-1001", "welcome", "sms.send"),
    ref=EVENT.ref,
    source="shop",
    event_id="o-1001",
    event_type="order.placed",
    rule="welcome",
    step="sms.send",
    position=1,
    provider="sms",
    operation="send",
    lane=Lane.URGENT,
    params={"to": "+4915112345678", "text": "é"},
    occurred_at=NOON,
    accepted_at=NOON,
    expires_at=NOON + timedelta(minutes=10),
    recipient="+4915112345678",
)

RECORD = EventRecord(
    event=EVENT,
    rules_version="3f9c",
    decision=(
        RuleDecision(rule="welcome", matched=True),
        RuleDecision(
            rule="big", matched=False, failed="data.total > 100", values={"data.total": 20}
        ),
        RuleDecision(rule="odd", matched=False, error="data.x: not there"),
    ),
    actions=(ACTION, replace(ACTION, id="ac_2", parked="data.x: not there", expires_at=None)),
    notes=("no time given",),
)


KNOWN = {
    "ref": "ev_QSwiI6_eyUmAlxpaPMmk-kHdDmVt",
    "action": "ac_toEoirGrJOznxp94HIiHUlLo",
    "request": "axrwT38H6yBmQabghdhVfMNl",
    "tag": 1169011546,
}


def test_a_message_comes_back_as_it_was_sent() -> None:
    message = ActionMessage(action=ACTION, seq=7)
    assert decode_action(encode_action(message)) == message
    assert decode_record(encode_record(RECORD)) == RECORD


def test_an_event_and_its_actions_are_written_together_as_they_are_apart() -> None:
    parked = replace(ACTION, step="other", parked="rule welcome, when: data.x is missing")
    record = EventRecord(event=EVENT, rules_version="v1", actions=(ACTION, parked))
    written, actions = encode_event(record)
    assert written == encode_record(record)
    assert actions == [encode_action(ActionMessage(action=each)) for each in (ACTION, parked)]


def test_ids_are_what_they_were_when_the_first_release_gave_them() -> None:
    """A change here would carry every action out twice when a sender repeats an event."""
    assert event_ref("shop", "o-1001") == KNOWN["ref"]
    assert action_id("shop", "o-1001", "welcome", "sms.send") == KNOWN["action"]
    assert request_id("ac_1", 0) == KNOWN["request"]
    assert text_tag("ac_1", 0) == KNOWN["tag"]


@given(st.lists(st.text(), min_size=4, max_size=4), st.lists(st.text(), min_size=4, max_size=4))
def test_no_two_lists_of_names_share_an_action_id(one: list[str], two: list[str]) -> None:
    same = action_id(one[0], one[1], one[2], one[3]) == action_id(two[0], two[1], two[2], two[3])
    assert same == (one == two)


def test_moving_a_letter_over_a_border_changes_the_id() -> None:
    assert action_id("ab", "c", "r", "s") != action_id("a", "bc", "r", "s")


def test_a_reference_tells_whether_it_is_this_sources() -> None:
    ref = event_ref("shop", "o-1001")
    assert is_ref_of(ref, "shop")
    assert not is_ref_of(ref, "other")
    mistyped = ref[:10] + ("A" if ref[10] != "A" else "B") + ref[11:]
    assert not is_ref_of(mistyped, "shop")


@pytest.mark.parametrize(
    "ref", ["", "ev_", "ev_" + "A" * 27, "ac_" + "A" * 28, "ev_" + "é" * 28, "ev_" + "/" * 28]
)
def test_what_is_no_reference_at_all_is_nobodys(ref: str) -> None:
    assert not is_ref_of(ref, "shop")


@given(st.text(), st.text())
def test_references_are_opaque_and_safe_in_a_path(source: str, event_id: str) -> None:
    ref = event_ref(source, event_id)
    assert len(ref) == 31
    assert set(ref) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def test_a_new_generation_is_another_request_and_another_text() -> None:
    assert request_id("ac_1", 0) != request_id("ac_1", 1)
    assert text_tag("ac_1", 0) != text_tag("ac_1", 1)


@given(st.text(min_size=1), st.integers(min_value=0, max_value=1000))
def test_a_texts_tag_fits_31_bits_and_is_never_zero(action: str, generation: int) -> None:
    assert 0 < text_tag(action, generation) < 2**31


def test_what_a_newer_minor_version_added_is_read_past() -> None:
    content = json.loads(encode_action(ActionMessage(action=ACTION)))
    content["extra"] = {"more": 1}
    content["action"]["extra"] = 1
    assert decode_action(json.dumps(content).encode()).action == ACTION


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_travels_with_its_action_and_is_no_part_of_it() -> None:
    """A repeat under another trace is the same plan, or it would be taken for another one."""
    traced = replace(ACTION, trace=TRACE)
    back = decode_action(encode_action(ActionMessage(action=traced))).action
    assert back.trace == TRACE
    assert back == ACTION
    (first, _) = decode_record(encode_record(replace(RECORD, actions=(traced, ACTION)))).actions
    assert first.trace == TRACE


def test_without_a_trace_a_message_is_what_it_always_was() -> None:
    content = json.loads(encode_action(ActionMessage(action=ACTION)))
    assert "trace" not in content["action"]
    assert decode_action(json.dumps(content).encode()).action.trace is None


@pytest.mark.parametrize("trace", [None, 7, "", "x" * 100_000, TRACE.upper(), [TRACE], {"a": 1}])
def test_a_trace_that_is_none_does_not_keep_an_action_from_being_read(trace: object) -> None:
    content = json.loads(encode_action(ActionMessage(action=ACTION)))
    content["action"]["trace"] = trace
    back = decode_action(json.dumps(content).encode()).action
    assert back == ACTION
    assert back.trace is None


def test_a_newer_major_version_is_refused_as_such() -> None:
    content = json.loads(encode_action(ActionMessage(action=ACTION)))
    content["v"] = 2
    with pytest.raises(UnknownVersion):
        decode_action(json.dumps(content).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'{"v":"1"}', b'{"v":1}', b"\xff", b'{"v":1,"kind":"action"}'],
)
def test_damage_is_unreadable_and_nothing_else(body: bytes) -> None:
    with pytest.raises(UnreadableMessage):
        decode_action(body)
    with pytest.raises(UnreadableMessage):
        decode_record(body)


@pytest.mark.parametrize(
    "name", sorted(json.loads(encode_action(ActionMessage(action=ACTION)))["action"])
)
def test_a_message_that_lacks_a_field_is_unreadable(name: str) -> None:
    content = json.loads(encode_action(ActionMessage(action=ACTION)))
    del content["action"][name]
    with pytest.raises(UnreadableMessage):
        decode_action(json.dumps(content).encode())


def test_an_action_is_no_record_and_a_record_no_action() -> None:
    with pytest.raises(UnreadableMessage):
        decode_record(encode_action(ActionMessage(action=ACTION)))
    with pytest.raises(UnreadableMessage):
        decode_action(encode_record(RECORD))


def test_an_event_without_a_time_happened_when_it_arrived() -> None:
    assert replace(EVENT, time=None).occurred_at == EVENT.received_at
    assert EVENT.occurred_at == EVENT.time
