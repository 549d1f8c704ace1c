"""Reads a `.bru` file back, strictly: blocks that end with a brace at the start of a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

_START = re.compile(r"([a-z]+(?::[a-z-]+)?) \{")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bru:
    """The lines of each block."""

    blocks: dict[str, list[str]]

    def text(self, block: str) -> str:
        return dedent("\n".join(self.blocks[block]))

    def fields(self, block: str) -> dict[str, str]:
        """Names and values; fails for a name that stands twice."""
        pairs = [line.strip().partition(":") for line in self.blocks[block]]
        found = {name: value.strip() for name, _, value in pairs}
        assert len(found) == len(pairs), block
        return found


def parse_bru(text: str) -> Bru:
    """Fails for anything that stands outside a block, and for a block that stands twice."""
    blocks: dict[str, list[str]] = {}
    inside: list[str] | None = None
    for line in text.splitlines():
        start = _START.fullmatch(line)
        if inside is None and start:
            assert start[1] not in blocks, line
            inside = blocks[start[1]] = []
        elif inside is None:
            assert line == "", line
        elif line == "}":
            inside = None
        else:
            assert line == "" or line.startswith("  "), line
            inside.append(line)
    assert inside is None, "a block has no end"
    return Bru(blocks=blocks)
