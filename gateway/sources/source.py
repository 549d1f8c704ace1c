"""A source, ready to be recognised: how it proves itself, how its deliveries are read and answered,
how much it may send.

What must not go in: a scheme (`schemes`), a known system (`presets`).
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotAllowed
from core.messages import Event, JsonObject
from gateway.events.schemas import Schemas
from gateway.events.types import TypeGlobs
from gateway.sources.keys import Key
from gateway.sources.names import OnInvalid, Preset, Scheme
from gateway.sources.reading import Reader
from gateway.sources.schemes.bearer import KeyHash
from gateway.sources.verifier import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who may send. `bearer` holds the keys of one that proves itself by a bearer key, and is empty
    for the others. `rate` is in requests a second; None: no limit."""

    name: str
    scheme: Scheme
    verifier: Verifier
    reader: Reader
    events: TypeGlobs
    max_body: int
    secrets: tuple[str, ...] = ()
    bearer: tuple[Key[KeyHash], ...] = ()
    preset: Preset | None = None
    on_invalid: OnInvalid = OnInvalid.REJECT
    accepted: int = 202
    """The status of a success answer."""
    success: JsonObject | None = None
    """What its sender has to be answered instead of a receipt."""
    has_path: bool = True
    """Whether its deliveries come to a path of its own."""
    may_spool: bool = False
    rate: float | None = None
    burst: int = 100
    bodies: int = 256
    gzip: bool = False
    origins: tuple[str, ...] = ()
    schemas: Schemas | None = None
    """What its events are held against; None: they may hold anything."""

    def check_allowed(self, event: Event) -> None:
        """Raises NotAllowed for a type of event that this source may not send."""
        if not self.events.match(event.type):
            raise NotAllowed(
                "This source may not send events of this type.", code="event-type-not-allowed"
            )

    def check_data(self, event: Event) -> None:
        """Raises InvalidEvent for data that the schema of the event's type does not take."""
        if self.schemas is not None:
            self.schemas.check(event.type, event.data)
