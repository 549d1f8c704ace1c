"""Who may call: tokens that were handed out, and logins.

What must not go in: where a call carries them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable


class Tokens:
    """`known`: what a token must be that was not handed out here."""

    def __init__(self, known: Callable[[object], bool]) -> None:
        self._known = known
        self._accounts: dict[str, str] = {}
        self._issued: set[str] = set()
        self._revoked = False

    @property
    def emails(self) -> list[str]:
        return sorted(self._accounts)

    def add_account(self, email: str, password: str) -> None:
        """From the first one on, nobody else gets in."""
        self._accounts[email] = password

    def takes(self, token: object) -> bool:
        return token in self._issued or (not self._revoked and self._known(token))

    def takes_login(self, email: str, password: str) -> bool:
        """Without accounts, any email and password that are not empty."""
        if not email or not password:
            return False
        return not self._accounts or self._accounts.get(email) == password

    def issue(self, *, rotate: bool) -> str:
        """A new token; `rotate`: the earlier ones end."""
        if rotate:
            self._issued.clear()
        token = secrets.token_hex(16)
        self._issued.add(token)
        return token

    def revoke(self) -> None:
        """From now on only tokens are taken that are handed out later."""
        self._issued.clear()
        self._revoked = True

    def clear(self) -> None:
        self._accounts.clear()
        self._issued.clear()
        self._revoked = False
