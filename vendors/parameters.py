"""Checking an action's parameters against an operation's model, in words that never repeat a value.

The same for every operation, so that a refused parameter always names its field. What must not go
in: what any one parameter means.
"""

from __future__ import annotations

from typing import TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from core.document import written_location
from vendors.wire import InvalidParams, Params

Model = TypeVar("Model", bound=BaseModel)

MAX_BYTES = 10 * 1024 * 1024
"""Altcraft's default limit of a request body, the only one that either vendor documents."""


class StrictParams(BaseModel):
    """Root of every parameter model: unknown names and silently converted types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def checked(model: type[Model], params: Params) -> Model:
    """The parameters as their model. Raises InvalidParams for the first one that is wrong.

    A parameter that is None counts as not given.
    """
    given = {name: value for name, value in params.items() if value is not None}
    _check_text(given)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        named = first.get("ctx", {}).get("field", "")
        place = written_location(given, first["loc"])
        field = ".".join(str(part) for part in place) or named or "params"
        raise InvalidParams(first["msg"].removeprefix("Value error, "), field=field) from None


def dumped(params: BaseModel) -> Params:
    """The parameters as they travel: only those that were given."""
    return params.model_dump(mode="json", exclude_unset=True)


def _check_text(given: Params) -> None:
    """Refuse what could not be written: lone surrogates, numbers beyond 64 bits, other objects."""
    for name, value in given.items():
        try:
            size = len(orjson.dumps(value))
        except TypeError:
            raise InvalidParams("cannot be written as JSON", field=name) from None
        if size > MAX_BYTES:
            raise InvalidParams("is larger than the provider takes", field=name)
