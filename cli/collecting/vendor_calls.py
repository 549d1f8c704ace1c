"""The requests of a vendor's operations, each made by the operation itself from its example.

Nothing here knows any vendor. What must not go in: a parameter, or a fact that is not in a
description.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from urllib.parse import parse_qsl

import orjson

from cli.collecting.model import ErrorField, Folder, Form, Json, Request, Saved
from cli.collecting.standing_in import StandIns
from vendors import wire
from vendors.describing import parameters, safety
from vendors.examples import filled
from vendors.operation import Operation, Vendor
from vendors.provider import Provider
from vendors.wire import Identity

_TAG = "tag"
_FORM = "application/x-www-form-urlencoded"


def vendor_folder(vendor: Vendor) -> Folder:
    """All of a vendor's operations, in folders by the first part of their names, in the order of
    its examples."""
    stand_ins = StandIns(vendor.examples.variables, numbers=(_TAG,))
    provider = _provider(vendor, stand_ins)
    requests = (
        _request(vendor, vendor.operations[name], provider, stand_ins)
        for name in vendor.examples.params
    )
    return Folder(
        name=vendor.kind,
        description=f"Every call that Postern makes to {vendor.kind}, as it makes it.",
        items=tuple(_in_folders(requests)),
    )


def _in_folders(requests: Iterable[Request]) -> Iterator[Folder | Request]:
    for folder, members in groupby(requests, key=lambda it: it.name.rpartition("/")[0]):
        if folder:
            yield Folder(name=folder, items=tuple(members))
        else:
            yield from members


def _provider(vendor: Vendor, stand_ins: StandIns) -> Provider:
    """With the names of variables for its address and its secrets: none is ever read."""
    examples = vendor.examples
    settings = filled(dict(examples.settings), stand_ins.values)
    provider = vendor.provider.model_validate({**settings, "url": examples.url})
    provider.pretend(examples.secrets)
    if "token" in examples.secrets:
        provider.adopt(examples.secrets["token"])
    return provider


def _request(
    vendor: Vendor, operation: Operation, provider: Provider, stand_ins: StandIns
) -> Request:
    params = filled(vendor.examples.params[operation.name], stand_ins.values)
    tag = stand_ins.values[_TAG]
    identity = Identity(
        request_id="{{request_id}}", tag=int(tag), called_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    made = operation.request(operation.prepare(params, provider), identity, provider)
    body = _body(made, stand_ins)
    # Whoever sends a form says so by itself, and Bruno sends none where we say a charset too.
    left_out = {"Content-Type"} if isinstance(body, Form) else set()
    saves = vendor.examples.saves.get(operation.name, {})
    silent = operation.name in vendor.examples.silent
    return Request(
        name=operation.name,
        method="POST",
        url=f"{provider.url}/{made.path}",
        description="\n".join(_description(operation)),
        status=200,
        headers={name: it for name, it in made.headers.items() if name not in left_out},
        body=body,
        error=ErrorField.ZERO_OR_NOT_THERE if silent else ErrorField.ZERO,
        saves=tuple(Saved(variable=name, path=path) for name, path in saves.items()),
    )


def _body(made: wire.Request, stand_ins: StandIns) -> Json | Form:
    text = made.body.decode()
    if made.headers.get("Content-Type", "").startswith(_FORM):
        fields = parse_qsl(text, keep_blank_values=True)
        return Form(fields={name: stand_ins.named_field(value) for name, value in fields})
    pretty = orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    return Json(text=stand_ins.named(pretty))


def _description(operation: Operation) -> Iterator[str]:
    yield operation.summary
    yield ""
    yield f"Source: {operation.source}."
    yield f"When the outcome of a call is unknown, Postern has it {safety(operation)}."
    listed = list(parameters(operation.model))
    if listed:
        yield ""
        yield "Parameters of a rule:"
        yield ""
    for each in listed:
        required = ", required" if each.required else ""
        yield f"* `{each.name}` ({each.type}{required}): {each.meaning}"
