"""`postern call`: one call to a provider by hand, past rules and journal."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from prometheus_client import CollectorRegistry

from cli.options import config_option, document_of
from cli.output import print_json
from cli.providers import operation_of
from cli.starred import starred
from consumers.caller import open_caller
from consumers.calls import Calls
from consumers.guard import refusal_of
from consumers.http import Lease
from consumers.metrics import ConsumerMetrics
from core.clock import SystemClock
from core.document import Document
from core.errors import CallError, ConfigurationError, MaybeSent, PosternError
from vendors.describing import takes_text
from vendors.gather import Item
from vendors.load import load_providers, read_secrets
from vendors.operation import Operation, Vendor
from vendors.provider import Provider
from vendors.registry import VENDORS
from vendors.wire import Answer, Identity, InvalidParams, Outcome, OutcomeKind, Params

CONNECTIONS = 4


@click.command("call")
@click.argument("provider")
@click.argument("operation")
@click.argument("parameters", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--dry-run", is_flag=True, help="Print the request, secrets starred; call nobody.")
@click.option(
    "--request-id",
    metavar="ID",
    help="Call again under this id: a provider that knows it answers what it answered then.",
)
@config_option
def command(
    *,
    provider: str,
    operation: str,
    parameters: tuple[str, ...],
    dry_run: bool,
    request_id: str | None,
    config: Path | None,
) -> None:
    """Make one call to a provider and print its answer as JSON.

    KEY=VALUE gives a parameter as text where it may be text, else as JSON; KEY:=JSON always as
    JSON. The call is not written to the journal and does not wait for others: it is for looking and
    mending by hand. What the provider's settings forbid (mode, only_to, countries) is not called.

    Exit code 0: the provider took it.

    Example: postern call sms send to=+4915123456789 text=Hello --dry-run
    """
    document = document_of(config)
    wish = _wish(document, provider, operation, parameters, request_id)
    if dry_run:
        print_json(_shown(document, wish))
        return
    if reason := wish.refusal():
        raise PosternError(f"not called: {reason}")
    read_secrets(document, {wish.name: wish.provider})
    hosts = frozenset(document.data.get("allow_hosts", []))
    made = asyncio.run(_made(wish, hosts))
    print_json(made)
    if made["outcome"] != OutcomeKind.DONE:
        raise click.exceptions.Exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A call that somebody asked for, checked."""

    name: str
    provider: Provider
    operation: Operation
    item: Item

    def refusal(self) -> str | None:
        params = self.item.params
        recipient = self.operation.recipient(params)
        return refusal_of(params, recipient, self.operation, self.provider)


def _wish(
    document: Document,
    name: str,
    operation_name: str,
    written: tuple[str, ...],
    request_id: str | None,
) -> _Wish:
    providers = load_providers(document, VENDORS)
    if name not in providers:
        raise PosternError(f"unknown provider; configured: {', '.join(sorted(providers))}")
    provider = providers[name]
    operation = operation_of(name, provider, operation_name)
    identity = Identity(
        request_id=request_id or secrets.token_urlsafe(18),
        tag=secrets.randbelow(2**31 - 2) + 1,
        called_at=SystemClock().now(),
    )
    params = _prepared(operation, provider, written)
    item = Item(params=params, identity=identity)
    return _Wish(name=name, provider=provider, operation=operation, item=item)


def _prepared(operation: Operation, provider: Provider, written: tuple[str, ...]) -> Params:
    params: Params = {}
    for each in written:
        key, value = _parameter(operation, each)
        if key in params:
            raise PosternError(f"{key} is given twice")
        params[key] = value
    try:
        return operation.prepare(params, provider)
    except InvalidParams as error:
        raise PosternError(f"{error.field}: {error.problem}") from None


def _parameter(operation: Operation, written: str) -> tuple[str, Any]:
    key, equals, text = written.partition("=")
    if not equals or not key.rstrip(":"):
        raise PosternError("expected KEY=VALUE or KEY:=JSON")
    name = key.removesuffix(":")
    if not key.endswith(":") and takes_text(operation.model, name):
        return name, text
    try:
        return name, orjson.loads(text)
    except orjson.JSONDecodeError:
        if key.endswith(":"):
            raise PosternError(f"{name}: expected JSON after :=") from None
        return name, text


def _shown(document: Document, wish: _Wish) -> dict[str, Any]:
    """The request as it would go out. A secret that is missing is shown as one that is there."""
    provider = wish.provider
    with suppress(ConfigurationError):
        # What is missing is shown as what is there: with stars.
        read_secrets(document, {wish.name: provider})
    provider.pretend()
    request = wish.operation.request(wish.item.params, wish.item.identity, provider)
    shown = starred(request, provider)
    return {"method": "POST", "url": f"{provider.url.rstrip('/')}/{request.path}", **shown}


async def _made(wish: _Wish, hosts: frozenset[str]) -> dict[str, Any]:
    provider = wish.provider
    clock = SystemClock()
    vendor = VENDORS[provider.kind]
    answers: list[Answer] = []
    async with open_caller(
        provider, clock=clock, connections=CONNECTIONS, allow_hosts=hosts
    ) as caller:
        calls = Calls(
            name=wish.name,
            provider=provider,
            vendor=vendor,
            caller=caller,
            metrics=ConsumerMetrics(CollectorRegistry()),
            clock=clock,
            answered=answers.append,
        )
        most = calls.most_in_a_row(wish.operation) + 1
        lease = Lease(until=clock.monotonic() + most * provider.timeout.total_seconds())
        try:
            made = await calls.make(wish.operation, wish.item, lease)
            outcome = made.outcome
        except MaybeSent as error:
            outcome = Outcome(kind=OutcomeKind.UNKNOWN, reason=str(error))
        except CallError as error:
            raise PosternError(f"not called: {error}") from error
    return _told(vendor, wish.item.identity, outcome, answers)


def _told(
    vendor: Vendor, identity: Identity, outcome: Outcome, answers: list[Answer]
) -> dict[str, Any]:
    content = vendor.content(answers[-1]) if answers else None
    told = {
        "outcome": outcome.kind.value,
        "reason": outcome.reason or None,
        "reference": outcome.reference,
        "duplicate": outcome.duplicate or None,
        "request_id": identity.request_id,
        "status": answers[-1].status if answers else None,
        "answer": content,
    }
    return {key: value for key, value in told.items() if value is not None}
