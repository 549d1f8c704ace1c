"""What the rules make of events: decisions with reasons, actions, and parked ones instead of
errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.identity import action_id
from core.messages import EventRecord, Lane, decode_record, encode_record
from gateway.rules.plan import NO_RULE_MATCHED, NO_TIME, Rules
from tests.unit.gateway.rules.fakes import KEEP, NOW, event_of, rules_of

TWO = """
rules:
  - id: big
    on: order.placed
    when: data.total > 100
    do:
      - {call: box.note, with: {to: "${data.who}", text: "Hello {{ data.name }}"}}
      - {call: box.note, with: {to: boss}, lane: urgent, expires: 10m}
  - id: any
    on: "order.*"
    do:
      - {call: box.note, id: log, with: {to: log}}
"""


@pytest.fixture
def two(tmp_path: Path) -> Rules:
    return rules_of(tmp_path, TWO)


def test_a_matching_event_becomes_one_complete_action_for_each_step(two: Rules) -> None:
    event = event_of({"total": 101, "who": "anna", "name": "Anna"})
    plan = two.plan(event)
    assert [(a.rule, a.step, a.position) for a in plan.actions] == [
        ("big", "box.note", 0),
        ("big", "box.note#2", 1),
        ("any", "log", 2),
    ]
    first, second, _ = plan.actions
    assert first.params == {"account": 7, "to": "anna", "text": "Hello Anna"}
    assert (first.provider, first.operation, first.recipient) == ("box", "note", "anna")
    assert first.id == action_id("shop", "o-1", "big", "box.note")
    assert (first.occurred_at, first.accepted_at) == (event.time, event.received_at)
    assert (first.lane, second.lane) == (Lane.NORMAL, Lane.URGENT)
    assert all(action.parked is None for action in plan.actions)
    assert [part.matched for part in plan.decision] == [True, True]
    assert plan.notes == ()


def test_an_action_never_outlives_what_its_step_says_or_the_journal_keeps(two: Rules) -> None:
    event = event_of({"total": 101, "who": "anna", "name": "Anna"})
    first, second, _ = two.plan(event).actions
    assert event.time is not None
    assert first.expires_at == event.time + KEEP
    assert second.expires_at == event.time + timedelta(minutes=10)


def test_a_false_condition_tells_its_part_and_the_values_it_looked_at(two: Rules) -> None:
    plan = two.plan(event_of({"total": 20}))
    part = plan.decision[0]
    assert (part.matched, part.failed, part.values) == (
        False,
        "data.total > 100",
        {"data.total": 20},
    )
    assert [action.rule for action in plan.actions] == ["any"]


def test_no_matching_rule_is_said_plainly(two: Rules) -> None:
    plan = two.plan(event_of(type="user.signed_up"))
    assert (plan.actions, plan.decision, plan.notes) == ((), (), (NO_RULE_MATCHED,))


def test_without_a_time_the_receipt_says_that_order_of_arrival_counts(two: Rules) -> None:
    plan = two.plan(event_of({"total": 1}, time=None))
    assert plan.notes == (NO_TIME,)
    assert plan.actions[0].occurred_at == NOW


def test_a_condition_that_errors_parks_each_step_and_leaves_other_rules_alone(two: Rules) -> None:
    plan = two.plan(event_of({}))
    reasons = [action.parked for action in plan.actions]
    assert reasons == ["rule big, when: data.total is missing"] * 2 + [None]
    assert plan.decision[0].error == "when: data.total is missing"
    assert plan.decision[0].matched is False
    assert plan.notes == ("parked: rule big, when: data.total is missing",)
    assert NO_RULE_MATCHED not in plan.notes


def test_a_missing_field_in_a_text_parks_the_whole_rule(two: Rules) -> None:
    plan = two.plan(event_of({"total": 101, "who": "anna"}))
    reason = "rule big, step box.note, with.text: data.name is missing"
    assert [action.parked for action in plan.actions] == [reason, reason, None]
    assert plan.decision[0].matched is True
    assert plan.decision[0].error == "step box.note, with.text: data.name is missing"


def test_what_the_vendor_refuses_parks_that_step_alone(two: Rules) -> None:
    plan = two.plan(event_of({"total": 101, "who": "nobody", "name": "N"}))
    assert [action.parked for action in plan.actions] == [
        "rule big, step box.note, with.to: this is nobody",
        None,
        None,
    ]
    assert plan.actions[0].recipient is None


def test_a_fault_of_a_vendor_parks_the_step_without_its_words(two: Rules) -> None:
    plan = two.plan(event_of({"total": 101, "who": "broken", "name": "N"}))
    assert plan.actions[0].parked == (
        "rule big, step box.note, with: it could not be prepared (RuntimeError)"
    )


def test_the_same_event_gives_the_same_ids_whatever_its_data(two: Rules) -> None:
    good = two.plan(event_of({"total": 101, "who": "anna", "name": "Anna"}))
    failing = two.plan(event_of({}))
    assert [a.id for a in good.actions] == [a.id for a in failing.actions]


def test_adding_or_moving_another_step_changes_no_id(tmp_path: Path) -> None:
    step = '{call: box.note, with: {to: "a"}}'
    other = '{call: box.note, id: other, with: {to: "b"}}'
    ids = []
    for steps in (f"[{step}, {other}]", f"[{step}]"):
        rules = rules_of(tmp_path, f"\nrules:\n  - {{id: r, on: x, do: {steps}}}\n")
        ids.append({a.step: a.id for a in rules.plan(event_of(type="x")).actions})
    assert ids[0]["box.note"] == ids[1]["box.note"]


@pytest.mark.parametrize(
    ("on", "event_type", "matches"),
    [
        ("order.placed", "order.placed", True),
        ("order.placed", "order.placed.x", False),
        ("order.*", "order.placed.x", True),
        ("order.*", "orders.placed", False),
        ("'*'", "anything/at-all", True),
        ("[user.*, order.placed]", "order.placed", True),
        ("'*.placed'", "order.placed", True),
        ("order.*", "xorder.placed", False),
    ],
)
def test_on_takes_types_and_globs(tmp_path: Path, on: str, event_type: str, matches: bool) -> None:
    rules = rules_of(
        tmp_path, f"\nrules:\n  - {{id: r, on: {on}, do: [{{call: box.note, with: {{to: a}}}}]}}\n"
    )
    assert bool(rules.plan(event_of(type=event_type)).actions) is matches


def test_rules_keep_the_order_of_the_file_between_exact_types_and_globs(tmp_path: Path) -> None:
    do = "do: [{call: box.note, with: {to: a}}]"
    rules = rules_of(
        tmp_path,
        f"""
rules:
  - {{id: one, on: "order.*", {do}}}
  - {{id: two, on: order.placed, {do}}}
  - {{id: three, on: "*", {do}}}
""",
    )
    assert [part.rule for part in rules.plan(event_of()).decision] == ["one", "two", "three"]


def test_a_long_array_fails_only_the_rules_that_look_at_it(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        """
rules:
  - id: looks
    on: "*"
    when: data.items.exists(i, i > 3)
    do: [{call: box.note, with: {to: a}}]
  - id: does-not
    on: "*"
    when: data.total > 3
    do: [{call: box.note, with: {to: a}}]
""",
    )
    looks, does_not = rules.plan(event_of({"items": list(range(501)), "total": 4})).decision
    assert looks.error == "when: data.items has more than 500 elements"
    assert does_not.matched
    assert all(p.matched for p in rules.plan(event_of({"items": [9] * 500, "total": 4})).decision)


def test_nested_loops_are_bounded(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        """
rules:
  - id: r
    on: "*"
    when: data.items.all(a, data.items.all(b, a + b >= 0))
    do: [{call: box.note, with: {to: a}}]
""",
    )
    part = rules.plan(event_of({"items": list(range(500))})).decision[0]
    assert part.error == "when: loops take too many turns (data.items)"


def test_the_version_changes_with_the_content_and_with_nothing_else(tmp_path: Path) -> None:
    first = rules_of(tmp_path, TWO)
    commented = rules_of(tmp_path, "# a comment\n" + TWO)
    changed = rules_of(tmp_path, TWO.replace("> 100", "> 99"))
    assert first.version == commented.version != changed.version


def test_a_constant_step_is_prepared_once_and_never_shared_between_actions(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, '\nrules:\n  - {id: r, on: "*", do: [{call: box.note, with: {to: a}}]}\n'
    )
    one, two = (rules.plan(event_of(id=name)).actions[0] for name in "ab")
    one.params["to"] = "changed"
    assert two.params == {"account": 7, "to": "a"}


def test_an_event_at_the_end_of_time_is_planned(two: Rules) -> None:
    plan = two.plan(event_of({"total": 1}, time=datetime.max.replace(tzinfo=UTC)))
    assert plan.actions[0].expires_at == datetime.max.replace(tzinfo=UTC)


ODD = """
rules:
  - id: r
    on: "*"
    when: data.a == 1 || size(data.b) > 0 && data.c.d != data.e["f g"]
    do:
      - call: box.note
        with:
          to: ${data.a}
          text: >-
            {% for x in data.b %}{{ x | upcase | truncate: 20 }}{% endfor %}
            {{ data.c | default: 'c' }}
          tags: ["${data}", "${data.a}-${data.c}", "${string(data.a)}"]
  - id: s
    on: "*"
    when: data.exists(key, data[key] == event.id)
    do: [{call: box.note, with: {to: "${data.b[0]}", text: "{{ event.subject | date: '%Y' }}"}}]
"""

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
KEYS = st.sampled_from(["a", "b", "c", "d", "e", "f g"])


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return rules_of(tmp_path_factory.mktemp("odd"), ODD)


@settings(max_examples=300, deadline=None)
@given(data=st.dictionaries(KEYS | st.text(), ANY_JSON, max_size=6), subject=st.none() | st.text())
def test_plan_never_raises_whatever_the_data(
    odd: Rules, data: dict[str, Any], subject: str | None
) -> None:
    plan = odd.plan(event_of(data, subject=subject))
    assert [part.rule for part in plan.decision] == ["r", "s"]
    for part in plan.decision:
        # A rule is true, false or in error, and plans its steps unless it is false.
        planned = [action for action in plan.actions if action.rule == part.rule]
        assert len(planned) == (0 if part.failed is not None else 1)
        assert all(action.parked for action in planned) or part.error is None
    orjson.dumps([[action.params, action.parked] for action in plan.actions])


@pytest.mark.parametrize(
    "data",
    [
        {"a": 2**64},
        {"a": b"bytes"},
        {"a": "\ud800"},
        {"a": object()},
        {"a": {1: 2}},
        {"\ud800": 1},
    ],
)
def test_data_that_no_parser_of_ours_lets_through_is_an_error_of_the_rule(
    odd: Rules, data: dict[str, Any]
) -> None:
    assert odd.plan(event_of(data)).decision[0].error is not None


def test_reasons_name_fields_and_never_values(odd: Rules) -> None:
    secret = "+491713920001"
    plan = odd.plan(event_of({"a": secret, "b": [secret], "c": {secret: secret}, "e": {}}))
    told = [part.error for part in plan.decision] + [a.parked for a in plan.actions]
    assert any(told)
    assert secret not in str(told)


def test_a_plan_travels_to_the_recorder_whole(two: Rules) -> None:
    event = event_of({"total": 20})
    plan = two.plan(event)
    record = EventRecord(
        event=event,
        rules_version=plan.rules_version,
        decision=plan.decision,
        actions=plan.actions,
        notes=plan.notes,
    )
    assert decode_record(encode_record(record)) == replace(record)
