"""How a request is made with variables in it: values stand in for them while it is made, and the
variables are put back into what was made.

An operation checks what it is given, so a variable's name could not pass. A number stands in for a
number (one that nothing else is), a variable's default for a text. What must not go in: any
operation.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from vendors.examples import Variable

_FIRST = 2**52
"""Larger than any number in an example, and small enough for an id (2**53)."""


class StandIns:
    """What stands in for each variable, and the way back."""

    def __init__(self, variables: Mapping[str, Variable], numbers: tuple[str, ...] = ()) -> None:
        """`numbers`: variables without a default that are numbers."""
        self.values: dict[str, str | int] = {}
        for index, name in enumerate((*variables, *numbers)):
            known = variables.get(name)
            is_text = known is not None and isinstance(known.value, str)
            self.values[name] = known.value if known and is_text else _FIRST + index

    def named(self, text: str) -> str:
        """A text of JSON with the variables back in place of what stood in for them."""
        for name, value in self.values.items():
            if isinstance(value, int):
                text = text.replace(str(value), _variable(name))
            elif value:
                text = text.replace(_quoted(value), _quoted(_variable(name)))
        return text

    def named_field(self, text: str) -> str:
        """The same for a field of a form: a value of its own, or JSON again."""
        for name, value in self.values.items():
            if text == str(value):
                return _variable(name)
        return self.named(text)


def _variable(name: str) -> str:
    return "{{" + name + "}}"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
