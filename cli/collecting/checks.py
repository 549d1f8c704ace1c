"""What is checked of an answer, in words and as JavaScript expressions that both programs know.

Postman and Bruno share the assertion library (chai), not the names of what it is asked about. What
must not go in: those names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from cli.collecting.model import ErrorField, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`words` say what is checked. `of` is an expression about `status` and `body`, `holds` what
    has to follow `expect(...)`."""

    words: str
    of: str
    holds: str


def checks(request: Request) -> Iterator[Check]:
    yield Check(words=f"HTTP {request.status}", of="status", holds=f".to.equal({request.status})")
    match request.error:
        case ErrorField.ZERO:
            yield Check(words="error 0", of="body.error", holds=".to.equal(0)")
        case ErrorField.ZERO_OR_NOT_THERE:
            words = "error 0, or none"
            yield Check(words=words, of="body.error", holds=".to.be.oneOf([0, undefined])")
        case ErrorField.ANYTHING:
            pass
        case _:
            assert_never(request.error)
    for saved in request.saves:
        words = f"gives {saved.variable}"
        yield Check(words=words, of=f"body{saved.expression}", holds=".to.be.ok")
