"""The import arrows of the packages: cli -> gateway, consumers, sandbox -> vendors -> core.

Read from the syntax trees, so that an import counts even where no test would run it. Each rule is
one line in a table below; the second half plants violations, so that a checker that sees nothing
cannot pass.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAY_IMPORT: dict[str, frozenset[str]] = {
    "core": frozenset({"core"}),
    "vendors": frozenset({"vendors", "core"}),
    "gateway": frozenset({"gateway", "vendors", "core"}),
    "consumers": frozenset({"consumers", "vendors", "core"}),
    "sandbox": frozenset({"sandbox", "vendors", "core"}),
    "cli": frozenset({"cli", "gateway", "consumers", "sandbox", "vendors", "core"}),
}
OURS = frozenset(MAY_IMPORT) | {"bench", "tests"}

PURE = ("gateway.rules", "vendors")
"""Packages that decide and do no I/O."""

IMPURE = (
    "aio_pika",
    "aiohttp",
    "aiosqlite",
    "asyncio",
    "asyncpg",
    "core.broker",
    "core.journal",
    "http.client",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "urllib.request",
)

CONCRETE = (
    "core.broker.connect",
    "core.broker.embedded",
    "core.broker.rabbitmq",
    "core.journal.connect",
    "core.journal.sql",
    "core.tracing.connect",
    "core.tracing.otlp",
)
"""Adapters: met where a process is put together, and nowhere else."""


MAY_BE_LATE = {("core.tracing.connect", "core.tracing.otlp")}
"""An extra that is not installed everywhere, and costs nothing where it is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported module, and whether the statement stands inside a function."""

    target: str
    line: int
    deferred: bool


def imports_of(module: str, source: str, *, is_package: bool) -> Iterator[Import]:
    """Every import in a module. `from a import b` counts as `a` and as `a.b`: b may be a module."""
    yield from _walk(ast.parse(source), module if is_package else module.rpartition(".")[0], False)


def _walk(node: ast.AST, package: str, deferred: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            for name in names:
                yield Import(target=name.name, line=node.lineno, deferred=deferred)
        case ast.ImportFrom(module=name, names=names, level=level):
            parent = package.split(".")
            base = ".".join(parent[: len(parent) - level + 1]) if level else ""
            origin = ".".join(part for part in (base, name) if part)
            yield Import(target=origin, line=node.lineno, deferred=deferred)
            for each in names:
                yield Import(target=f"{origin}.{each.name}", line=node.lineno, deferred=deferred)
        case (
            ast.Call(func=ast.Name(id="__import__"))
            | ast.Call(func=ast.Attribute(attr="import_module"))
        ):
            yield Import(target="a name known only at run time", line=node.lineno, deferred=True)
        case _:
            pass
    inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, package, inside)


def lies_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in packages)


def is_composition_root(module: str) -> bool:
    return module.startswith("cli.") or module.rpartition(".")[2] in {"app", "__main__"}


def violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """What this module imports and must not."""
    found = []
    home = module.partition(".")[0]
    for each in imports_of(module, source, is_package=is_package):
        target = each.target
        package = target.partition(".")[0]
        if each.deferred and not any(
            module == late and lies_in(target, (what,)) for late, what in MAY_BE_LATE
        ):
            found.append(f"{module}:{each.line}: imports {target} inside a function")
        if package in OURS and package not in MAY_IMPORT[home]:
            found.append(f"{module}:{each.line}: {home} must not import {target}")
        if lies_in(module, PURE) and lies_in(target, IMPURE):
            found.append(f"{module}:{each.line}: does no I/O, but imports {target}")
        if home != "core" and lies_in(target, CONCRETE) and not is_composition_root(module):
            found.append(f"{module}:{each.line}: meets the adapter {target} outside app.py and cli")
    return found


def modules() -> dict[str, Path]:
    found = {}
    for home in MAY_IMPORT:
        for path in sorted((ROOT / home).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def test_every_module_keeps_the_arrows() -> None:
    """No module imports against the arrows, late, or around the ports."""
    found = [
        problem
        for module, path in modules().items()
        for problem in violations(
            module, path.read_text(encoding="utf-8"), is_package=path.stem == "__init__"
        )
    ]
    assert not found, "\n".join(found)


def test_every_package_is_read() -> None:
    """The checker looks at all six packages and at their subpackages."""
    seen = set(modules())
    assert set(MAY_IMPORT) <= seen
    assert {"core.errors", "core.broker.port", "gateway.rules.port", "vendors.operation"} <= seen


@pytest.mark.parametrize(
    ("module", "source", "problem"),
    [
        ("core.clock", "import vendors", "core must not import vendors"),
        ("core.clock", "from tests import servers", "core must not import tests"),
        (
            "vendors.altcraft.calls",
            "from gateway.rules.port import Plan",
            "must not import gateway",
        ),
        ("gateway.intake", "import consumers.worker", "gateway must not import consumers"),
        ("consumers.worker", "from gateway import app", "consumers must not import gateway"),
        ("sandbox.app", "from consumers.http import Client", "sandbox must not import consumers"),
        ("gateway.app", "from cli.main import main", "gateway must not import cli"),
        ("gateway.rules.load", "import asyncio", "does no I/O, but imports asyncio"),
        ("gateway.rules.load", "from aiohttp import web", "does no I/O, but imports aiohttp"),
        ("gateway.rules.plan", "from core import journal", "does no I/O, but imports core.journal"),
        (
            "vendors.registry",
            "import core.broker.port",
            "does no I/O, but imports core.broker.port",
        ),
        ("vendors.load", "import sqlalchemy.ext.asyncio", "does no I/O, but imports sqlalchemy"),
        ("gateway.intake", "from core.broker import connect", "meets the adapter core.broker.con"),
        ("gateway.intake", "from core.tracing import otlp", "meets the adapter core.tracing.otlp"),
        ("core.tracing.connect", "def f():\n    import opentelemetry", "inside a function"),
        ("core.logs", "def f():\n    import core.tracing.otlp", "inside a function"),
        ("consumers.worker", "from core.journal.sql import SqlJournal", "meets the adapter"),
        (
            "consumers.worker",
            "from .app import x\nfrom ..gateway import y",
            "must not import gateway",
        ),
        ("consumers.app", "def f():\n    import json", "imports json inside a function"),
        ("consumers.app", "async def f():\n    if x:\n        import json", "inside a function"),
        ("consumers.app", "importlib.import_module('gateway')", "a name known only at run time"),
        ("consumers.app", "__import__('gateway')", "a name known only at run time"),
        ("core.logs", "if TYPE_CHECKING:\n    import gateway", "core must not import gateway"),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str, problem: str) -> None:
    """Each rule catches what it forbids."""
    assert any(problem in line for line in violations(module, source))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core.journal.connect", "from core.journal.sql import SqlJournal"),
        ("consumers.app", "from core.broker.connect import open_broker"),
        ("gateway.__main__", "from core.journal.connect import open_journal"),
        ("cli.books", "from core.broker.embedded import depths"),
        ("gateway.rules.load", "from core.document import Document\nimport celpy"),
        ("gateway.intake", "import asyncio\nfrom core.broker.port import Publisher"),
    ],
)
def test_what_is_allowed_is_not_reported(module: str, source: str) -> None:
    """The arrows forbid nothing that a composition root or an I/O module needs."""
    assert violations(module, source) == []
