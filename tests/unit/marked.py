"""Which tests say by a mark with a number that they show what becomes of something."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


@functools.cache
def marked_tests(mark: str) -> dict[int, list[str]]:
    """By number: `file::test`, for each test with `pytest.mark.<mark>(number)`."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for decorator in node.decorator_list:
                if (
                    isinstance(decorator, ast.Call)
                    and ast.unparse(decorator.func) == f"pytest.mark.{mark}"
                ):
                    found[ast.literal_eval(decorator.args[0])].append(f"{path.name}::{node.name}")
    return found
