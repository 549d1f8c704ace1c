"""docs/providers.md, made from the models: every operation, parameter, type, default and source.

`make docs` writes it, and a test holds the file to it. What must not go in: a fact that is not in a
model.
"""

from __future__ import annotations

from collections.abc import Iterator

from vendors.describing import Parameter, parameters, safety
from vendors.operation import Operation, Vendor
from vendors.registry import VENDORS

_TOP = """# Providers

Every call that a rule (`call: NAME.OPERATION`) and `postern call` can make, with its parameters.
This page is made from the models by `make docs`; what is not here is refused when a configuration
is loaded.

A provider's name is yours; below stands `NAME` for it. Where a parameter is missing, the provider's
setting of the same name is taken, if it has one.
"""


def page() -> str:
    return "".join(_lines())


def _lines() -> Iterator[str]:
    yield _TOP
    for vendor in VENDORS.values():
        yield from _vendor(vendor)


def _vendor(vendor: Vendor) -> Iterator[str]:
    yield f"\n## `kind: {vendor.kind}`\n\n"
    yield "Settings:\n\n"
    yield from _table(parameters(vendor.provider), name="Setting")
    yield f"\n{len(vendor.operations)} calls:\n\n"
    yield "| Call | What it does |\n| --- | --- |\n"
    for operation in vendor.operations.values():
        anchor = _title(vendor, operation).replace("/", "").replace("`", "").replace(" ", "-")
        yield f"| [`{operation.name}`](#{anchor}) | {_cell(operation.summary)} |\n"
    for operation in vendor.operations.values():
        yield from _operation(vendor, operation)


def _title(vendor: Vendor, operation: Operation) -> str:
    return f"{vendor.kind} {operation.name}"


def _operation(vendor: Vendor, operation: Operation) -> Iterator[str]:
    yield f"\n### {_title(vendor, operation)}\n\n"
    yield f"{operation.summary}\n\n"
    yield f"* When the outcome of a call is unknown, it is {safety(operation)}.\n"
    yield f"* Source: {operation.source}.\n\n"
    yield from _table(parameters(operation.model), name="Parameter")


def _table(rows: Iterator[Parameter], *, name: str) -> Iterator[str]:
    listed = list(rows)
    if not listed:
        yield f"It takes no {name.lower()}s.\n"
        return
    yield f"| {name} | Type | Default | Meaning |\n| --- | --- | --- | --- |\n"
    for each in listed:
        default = "required" if each.required else (f"`{each.default}`" if each.default else "")
        yield f"| `{each.name}` | {_cell(each.type)} | {_cell(default)} | {_cell(each.meaning)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
