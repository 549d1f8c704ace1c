"""How the platform says no: a code and words, for its envelope. What must not go in: HTTP."""

from __future__ import annotations

from typing import Any


class Incorrect(Exception):
    """The request is refused with a code, 400 unless it says otherwise."""

    def __init__(self, words: str, code: int = 400) -> None:
        super().__init__(words)
        self.code = code

    def envelope(self) -> dict[str, Any]:
        words = f"Incorrect request: {self}" if self.code == 400 else str(self)
        return {"error": self.code, "error_text": words}
