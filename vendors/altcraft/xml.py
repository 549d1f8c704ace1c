"""The platform's XML form of bodies and answers, as plain data.

Root `<xml>`, one element per field; arrays are repeated elements, marked `array='true'` in
requests; null is an empty element. XML knows no types: a number comes back as text, a list of one
as the one, so whoever reads has to expect that. Answers are hostile until proven otherwise:
anything with a DTD, an entity, an outside reference or absurd depth is not readable, and never an
exception. What must not go in: what any field means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]

from vendors.wire import InvalidParams, JsonObject, Params

MAX_DEPTH = 32
MAX_ELEMENTS = 200_000

_ROOTS = ("xml", "result")
"""The documentation's examples show both."""

_FIRST = ("token", "account_id", "id", "name")
"""As in the vendor's examples; what follows is sorted, so that the same call makes the same
bytes."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def check(params: Params) -> None:
    """Raises InvalidParams for what cannot be written: names that no element can have, control
    characters, lists within lists."""
    for name, value in params.items():
        if (problem := _problem(name, value, 1)) is not None:
            raise InvalidParams(problem, field=name)


def write(fields: Params) -> bytes:
    """The fields as a document; they have passed `check`."""
    order = sorted(fields, key=lambda name: (_rank(name), name))
    lines = [line for name in order for line in _elements(name, fields[name])]
    return "\n".join(["<xml>", *lines, "</xml>"]).encode()


def read(body: bytes) -> JsonObject | None:
    """The document as plain data: elements with children are objects, repeated ones lists, empty
    ones None. None if it is not a document of the platform."""
    target = _Reading()
    parser = DefusedXMLParser(
        target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    try:
        parser.feed(body)
        parser.close()
    except (ParseError, ValueError, LookupError):
        # ValueError is also the root of what defusedxml and `_Reading` refuse.
        return None
    return target.content


class _Reading:
    """Builds the data while the parser walks, so that depth and size are refused as they grow."""

    def __init__(self) -> None:
        self.content: JsonObject | None = None
        self._open: list[tuple[str, JsonObject, list[str], bool]] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise ValueError("deeper or larger than an answer is")
        if not self._open and tag not in _ROOTS:
            raise ValueError("not a document of the platform")
        self._open.append((tag, {}, [], attributes.get("array") == "true"))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][2].append(text)

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        name, children, texts, is_list = self._open.pop()
        value: Any = children or _text("".join(texts))
        if not self._open:
            self.content = children
            return
        parent = self._open[-1][1]
        if name in parent and isinstance(parent[name], list):
            parent[name].append(value)
        elif name in parent:
            parent[name] = [parent[name], value]
        else:
            parent[name] = [value] if is_list else value

    def close(self) -> None:
        """The parser's signature; nothing is left to do."""


def _text(text: str) -> str | None:
    return text if text.strip() else None


def _rank(name: str) -> int:
    if name == "format":
        return len(_FIRST) + 1
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _elements(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"<{name}>{_inner(value)}</{name}>"
        return
    for item in value or [None]:
        yield f"<{name} array='true'>{_inner(item)}</{name}>"


def _inner(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "".join(line for name in sorted(value) for line in _elements(name, value[name]))
    return "".join(_ESCAPES.get(sign, sign) for sign in str(value))


def _problem(name: str, value: Any, depth: int) -> str | None:
    if not _NAME.fullmatch(name) or name.lower().startswith("xml"):
        return "holds a name that cannot be written as XML"
    if depth > MAX_DEPTH - 2:
        return "is nested too deep"
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, list):
            return "holds a list within a list, which XML cannot say"
        if isinstance(item, str) and _UNWRITABLE.search(item):
            return "holds a character that XML cannot say"
        if isinstance(item, dict):
            for inner, below in item.items():
                if (problem := _problem(inner, below, depth + 1)) is not None:
                    return problem
    return None
