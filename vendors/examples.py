"""An example of every operation of a vendor, with variables where an account differs from another.

A value may be a variable, `{{profile_id}}`, as the vendor's own collection writes it. What must not
go in: what an example is shown as, and any real credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vendors.wire import Params

FRESH = ("request_id", "tag")
"""Variables that are new with every request, so they have no default: an id, and a number that a
text is found again by."""

_NAME = re.compile(r"\{\{([a-z0-9_]+)\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`value` is the default: what the sandbox knows, a number where the parameter is one."""

    value: str | int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What is shown of a vendor.

    `params`: of each operation, in an order in which they can be made one after another.
    `settings`: of the provider that makes them; `url` and `secrets` are variables and stay so.
    `saves`: what of an operation's answer a later one needs: the variable, and where it stands.
    `silent`: operations whose answer may leave `error` out where there is none.
    """

    params: Mapping[str, Params] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    url: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    saves: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()


def filled(value: Any, by: Mapping[str, str | int]) -> Any:
    """The value with its variables replaced, names of fields too; one that stands alone keeps its
    type. A fresh one stays. Raises KeyError for one that nobody knows."""
    match value:
        case dict():
            return {str(filled(name, by)): filled(it, by) for name, it in value.items()}
        case list():
            return [filled(it, by) for it in value]
        case str():
            whole = _NAME.fullmatch(value)
            if whole and whole[1] not in FRESH:
                return by[whole[1]]
            return _NAME.sub(lambda it: it[0] if it[1] in FRESH else str(by[it[1]]), value)
        case _:
            return value
