"""`postern schemas`: the types that have a schema, and one of them."""

from __future__ import annotations

from pathlib import Path

import orjson

from gateway.events.schemas import compile_schema, read_catalogue
from tests.unit.cli.conftest import Postern


def test_the_types_are_listed_with_their_titles(postern: Postern) -> None:
    """In an empty directory: no configuration is needed."""
    done = postern("schemas")
    assert (done.code, done.err) == (0, "")
    assert "An order is placed" in done.out
    assert all(name in done.out for name in read_catalogue())
    listed = orjson.loads(postern("schemas", "--json").out)
    assert {"type": "order.placed", "title": "An order is placed"} in listed


def test_one_is_printed_as_it_can_be_put_into_a_file(postern: Postern) -> None:
    printed = orjson.loads(postern("schemas", "order.placed").out)
    assert printed == read_catalogue()["order.placed"]
    compile_schema("order.placed", printed)


def test_a_configurations_own_schemas_count_too(postern: Postern, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "house.sold.json").write_text('{"title": "A house is sold"}')
    (tmp_path / "postern.yaml").write_text("schemas: own\n")
    assert "A house is sold" in postern("schemas", "--config", "postern.yaml").out
    done = postern("schemas", "house.sold", "--config", "postern.yaml")
    assert orjson.loads(done.out) == {"title": "A house is sold"}


def test_a_type_without_one_is_told(postern: Postern) -> None:
    done = postern("schemas", "house.sold")
    assert (done.code, done.out) == (1, "")
    assert "there is no schema of this type" in done.err
