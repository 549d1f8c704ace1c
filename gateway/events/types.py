"""Event types, and the globs that rules and sources name them by, such as `order.*`."""

from __future__ import annotations

import re
from collections.abc import Iterable

EVENT_TYPE = re.compile(r"[A-Za-z0-9._/-]{1,128}")
TYPE_EXPECTED = "expected 1 to 128 letters, digits, dots, slashes, - or _"
_GLOB = re.compile(r"[A-Za-z0-9._/*-]{1,128}")


def check_glob(text: str) -> str:
    """The glob itself; raises ValueError saying what was expected."""
    if not _GLOB.fullmatch(text) or text.count("*") > 4:
        raise ValueError("expected an event type such as order.placed, or a glob such as order.*")
    return text


class TypeGlobs:
    """Some event types and globs, compiled. `*` stands for any characters, dots included."""

    def __init__(self, globs: Iterable[str]) -> None:
        globs = tuple(globs)
        self.exact = frozenset(glob for glob in globs if "*" not in glob)
        self.open = any("*" in glob for glob in globs)
        parts = ("[^\n]*".join(map(re.escape, re.split(r"\*+", glob))) for glob in globs)
        self._pattern = re.compile("|".join(f"(?:{part})" for part in parts) or r"(?!)")

    def match(self, event_type: str) -> bool:
        if event_type in self.exact:
            return True
        return self.open and self._pattern.fullmatch(event_type) is not None
