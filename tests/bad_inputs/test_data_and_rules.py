"""Data that is authentic and well formed, and not what a rule, a text or a phone can take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bad_inputs.postern import SOURCES, Postern, running
from tests.bad_inputs.stand_in import StandIn, standing_in

PHONE = "+4915112345678"
RULES = """
rules:
  - id: thanks
    on: order.placed
    when: data.total > 10
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Thanks for your order"}
  - id: greets
    on: order.greeted
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Hello {{ data.name }}!"}
  - id: steady
    on: "order.judged*"
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Steady"}
  - id: judges
    on: order.judged
    when: data.a * data.b > 0
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Judged"}
  - id: nested
    on: order.nested
    when: data.a.all(x, data.b.all(y, x != y))
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Nested"}
  - id: flat
    on: order.nested
    when: data.a.exists(x, x == -1)
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Flat"}
"""
PROVIDER = """
providers:
  sms: {{kind: smsgateway24, url: "{url}", token: {{env: SMS_TOKEN}}, device_id: 260, region: DE,
    countries: [DE, AT]}}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with standing_in() as it:
        yield it


@pytest.fixture(scope="module")
def postern(tmp_path_factory: pytest.TempPathFactory, provider: StandIn) -> Iterator[Postern]:
    config = SOURCES + PROVIDER.format(url=provider.url) + RULES
    with running(tmp_path_factory.mktemp("postern"), config) as it:
        yield it


def actions(postern: Postern, type_: str, **data: Any) -> dict[str, dict[str, Any]]:
    """Every action of such an event, once it has ended, by its rule; a good event works then."""
    receipt = postern.event(type=type_, data=data).json
    found = {it["rule"]: it for it in postern.record(receipt["ref"], ended=True)["actions"]}
    good = postern.record(postern.event().json["ref"], ended=True)
    assert [it["state"] for it in good["actions"]] == ["done"]
    return found


@pytest.mark.bad_input(33)
@pytest.mark.parametrize(
    ("written", "state"),
    [
        ("+999123456789", "parked"),
        ("+4915112345678;ext=5", "parked"),
        ("+49 1511 2345678 x5", "parked"),
        ("0151-CALL-NOW", "parked"),
        ("\u0660\u0661\u0665\u0661\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", "parked"),
        ("\uff0b4915112345678", "parked"),
        ("+49900512345", "parked"),
        ("110", "parked"),
        ("22922", "parked"),
        ("+493012345678", "parked"),
        ("+4915112345678" + "0" * 26, "parked"),
        ("", "parked"),
        ("\u202e+4915112345678", "parked"),
        ("+4915112345678\r\nBcc: x", "parked"),
        ("+4915112345678,+4915112345679", "parked"),
        ("+447400123456", "skipped"),
        (4915112345678, "parked"),
        (["+4915112345678"], "parked"),
        (None, "parked"),
    ],
)
def test_a_number_that_is_no_mobile_of_an_allowed_country_gets_no_text(
    postern: Postern, provider: StandIn, written: Any, state: str
) -> None:
    before = len(provider.texts())
    found = actions(postern, "order.placed", total=20, phone=written)["thanks"]
    assert found["state"] == state
    assert found["reason"]
    if isinstance(written, str) and written:
        assert written not in found["reason"]
    # The one text is that of the good event.
    assert len(provider.texts()) == before + 1


@pytest.mark.bad_input(33)
@pytest.mark.parametrize("written", ["0151 11111111", "0049 151 11111111", "+49 (0) 151/111-11111"])
def test_a_national_number_is_sent_in_its_international_form(
    postern: Postern, provider: StandIn, written: str
) -> None:
    before = len(provider.texts("+4915111111111"))
    assert actions(postern, "order.placed", total=20, phone=written)["thanks"]["state"] == "done"
    assert len(provider.texts("+4915111111111")) == before + 1


@pytest.mark.bad_input(34)
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("{{ 7 | times: 7 }}", None),
        ("{{7*7}}", None),
        ("{% raw %}{{ data.phone }}{% endraw %}", None),
        ("{% for i in (1..9) %}x{% endfor %}", None),
        ("${data.phone}", None),
        ("%s %n {0}", None),
        ("<b>Anna</b><script>alert(1)</script>", None),
        ("a@example.com\r\nBcc: all@example.com", "a@example.com\nBcc: all@example.com"),
        ("An\x00na\x1b[31m", "Anna[31m"),
        ("An\u202ena", "Anna"),
    ],
)
def test_what_a_name_holds_is_written_and_never_carried_out(
    postern: Postern, provider: StandIn, name: str, written: str | None
) -> None:
    """Control and direction characters are left out: they make a text read as another one."""
    assert actions(postern, "order.greeted", phone=PHONE, name=name)["greets"]["state"] == "done"
    assert f"Hello {name if written is None else written}!" in provider.texts(PHONE)


@pytest.mark.bad_input(34)
def test_a_text_of_many_segments_is_not_sent_and_waits_for_a_person(
    postern: Postern, provider: StandIn
) -> None:
    found = actions(postern, "order.greeted", phone=PHONE, name="\U0001f600" * 2_560)["greets"]
    assert found["state"] == "parked"
    assert "longer than 1600 characters" in found["reason"]
    assert not [text for text in provider.texts() if "\U0001f600" in text]


@pytest.mark.bad_input(35)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "data.name is missing"),
        ({"name": None}, "data.name is missing"),
        ({"name": ["Anna"]}, "cannot be written"),
        ({"name": {"first": "Anna"}}, "cannot be written"),
    ],
)
def test_a_text_that_would_be_incomplete_is_not_sent_and_says_why(
    postern: Postern, provider: StandIn, data: dict[str, Any], reason: str
) -> None:
    found = actions(postern, "order.greeted", phone=PHONE, **data)["greets"]
    assert found["state"] == "parked"
    assert reason in found["reason"]
    for part in ("None", "null", "[", "{", "Hello !"):
        assert not [text for text in provider.texts() if text == f"Hello {part}!"]


@pytest.mark.bad_input(36)
@pytest.mark.parametrize(
    "data",
    [
        {},
        {"a": 1},
        {"a": 1, "b": None},
        {"a": "x", "b": 2},
        {"a": 2**62, "b": 4},
        {"a": -(2**63), "b": -1},
        {"a": 1.5, "b": 2},
        {"a": [1], "b": {"c": 1}},
        {"a": True, "b": True},
    ],
)
def test_a_rule_that_cannot_be_evaluated_parks_its_steps_and_the_others_go_on(
    postern: Postern, data: dict[str, Any]
) -> None:
    series = 'postern_rules_failed_total{rule="judges"}'
    before = postern.metrics().get(series, 0)
    found = actions(postern, "order.judged", phone=PHONE, **data)
    assert found["judges"]["state"] == "parked"
    assert "judges" in found["judges"]["reason"]
    assert found["steady"]["state"] == "done"
    assert postern.metrics()[series] == before + 1


@pytest.mark.bad_input(37)
def test_long_arrays_fail_a_rule_instead_of_holding_everybody_up(postern: Postern) -> None:
    """Two long loops in each other: the answers to others go on, and the rule says what it was."""
    long = list(range(2_000))
    over = threading.Event()
    longest = [0.0]

    def others() -> None:
        while not over.is_set():
            started = time.monotonic()
            assert postern.post(b"{").status == 400
            longest[0] = max(longest[0], time.monotonic() - started)

    beside = threading.Thread(target=others)
    beside.start()
    try:
        for a, b in ((long, long), (list(range(4_000)), [1]), (long[:501], long[:501])):
            found = actions(postern, "order.nested", phone=PHONE, a=a, b=b)
            for rule in ("nested", "flat"):
                assert found[rule]["state"] == "parked"
                assert "has more than 500 elements" in found[rule]["reason"]
        # Arrays that are looked at, in loops that are not.
        found = actions(postern, "order.nested", phone=PHONE, a=long[:500], b=[-1] * 500)
        assert "loops take too many turns" in found["nested"]["reason"]
        found = actions(postern, "order.nested", phone=PHONE, a=long[:50], b=[-1] * 50)
        assert found["nested"]["state"] == "done"
    finally:
        over.set()
        beside.join()
    assert 0 < longest[0] < 2


@pytest.mark.bad_input(37)
@pytest.mark.parametrize("macro", ["filter(x, x > 1)", "map(x, x + 1)"])
def test_map_and_filter_do_not_get_into_the_rules(postern: Postern, macro: str) -> None:
    good, told = postern.config.read_text(), len(postern.told())
    postern.configure(good.replace("data.total > 10", f"size(data.items.{macro}) > 0"))
    problem = f"{macro.partition('(')[0]}() takes quadratic time"
    postern.until(lambda: problem in postern.told()[told:])
    with postern.unmoved():
        assert "rules[0].when" in postern.told()[told:]
    postern.configure(good)
