"""A digest of the body in a header: what several systems do, each with other names.

Nothing but the body is signed, so that a delivery that was overheard stays valid: what recognises
it as a repeat has to be in the body. What must not go in: which system uses which header.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.errors import Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key, active_name, matching_digests
from gateway.sources.verifier import Proof, required


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBody:
    """HMAC over the body. `decode` gives the digest of the header's text without `prefix`, or
    None."""

    keys: tuple[Key[bytes], ...]
    header: str
    decode: Callable[[str], bytes | None]
    prefix: str = ""
    algorithm: str = "sha256"

    def check(self, headers: Headers) -> None:
        self.presented(headers)

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:
        digest = self.presented(headers)
        found = matching_digests(self.keys, body, [digest], algorithm=self.algorithm)
        return Proof(key=active_name(found, now))

    def presented(self, headers: Headers) -> bytes:
        """The digest that a delivery brings. Raises Unauthenticated."""
        text = required(headers, self.header)
        if not text.startswith(self.prefix):
            raise Unauthenticated(cause="malformed")
        digest = self.decode(text.removeprefix(self.prefix))
        if digest is None:
            raise Unauthenticated(cause="malformed")
        return digest
