"""What is told about an expression from its text alone."""

from __future__ import annotations

import pytest

from gateway.rules.scan import (
    Path,
    calls,
    closing_brace,
    conjuncts,
    plain_path,
    references,
    written,
)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("a", ("a",)),
        ("a && b", ("a", "b")),
        ("a && b || c", ("a && b || c",)),
        ("a ? b && c : d", ("a ? b && c : d",)),
        ("(a && b) && c", ("(a && b)", "c")),
        ("x == '&&' && y", ("x == '&&'", "y")),
        (r"x == 'it\'s &&' && y", (r"x == 'it\'s &&'", "y")),
        ('x == """a" && b""" && y', ('x == """a" && b"""', "y")),
        (r"x == r'\' && y", (r"x == r'\'", "y")),
        ("x.all(i, i && j) && y[a && b]", ("x.all(i, i && j)", "y[a && b]")),
        ("a // && b\n && c", ("a // && b", "c")),
    ],
)
def test_conditions_are_split_where_and_joins_them(source: str, parts: tuple[str, ...]) -> None:
    assert conjuncts(source) == parts


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("data.a.b > data.c", (("data", "a", "b"), ("data", "c"))),
        ("data.a.size() > 0", (("data", "a"),)),
        ("data['a b'].c", (("data", "a b", "c"),)),
        ("data.l[0].x", (("data", "l", 0, "x"),)),
        ("data.l[data.i].x", (("data", "l"), ("data", "i"))),
        ("x.data.y + 'data.z'", ()),
        ("now > event.time", (("now",), ("event", "time"))),
        ("data.a + data.a", (("data", "a"),)),
        ("size(data)", (("data",),)),
    ],
)
def test_the_paths_that_an_expression_looks_at_are_found(
    source: str, paths: tuple[Path, ...]
) -> None:
    assert references(source) == paths


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("data.a", ("data", "a")),
        (" data.a[1] ", ("data", "a", 1)),
        ("data.a()", None),
        ("data.a + 1", None),
        ("-data.a", None),
        ("data.a[b]", None),
        ("other.a", None),
        ("", None),
    ],
)
def test_an_expression_that_is_only_a_path_is_recognised(source: str, path: Path | None) -> None:
    assert plain_path(source) == path


@pytest.mark.parametrize(
    ("text", "at"), [("a}", 1), ("{}}", 2), ("'}'}", 3), ("{'a': '}'}}", 10), ("a", None)]
)
def test_the_brace_that_closes_is_not_one_inside(text: str, at: int | None) -> None:
    assert closing_brace(text, 0) == at


def test_paths_are_written_as_in_a_rule() -> None:
    assert written(("data", "a", 0, "b c")) == 'data.a[0]["b c"]'


def test_methods_are_found_also_over_line_breaks() -> None:
    assert list(calls("data.x\n .map (i, i).y.size()")) == ["map", "size"]


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("data['a\x00b']", "a\x00b"),
        ('data["a"]', "a"),
        ("data['''a''']", "a"),
        ('data["""a"""]', "a"),
        ("data['']", ""),
    ],
)
def test_a_key_in_quotes_is_what_stands_between_them(source: str, key: str) -> None:
    """Whatever it holds: a YAML text may hold a NUL."""
    assert references(source) == (("data", key),)
