"""Fields that a rule looks at and no schema names: told with their place and a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.rules_check import command
from core.document import Document, read_document
from gateway.events.own_schemas import load_schemas
from gateway.events.schemas import Schemas, compile_schema
from gateway.rules.fields import unknown_fields

ROOT = Path(__file__).resolve().parents[4]

CONFIG = """
providers:
  sms: {{kind: smsgateway24, token: {{env: T}}, device_id: 1, region: DE}}
rules:
  - id: a
    on: {on}
    when: {when}
    do:
      - call: sms.send
        with:
          to: {to}
          text: {text}
"""


def configuration(
    tmp_path: Path,
    *,
    on: str = "order.placed",
    when: str = "data.total > 0",
    to: str = "${data.phone}",
    text: str = "Hello",
) -> Path:
    file = tmp_path / "postern.yaml"
    quoted = {"when": when, "to": to, "text": text}
    written = {key: f"'{value}'" for key, value in quoted.items()}
    file.write_text(CONFIG.format(on=on, **written), encoding="utf-8")
    return file


def warnings(file: Path) -> list[str]:
    document = read_document(file)
    return list(unknown_fields(document, load_schemas(document)))


def told(tmp_path: Path, **written: str) -> list[str]:
    """The warnings without the file."""
    file = configuration(tmp_path, **written)
    return [line.removeprefix(f"{file}:") for line in warnings(file)]


def test_a_mistyped_field_is_told_with_its_place_and_a_guess(tmp_path: Path) -> None:
    (line,) = told(tmp_path, when='data.custmer.phone != ""')
    place = "7: rules[0].when: data.custmer"
    assert line == f"{place}: no schema of order.placed has custmer; did you mean customer?"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ({"when": "has(data.customer.fone)"}, "data.customer.fone"),
        ({"when": "data.items[0].skew == 1"}, "data.items[0].skew"),
        ({"when": 'data["totl"] > 1.0'}, "data.totl"),
        ({"when": "data.number.x == 1"}, "data.number.x"),
        ({"to": "${data.custmer.phone}"}, "data.custmer"),
        ({"to": "0${data.phone}${data.fone}"}, "data.fone"),
        ({"text": "Hi {{ data.nmber | default: 1 }}"}, "data.nmber"),
        ({"text": "{% if data.consnt %}Hi{% endif %}"}, "data.consnt"),
        ({"text": "{% for it in data.itms %}{{ it.sku }}{% endfor %}"}, "data.itms"),
    ],
)
def test_each_place_of_a_rule_is_looked_at(
    tmp_path: Path, written: dict[str, str], path: str
) -> None:
    (line,) = told(tmp_path, **written)
    assert f": {path}: no schema of order.placed has " in line


@pytest.mark.parametrize(
    "written",
    [
        {"when": "data.original.any.thing[3] == 1"},
        {"when": "data.items.all(it, it.sku != 1)"},
        {"when": "data.number.size() > 1"},
        {"when": "event.type == data.number"},
        {"when": "data.items[0].sku == 1 && data.customer.consent"},
        {"text": "{{ data.items.size }} {{ data.items.first.name }} {{ data.items[0].name }}"},
        {"on": "house.sold", "when": "data.anything == 1"},
        {"on": "[order.placed, house.sold]", "when": "data.anything == 1"},
        {"on": "house.*", "when": "data.anything == 1"},
        {"on": '"order.*"', "when": "data.refund_id == 1"},
        {"text": "data.custmer is only a text"},
    ],
)
def test_what_may_be_there_is_not_told(tmp_path: Path, written: dict[str, str]) -> None:
    assert told(tmp_path, **written) == []


def test_of_many_types_a_few_are_named(tmp_path: Path) -> None:
    (line,) = told(tmp_path, on='"order.*"', when="data.custmer == 1")
    assert "order.cancelled, order.delivered, order.paid or 3 others has custmer" in line
    assert line.endswith("did you mean customer?")


def test_a_schema_of_the_users_is_one_of_them(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "house.sold.json").write_text('{"properties": {"price": {}}}')
    file = configuration(tmp_path, on="house.sold", when="data.prise == 1", to="1")
    file.write_text(f"schemas: own\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    (line,) = warnings(file)
    assert line.endswith("no schema of house.sold has prise; did you mean price?")


PARTS: dict[str, Any] = {
    "$defs": {
        "person": {"properties": {"phone": {}, "friend": {"$ref": "#/$defs/person"}}},
        "loop": {"allOf": [{"$ref": "#/$defs/loop"}]},
    },
    "properties": {
        "a": {"$ref": "#/$defs/person"},
        "b": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/person"}]},
        "c": {"patternProperties": {"^x": {}}, "properties": {"d": {}}},
        "e": True,
        "f": {"$ref": "#/$defs/loop"},
        "g": {"allOf": [{"properties": {"h": {}}}], "properties": {"i": {}}},
    },
}


@pytest.mark.parametrize(
    ("path", "is_known"),
    [
        ("a.phone", True),
        ("a.friend.friend.phone", True),
        ("a.friend.fone", False),
        ("b.phone", True),
        ("b.fone", False),
        ("c.anything", True),
        ("e.anything", True),
        ("f.anything", True),
        ("g.h", True),
        ("g.i", True),
        ("g.j", False),
    ],
)
def test_schemas_that_are_put_together_are_seen_as_a_whole(path: str, is_known: bool) -> None:
    rule = {"id": "a", "on": "x", "when": f"data.{path} == 1", "do": [{"call": "sms.send"}]}
    document = Document(data={"rules": [rule]}, places={(): ("f", 1)}, file="f")
    schemas = Schemas([compile_schema("x", PARTS)])
    assert (list(unknown_fields(document, schemas)) == []) is is_known


@pytest.mark.parametrize("name", ["examples/postern.yaml", "cli/templates/postern.yaml"])
def test_the_examples_give_no_warning(name: str) -> None:
    assert warnings(ROOT / name) == []


def test_a_warning_is_an_error_only_if_one_says_so(tmp_path: Path) -> None:
    file = str(configuration(tmp_path, when="data.custmer == 1"))
    done = CliRunner().invoke(command, [file])
    assert (done.exit_code, "warning: " in done.output) == (0, True)
    assert "did you mean customer?" in done.output
    assert CliRunner().invoke(command, [file, "--strict"]).exit_code == 1
    right = str(configuration(tmp_path))
    assert CliRunner().invoke(command, [right, "--strict"]).exit_code == 0
