"""Conditions: when they hold, when they do not and why, and when they cannot be evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.cel import CelEngine, InvalidExpression
from gateway.rules.conditions import MAX_VALUE, Refusal, compile_condition
from gateway.rules.facts import Failure, facts_of
from tests.unit.gateway.rules.fakes import event_of

DATA: dict[str, Any] = {
    "total": 20,
    "rate": 1.5,
    "vip": True,
    "none": None,
    "name": "Anna",
    "long": "x" * 1000,
    "items": [1, 2, 3],
    "customer": {"id": "c-1"},
    "nul": "a\x00b",
}
ENGINE = CelEngine()


def check(source: str, data: dict[str, Any] | None = None, **fields: Any) -> Refusal | None:
    event = event_of(DATA if data is None else data, **fields)
    return compile_condition(ENGINE, source).check(facts_of(event))


@pytest.mark.parametrize(
    "source",
    [
        "data.total == 20",
        "data.total < 20.5",
        "data.vip",
        "data.items.exists(i, i == 3)",
        "has(data.customer.id) && !has(data.customer.name)",
        "event.type.startsWith('order.')",
        "event.source == 'shop' && event.id == 'o-1'",
        "now - event.time < duration('2s')",
        "data.name.matches('^(A+)+nna$')",
        "!has(event.subject)",
        "data.none == null",
    ],
)
def test_conditions_that_hold(source: str) -> None:
    assert check(source) is None


@pytest.mark.parametrize(
    ("source", "failed", "values"),
    [
        ("data.total > 100", "data.total > 100", {"data.total": 20}),
        ("data.vip && data.total > 100", "data.total > 100", {"data.total": 20}),
        ("data.total > 100 && data.missing", "data.total > 100", {"data.total": 20}),
        ("data.missing && data.total > 100", "data.total > 100", {"data.total": 20}),
        ("data.vip && (!data.vip || false)", "(!data.vip || false)", {"data.vip": True}),
        ("has(data.missing) && data.missing > 1", "has(data.missing)", {}),
        ("false || data.total > 100", "false || data.total > 100", {"data.total": 20}),
        ("data.name == 'a && b' && data.vip", "data.name == 'a && b'", {"data.name": "Anna"}),
        ("size(data.items) > 5", "size(data.items) > 5", {"data.items": "a list of 3"}),
        ("data['total'] > 100", "data['total'] > 100", {"data.total": 20}),
        ("data.items[0] > 5", "data.items[0] > 5", {"data.items[0]": 1}),
    ],
)
def test_a_false_condition_names_the_part_that_failed(
    source: str, failed: str, values: dict[str, Any]
) -> None:
    assert check(source) == Refusal(failed=failed, values=values)


def test_a_long_value_is_shortened_in_the_explanation() -> None:
    refusal = check("data.long == ''")
    assert refusal is not None
    assert refusal.values["data.long"] == "x" * MAX_VALUE + "…"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("data.missing > 1", "data.missing is missing"),
        ("has(data.a) || data.b > 1", "data.b is missing"),
        ("data.customer.name == ''", "data.customer.name is missing"),
        ("data.total.x == 1", "data.total is not an object"),
        ("data.items[9] == 1", "data.items[9] is missing"),
        ("data.name", "the condition is neither true nor false"),
        (
            "data.none > 3",
            "an operator or function does not take values of these types (data.none)",
        ),
        ("data.total / 0 == 1", "a division by zero (data.total)"),
        ("data.total * 9223372036854775807 > 1", "a number gets too big (data.total)"),
        ("int(data.name) > 3", "a value cannot be converted (data.name)"),
        ("data.customer[data.name] == 1", "a key is missing"),
        ("data.name.matches('(')", "a regular expression is not valid (data.name)"),
        ("event.subject == 'x'", "event.subject is missing"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_says_why_without_values(
    source: str, problem: str
) -> None:
    with pytest.raises(Failure) as caught:
        check(source)
    assert caught.value.problem == problem


def test_a_string_that_the_engine_would_cut_short_is_not_compared() -> None:
    """CEL's binding ends a string at NUL, so `a<NUL>b` would pass for `a`."""
    with pytest.raises(Failure, match=r"data\.nul holds a character"):
        check("data.nul == 'a'")
    with pytest.raises(Failure, match=r"data\.m holds a key"):
        check("data.m.size() == 1", {"m": {"a\x00b": 1}})
    assert check("data.total == 20", {"total": 20, "nul": "a\x00b"}) is None


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("data.total >", "not CEL at character 13: mismatched input '<EOF>'"),
        ("1 + 1", "true or false"),
        ("'text'", "true or false"),
        ("event.tpye == 'x'", "event.tpye is not known"),
        ("data.l.map(x, x) == []", "map()"),
        ("data.l\n  .filter\n (x, x) == []", "filter()"),
        ("(" * 500 + "true" + ")" * 500, "nested too deeply"),
        ("total > 3", "undeclared reference to 'total'"),
    ],
)
def test_what_can_never_be_a_condition_is_refused_at_load(source: str, problem: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        compile_condition(ENGINE, source)
    assert problem in str(caught.value)


def test_a_field_named_map_is_no_macro() -> None:
    assert (
        check("data.map == 'filter(x' && data.filter > 1", {"map": "filter(x", "filter": 2}) is None
    )
