"""Schemas of the user's: they replace, add and extend, and a wrong one is refused at the load."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.document import read_document
from core.errors import ConfigurationError, InvalidEvent
from gateway.events.own_schemas import load_schemas
from gateway.events.schemas import Schemas


def load(tmp_path: Path, **files: str) -> Schemas:
    """The schemas of a configuration that names the directory `own`, with these files in it."""
    (tmp_path / "own").mkdir()
    for name, text in files.items():
        (tmp_path / "own" / name).write_text(text, encoding="utf-8")
    config = tmp_path / "postern.yaml"
    config.write_text("schemas: own\n", encoding="utf-8")
    return load_schemas(read_document(config))


def test_without_a_directory_there_is_the_catalogue(tmp_path: Path) -> None:
    config = tmp_path / "postern.yaml"
    config.write_text("providers: {}\n", encoding="utf-8")
    assert load_schemas(read_document(config)).get("order.placed") is not None


def test_a_file_of_the_users_replaces_the_schema_of_its_type(tmp_path: Path) -> None:
    text = '{"properties": {"total": {"type": "string"}}}'
    schemas = load(tmp_path, **{"order.placed.json": text})
    schemas.check("order.placed", {"anything": 1})
    with pytest.raises(InvalidEvent):
        schemas.check("order.placed", {"total": 5})


def test_a_file_of_the_users_describes_a_type_that_the_catalogue_has_not(tmp_path: Path) -> None:
    schemas = load(tmp_path, **{"house.sold.json": '{"required": ["price"]}'})
    schemas.check("house.sold", {"price": 1})
    schemas.check("order.placed", {"number": "1"})
    with pytest.raises(InvalidEvent, match=r"data\.price is required"):
        schemas.check("house.sold", {})


EXTENDED = """
{
  "extends": "order.placed",
  "properties": {"voucher": {"type": "string"}, "customer": {"properties": {"vip": {}}}},
  "required": ["number"]
}
"""


def test_a_file_of_the_users_extends_one_of_the_catalogue(tmp_path: Path) -> None:
    schemas = load(tmp_path, **{"order.placed.json": EXTENDED})
    customer = {"vip": True, "phone": "1"}
    schemas.check("order.placed", {"number": "1", "voucher": "x", "customer": customer})
    for data in ({}, {"number": "1", "coupon": "x"}, {"number": "1", "customer": {"vap": 1}}):
        with pytest.raises(InvalidEvent):
            schemas.check("order.placed", data)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.json", "{", "not JSON"),
        ("a.json", "[]", "expected a JSON object"),
        ("a.json", '{"type": "object", "type": "string"}', "same key twice"),
        ("a.json", '{"type": "objekt"}', "no usable schema"),
        ("a.json", '{"$ref": "https://example.com/a.json"}', "expected a part of this file"),
        ("a.json", '{"properties": {"b": {"pattern": "(?=b)"}}}', "no usable schema"),
        ("a.json", '{"extends": "order.plaecd"}', "expected a type of the catalogue"),
        ("order placed.json", "{}", "no event type"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_what_is_wrong(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, **{name: text})
    assert caught.value.file == str(tmp_path / "own" / name)
    assert problem in caught.value.problem


@pytest.mark.parametrize("written", ["nowhere", "5", "[a]", "''"])
def test_a_directory_that_is_none_is_refused_with_the_line(tmp_path: Path, written: str) -> None:
    config = tmp_path / "postern.yaml"
    config.write_text(f"providers: {{}}\nschemas: {written}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_schemas(read_document(config))
    assert (caught.value.line, caught.value.field) == (2, "schemas")


def test_what_is_no_schema_is_left_alone(tmp_path: Path) -> None:
    schemas = load(tmp_path, **{"README.md": "Ours.", ".order.placed.json": "{"})
    assert schemas.get("order.placed") is not None
