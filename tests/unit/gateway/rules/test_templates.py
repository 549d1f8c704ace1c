"""Texts: complete or not at all, within limits, and only on what is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules import templates
from gateway.rules.facts import Failure, facts_of
from gateway.rules.templates import MAX_TEXT, InvalidTemplate, compile_template, new_liquid
from tests.unit.gateway.rules.fakes import event_of

DATA: dict[str, Any] = {
    "s": "hey",
    "none": None,
    "nothing": "",
    "b": False,
    "list": [{"n": "a"}, {"n": None}],
    "map": {"k": None},
    "key": "+491713920001",
    "long": "a" * 60_000,
    "many": list(range(501)),
}
LIQUID = new_liquid()


def render(source: str, data: dict[str, Any] | None = None) -> str:
    return compile_template(LIQUID, source).render(
        facts_of(event_of(DATA if data is None else data))
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ data.s }}", "Hi hey"),
        ("{{ data.missing | default: 'you' }}", "you"),
        ("{{ data.none | default: 'you' }}", "you"),
        ("{{ data.map.k.deeper | default: 'you' }}", "you"),
        ("{% if data.missing %}yes{% else %}no{% endif %}", "no"),
        ("{% if data.missing == nil %}nil{% endif %}", "nil"),
        ("{% unless data.none %}none{% endunless %}", "none"),
        ("{{ data.b }}", "false"),
        ("{{ data.list | size }}", "2"),
        ("{{ event.time | date: '%d.%m.%Y' }}", "22.11.2026"),
        ("{{ event.type }} {{ event.id }}", "order.placed o-1"),
        ("{{ data.nothing }}", ""),
        ("{{ '<b>' }}", "<b>"),
    ],
)
def test_texts_that_can_be_written(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{{ data.missing }}", "data.missing is missing"),
        ("{{ data.none }}", "data.none is missing"),
        ("{{ data.missing | upcase }}", "data.missing is missing"),
        ("{{ data.none | plus: 1 }}", "data.none is missing"),
        ("{{ 1 | plus: data.missing }}", "data.missing is missing"),
        ("{{ data.missing | date: '%Y' }}", "data.missing is missing"),
        ("{% for i in data.list %}{{ i.n }}{% endfor %}", "i.n is missing"),
        ("{% for i in data.missing %}x{% endfor %}", "a field that a tag needs is missing"),
        ("{% assign x = data.missing %}{{ x }}", "data.missing is missing"),
        ("{{ data[data.key] }}", "a field is missing"),
        ("{{ data.list }}", "a list or an object cannot be written; pick a field of it"),
        ("{{ data.map }}", "a list or an object cannot be written; pick a field of it"),
        ("{{ data.list | map: 'n' | join: ',' }}", "a list to join holds what cannot be written"),
        ("{{ 'now' | date: '%s' }}", "date takes a time such as 2026-11-22T10:00:00Z"),
        ("{{ data.s | divided_by: 0 }}", "a tag or filter got a value that it cannot take"),
        ("{{ data.many | size }}", "data.many has more than 500 elements"),
    ],
)
def test_an_incomplete_text_fails_and_names_the_field(source: str, problem: str) -> None:
    data = {key: value for key, value in DATA.items() if key != "many" or "many" in source}
    with pytest.raises(Failure) as caught:
        render(source, data)
    assert caught.value.problem == problem
    assert str(DATA["key"]) not in caught.value.problem


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{{ data.long }}{{ data.long }}",
        "{{ data.long | replace: 'a', data.long }}",
        "{% assign x = 'aaaa' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}",
    ],
)
def test_a_text_that_would_take_too_much_fails_instead(source: str) -> None:
    with pytest.raises(Failure, match=r"too long|more than 10000 turns"):
        render(source)


def test_the_longest_text_is_written() -> None:
    assert len(render("{{ data.x }}", {"x": "a" * MAX_TEXT})) == MAX_TEXT


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{{ data.x | shout }}", "unknown filter shout"),
        ("{{ first_name }}", "unknown name first_name"),
        ("{{ event.tpye }}", "event.tpye is not known"),
        ("{% include 'x' %}", "include"),
        ("{% render 'x' %}", "render"),
        ("{% if data.x %}", "not Liquid"),
        ("{{ data.x", "not Liquid"),
        ("{% nonsense %}", "nonsense"),
    ],
)
def test_what_can_never_be_written_is_refused_at_load(source: str, problem: str) -> None:
    with pytest.raises(InvalidTemplate) as caught:
        compile_template(LIQUID, source)
    assert problem in str(caught.value)


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.text("a\r\n\ud800\x00é€"),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["b", "size", "first"]), st.text(max_size=3)),
)


@given(
    source=st.lists(
        st.sampled_from(
            [
                "plain ",
                "line\r\n",
                "{{ data.a }}",
                "{{data['a b']}}",
                "{{- data.a.b -}}",
                "{{ data.a.size }}",
                "{{ data.a.first }}",
                "{{ data.a[0] }}",
                "{{ event.type }}",
            ]
        ),
        min_size=1,
        max_size=4,
    ).map("".join),
    a=VALUES,
    b=VALUES,
)
def test_a_text_of_plain_fields_is_what_liquid_makes_of_it(source: str, a: Any, b: Any) -> None:
    """Joined where that is the same, and by Liquid where it may not be."""
    facts = facts_of(event_of({"a": a, "a b": b}))
    template = compile_template(LIQUID, source)
    if "{{" in source:
        assert (template._parts is None) == ("[0]" in source)
    assert _outcome(template, facts) == _outcome(_by_liquid_alone(template), facts)


def test_a_text_that_joined_would_be_too_long_fails_as_liquids() -> None:
    with pytest.raises(Failure, match="too long"):
        render("{{ data.a }}", {"a": "é" * (MAX_TEXT // 2 + 1)})


def _by_liquid_alone(template: templates.Template) -> templates.Template:
    same = templates.Template(template._template, template.looks_at, template._named)
    same._parts = None
    return same


def _outcome(template: templates.Template, facts: Any) -> str:
    try:
        return "text " + template.render(facts)
    except Failure as failure:
        return "failure " + failure.problem
