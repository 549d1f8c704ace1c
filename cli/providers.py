"""`postern providers`: what can be called, and with what; all of it from the models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.options import config_option, json_option, providers_of
from cli.output import add_row, console, print_json, table
from cli.providers_page import page
from core.errors import PosternError
from vendors.describing import Parameter, parameters, safety
from vendors.operation import Operation
from vendors.provider import Provider
from vendors.registry import VENDORS


@click.command("providers")
@click.argument("call", required=False, metavar="[PROVIDER[.OPERATION]]")
@click.option("--page", "as_page", is_flag=True, help="Print docs/providers.md of this version.")
@json_option
@config_option
def command(call: str | None, *, as_page: bool, as_json: bool, config: Path | None) -> None:
    """List the configured providers and what each can do.

    With the name of a provider: its calls. With a call as rules write it (sms.send): its
    parameters. Nobody is called, and no secret is read.

    Example: postern providers sms.send
    """
    if as_page:
        print(page(), end="")
        return
    providers = providers_of(config)
    chosen, _, name = (call or "").partition(".")
    if chosen and chosen not in providers:
        raise PosternError(f"unknown provider; configured: {', '.join(sorted(providers))}")
    shown = {chosen: providers[chosen]} if chosen else providers
    if name:
        _show_one(chosen, operation_of(chosen, providers[chosen], name), as_json=as_json)
    elif as_json:
        print_json([_described(each, provider) for each, provider in shown.items()])
    else:
        _show_calls(shown)


def operation_of(provider_name: str, provider: Provider, name: str) -> Operation:
    """Raises PosternError for a call that the provider does not have."""
    operations = VENDORS[provider.kind].operations
    if name not in operations:
        known = ", ".join(sorted(operations))
        raise PosternError(f"{provider_name} has no such call; it has: {known}")
    return operations[name]


def _described(name: str, provider: Provider) -> dict[str, Any]:
    return {
        "provider": name,
        "kind": provider.kind,
        "url": provider.url,
        "mode": provider.mode,
        "calls": [
            _call(name, operation) for operation in VENDORS[provider.kind].operations.values()
        ],
    }


def _call(provider: str, operation: Operation) -> dict[str, Any]:
    return {
        "call": f"{provider}.{operation.name}",
        "summary": operation.summary,
        "unknown_outcome": safety(operation),
        "source": operation.source,
        "parameters": [
            {
                "name": each.name,
                "type": each.type,
                "required": each.required,
                "default": each.default,
                "meaning": each.meaning,
            }
            for each in parameters(operation.model)
        ],
    }


def _show_calls(providers: dict[str, Provider]) -> None:
    to = console()
    for name, provider in providers.items():
        mode = "" if provider.mode == "live" else f"  ({provider.mode})"
        to.print(f"{name}: {provider.kind} at {provider.url}{mode}", style="bold")
        rows = table("call", "what it does")
        rows.show_header = False
        for operation in VENDORS[provider.kind].operations.values():
            add_row(rows, f"  {name}.{operation.name}", operation.summary)
        to.print(rows)
        to.print()


def _show_one(provider: str, operation: Operation, *, as_json: bool) -> None:
    if as_json:
        print_json(_call(provider, operation))
        return
    to = console()
    to.print(f"{provider}.{operation.name}", style="bold")
    to.print(operation.summary)
    to.print(f"Unknown outcome: {safety(operation)}.")
    to.print(f"Source: {operation.source}\n")
    rows = table("parameter", "type", "", "meaning")
    for each in parameters(operation.model):
        add_row(rows, each.name, each.type, _need(each), each.meaning)
    to.print(rows)


def _need(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    return f"default {parameter.default}" if parameter.default is not None else ""
