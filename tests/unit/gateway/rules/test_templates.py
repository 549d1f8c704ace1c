"""Texts: complete or not at all, within limits, and only on what is named."""

from __future__ import annotations

from typing import Any

import pytest

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
