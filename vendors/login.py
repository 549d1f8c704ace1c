"""How a token is got with a name and a password. What must not go in: when to get one."""

from __future__ import annotations

from typing import Protocol

from vendors.provider import Provider
from vendors.wire import Answer, Outcome, Request


class Login(Protocol):
    """How a token is got with a name and a password."""

    def is_used(self, provider: Provider) -> bool: ...

    def request(self, provider: Provider) -> Request: ...

    def read(self, answer: Answer, provider: Provider) -> Outcome:
        """DONE with the token as `reference`, or why there is none. Its text is a secret."""
        ...
