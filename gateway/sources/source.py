"""A source, ready to be recognised, and what it may send.

What must not go in: a scheme of verification (one file each beside this one).
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotAllowed
from core.messages import Event
from gateway.events.types import TypeGlobs
from gateway.sources.bearer import KeyHash
from gateway.sources.model import Scheme
from gateway.sources.standard_webhooks import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who may send. Holds the keys of its own scheme; those of the other are empty."""

    name: str
    scheme: Scheme
    events: TypeGlobs
    max_body: int
    may_spool: bool = False
    key_hashes: tuple[KeyHash, ...] = ()
    signing_keys: tuple[SigningKey, ...] = ()

    def check_allowed(self, event: Event) -> None:
        """Raises NotAllowed for a type of event that this source may not send."""
        if not self.events.match(event.type):
            raise NotAllowed(
                "This source may not send events of this type.", code="event-type-not-allowed"
            )
