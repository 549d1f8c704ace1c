"""What can be told about a CEL expression from its text alone: where strings end, what it looks at.

CEL's own parser does not hand out its tree, so this reads tokens. What must not go in: evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]

ROOTS = ("data", "event", "now")
_QUOTES = ('"""', "'''", '"', "'")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_TOKEN = re.compile(
    r"""
      (?P<string>
        (?:[bB]?[rR]|[rR][bB])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
      | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}
              |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<comment>//[^\n]*)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>[0-9][A-Za-z0-9_]*)
    | (?P<space>\s+)
    | (?P<symbol>&&|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens(source: str, start: int = 0) -> Iterator[Token]:
    """The tokens of an expression, without spaces and comments."""
    for match in _TOKEN.finditer(source, start):
        kind = match.lastgroup or ""
        if kind not in {"space", "comment"}:
            yield Token(kind, match[0], match.start(), match.end())


def closing_brace(source: str, start: int) -> int | None:
    """Where the `}` stands that closes a `${` whose expression begins at `start`."""
    depth = 0
    for token in tokens(source, start):
        if token.text in {"{", "[", "("}:
            depth += 1
        elif token.text == "}" and depth == 0:
            return token.start
        elif token.text in _CLOSING:
            depth -= 1
    return None


def conjuncts(source: str) -> tuple[str, ...]:
    """The parts of a condition that are joined by `&&` at its top level, as written.

    One part, the whole, if there is a `||` or `?` beside them: those bind weaker.
    """
    depth, begin = 0, 0
    parts: list[str] = []
    for token in tokens(source):
        if token.kind != "symbol":
            continue
        if token.text in {"{", "[", "("}:
            depth += 1
        elif token.text in _CLOSING:
            depth -= 1
        elif depth == 0 and token.text in {"||", "?"}:
            return (source.strip(),)
        elif depth == 0 and token.text == "&&":
            parts.append(source[begin : token.start].strip())
            begin = token.end
    return (*parts, source[begin:].strip())


def calls(source: str) -> Iterator[str]:
    """The names of the methods that an expression calls: `x.name(`."""
    window: list[Token] = []
    for token in tokens(source):
        window = [*window[-2:], token]
        if [part.text for part in window[::2]] == [".", "("] and window[1].kind == "name":
            yield window[1].text


def references(source: str, roots: Sequence[str] = ROOTS) -> tuple[Path, ...]:
    """The paths below `data`, `event` and `now` (or other roots) that an expression looks at, each
    once, in order.

    A path ends where it can be told no further: at a method, or an index that is itself computed.
    """
    found: dict[Path, None] = {}
    stream = list(tokens(source))
    for index, token in enumerate(stream):
        after_dot = index > 0 and stream[index - 1].text == "."
        if token.kind == "name" and token.text in roots and not after_dot:
            found[_path_from(stream, index)[0]] = None
    return tuple(found)


def plain_path(source: str, roots: Sequence[str] = ROOTS) -> Path | None:
    """The path, if the expression is nothing else: `data.order.items[0].name`."""
    stream = list(tokens(source))
    if not stream or stream[0].text not in roots:
        return None
    path, end = _path_from(stream, 0)
    return path if end == len(stream) else None


def written(path: Path) -> str:
    """A path as people write it in a rule."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif not text:
            text = part
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part):
            text += f".{part}"
        else:
            text += f'["{part}"]'
    return text


def _path_from(stream: list[Token], index: int) -> tuple[Path, int]:
    path: list[str | int] = [stream[index].text]
    index += 1
    while index + 1 < len(stream):
        opening, inner = stream[index], stream[index + 1]
        following = stream[index + 2].text if index + 2 < len(stream) else ""
        if opening.text == "." and inner.kind == "name" and following != "(":
            path.append(inner.text)
            index += 2
        elif opening.text == "[" and following == "]" and (key := _key(inner)) is not None:
            path.append(key)
            index += 3
        else:
            break
    return tuple(path), index


def _key(token: Token) -> str | int | None:
    """A literal index: a plain string or number. Anything fancier counts as computed."""
    if token.kind == "number" and token.text.isdecimal() and len(token.text) < 10:
        return int(token.text)
    if token.kind == "string" and token.text[0] in "\"'" and "\\" not in token.text:
        quote = next(mark for mark in _QUOTES if token.text.startswith(mark))
        return token.text[len(quote) : -len(quote)]
    return None
