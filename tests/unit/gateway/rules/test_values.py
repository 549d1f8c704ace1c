"""Parameters: constants, `${...}` with its type, text around it, and Liquid."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.cel import CelEngine
from gateway.rules.facts import Failure, facts_of
from gateway.rules.templates import compile_template, new_liquid
from gateway.rules.values import Constant, FailedValue, InvalidValue, Value, compile_value
from tests.unit.gateway.rules.fakes import event_of

DATA: dict[str, Any] = {
    "n": 5,
    "f": 20.0,
    "b": True,
    "s": "hey",
    "none": None,
    "list": [1, "x"],
    "map": {"k": {"deep": [1, 2]}},
    "nul": "a\x00b",
}
ENGINE = CelEngine()
LIQUID = new_liquid()


def compiled(raw: Any) -> Value:
    return compile_value(raw, ENGINE, lambda source: compile_template(LIQUID, source))


def make(raw: Any) -> Any:
    return compiled(raw).make(facts_of(event_of(DATA)))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("${data.n}", 5),
        ("${ data.n }", 5),
        ("${data.b}", True),
        ("${data.none}", None),
        ("${data.list}", [1, "x"]),
        ("${data.map}", {"k": {"deep": [1, 2]}}),
        ("${data.map.k.deep[1]}", 2),
        ('${data["s"]}', "hey"),
        ("${data.n + 1}", 6),
        ("${data.nul}", "a\x00b"),
        ("${ {'a': data.n} }", {"a": 5}),
        ("${ {'a': {'b': data.n}} }", {"a": {"b": 5}}),
        ("${'}' + data.s}", "}hey"),
        ('${"${" + data.s}', "${hey"),
        ("${event.time}", "2026-11-22T09:59:59Z"),
        ("${now}", "2026-11-22T10:00:00Z"),
        ("${now - event.time}", "1s"),
        ("${event.time + duration('24h')}", "2026-11-23T09:59:59Z"),
        ("${data.n}-${data.s}", "5-hey"),
        ("a ${data.f} b ${data.b}", "a 20 b true"),
        ("${data.s}${data.s}", "heyhey"),
        ("costs $5 {ok}", "costs $5 {ok}"),
        ({"a": ["${data.n}", {"b": "x${data.n}"}]}, {"a": [5, {"b": "x5"}]}),
        (7, 7),
        ("{{ data.s }}!", "hey!"),
    ],
)
def test_values_are_made_with_their_types(raw: Any, value: Any) -> None:
    made = make(raw)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize("raw", ["text", 7, True, None, [1, {"a": "b"}], {"a": {"b": []}}])
def test_what_holds_nothing_to_compute_is_a_constant(raw: Any) -> None:
    assert isinstance(compiled(raw), Constant)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("${data.missing}", "data.missing is missing"),
        ("${data.s.x}", "data.s is not an object"),
        ("${data.list[5]}", "data.list[5] is missing"),
        ("x ${data.none}", "a part of this text is null, a list or a map"),
        ("x ${data.list}", "a part of this text is null, a list or a map"),
        ("${double('nan')}", "a number that is not finite or beyond 64 bits"),
        ("${18446744073709551615u}", "a number that is not finite or beyond 64 bits"),
        ("${ {1: 2} }", "a map whose keys are not text"),
        ("${b'x'}", "a result that is neither text, number, boolean, list nor map"),
        ("${data.nul + 'x'}", "data.nul holds a character that cannot be evaluated"),
    ],
)
def test_values_that_cannot_be_made_say_why(raw: str, problem: str) -> None:
    with pytest.raises(Failure) as caught:
        make(raw)
    assert caught.value.problem == problem


def test_a_failure_inside_names_its_field() -> None:
    with pytest.raises(FailedValue) as caught:
        make({"custom": [{"x": 1}, {"x": "${data.missing}"}]})
    assert (caught.value.field, caught.value.problem) == ("custom[1].x", "data.missing is missing")


@pytest.mark.parametrize(
    ("raw", "problem", "path"),
    [
        ("${data.n", "a ${ without its }", ()),
        ("${}", "nothing in it", ()),
        ("${data.n} {{ data.s }}", "in one text", ()),
        ("{% if data.b %}${data.n}{% endif %}", "in one text", ()),
        ("Price: ${{ data.n }}", "{{ '$' }}", ()),
        ("${{'a': 1}}", "${ {", ()),
        ({"a": ["x", "${+}"]}, "not CEL", ("a", 1)),
        ("{{ data.", "not Liquid", ()),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_place(
    raw: Any, problem: str, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidValue) as caught:
        compiled(raw)
    assert problem in caught.value.problem
    assert caught.value.path == path


def test_event_data_is_never_read_as_a_template() -> None:
    hostile = "{{ data.s }} ${data.s} {% raw %} {{7*7}}"
    facts = facts_of(event_of({"x": hostile, "s": "secret"}))
    assert compiled("{{ data.x }}").make(facts) == hostile
    assert compiled("a ${data.x}").make(facts) == f"a {hostile}"
