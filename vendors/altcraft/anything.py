"""`api`: any call of the vendor's index that has no operation of its own.

Nothing is known of it: not what it sets, so there is no order; not whether it may be repeated, so
it is repeated only while the platform recognises its Request-ID. What must not go in: calls that
have an operation of their own; through here they would get around all that is known of them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from vendors.altcraft.call import Call
from vendors.altcraft.provider import AltcraftProvider
from vendors.parameters import StrictParams
from vendors.wire import Identity, InvalidParams, Params

Path = Annotated[
    str, StringConstraints(strict=True, max_length=200, pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$")
]

_OURS = ("token", "format")


class ApiParams(StrictParams):
    """What `api` takes."""

    path: Path = Field(description="the call after api/v1.1/, such as segments/add")
    body: dict[str, JsonValue] = Field(
        default_factory=dict, description="its parameters, without token and format"
    )


def anything(taken: frozenset[str]) -> Call:
    """The operation; `taken` are the calls that have one of their own."""

    def fill(params: Params, provider: AltcraftProvider) -> Params:  # noqa: ARG001
        if params["path"].removeprefix("admin/") in taken:
            raise InvalidParams("this call has an operation of its own", field="path")
        for name in _OURS:
            if name in params.get("body", {}):
                raise InvalidParams(f"{name} comes from the provider", field="body")
        return {"body": {}, **params}

    return Call(
        name="api",
        summary="Any other call, by its path.",
        source="Altcraft, List of API endpoints",
        model=ApiParams,
        repeatable=False,
        fill=fill,
        path=lambda name, params: str(params["path"]),  # noqa: ARG005
        body=_body,
    )


def _body(params: Params, identity: Identity) -> Params:  # noqa: ARG001
    return dict(params["body"])
