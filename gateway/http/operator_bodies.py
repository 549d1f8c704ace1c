"""The bodies that operators send, taken strictly: a mistyped field must not select everything.

What must not go in: what is done about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from core.clock import Clock, from_rfc3339, to_text
from core.document import pydantic_words
from core.errors import InvalidParameter
from core.journal.machine import CANCELLABLE, REPLAYABLE
from core.journal.operator import Pausable, Selection
from core.journal.states import State
from core.messages import JsonObject
from gateway.events.strict_json import parse_json
from gateway.operator.planning import RATE
from gateway.operator.work import CANCELLED, ENDS_THERE_AGAIN, REPLAYED, Wish

Body = TypeVar("Body", bound=BaseModel)


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return from_rfc3339(value)
    except ValueError:
        raise ValueError("expected a time of RFC 3339, such as 2026-11-22T10:00:00Z") from None


Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Moment = Annotated[datetime, BeforeValidator(_moment)]


class PauseBody(BaseModel):
    """What is to be paused or resumed. `force`: also a name that the configuration does not
    know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Pausable
    name: Name
    force: bool = False


class SelectionBody(BaseModel):
    """Which actions; `preview` unless it is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    preview: bool = True
    ids: tuple[Id, ...] = Field((), max_length=1000)
    ref: Id | None = None
    source: Name | None = None
    provider: Name | None = None
    rule: Name | None = None
    to: Text | None = None
    since: Moment | None = None
    until: Moment | None = None
    changed_before: Moment | None = None
    states: tuple[State, ...] = ()

    def selection(self, default: frozenset[State], clock: Clock) -> Selection:
        """Raises InvalidParameter unless something narrows it down."""
        states = frozenset(self.states) or default
        before = self.changed_before
        if before is None and states & ENDS_THERE_AGAIN:
            before = clock.now()
        found = Selection(
            states=states,
            ids=self.ids,
            ref=self.ref,
            source=self.source,
            provider=self.provider,
            rule=self.rule,
            to=self.to,
            since=self.since,
            until=self.until,
            changed_before=before,
        )
        if not found.names_something:
            raise InvalidParameter(
                "Say which actions: ids, ref, source, provider, rule, to, since or until."
            )
        return found


class CancelBody(SelectionBody):
    @field_validator("states")
    @classmethod
    def _can_be_cancelled(cls, states: tuple[State, ...]) -> tuple[State, ...]:
        return _only(states, CANCELLABLE)

    def wanted(self, clock: Clock) -> Selection:
        return self.selection(CANCELLED, clock)


class ReplayBody(SelectionBody):
    """`after`: the id to go on from, out of the answer before."""

    rate: float = Field(RATE, ge=0.01, le=10_000)
    anew: bool = False
    after: Id | None = None

    @field_validator("states")
    @classmethod
    def _can_be_replayed(cls, states: tuple[State, ...]) -> tuple[State, ...]:
        return _only(states, REPLAYABLE)

    def wish(self, clock: Clock) -> Wish:
        selection = self.selection(REPLAYED, clock)
        return Wish(selection=selection, rate=self.rate, anew=self.anew, after=self.after or "")

    def next_after(self, wish: Wish, after: str) -> JsonObject:
        """The body that goes on where a bounded run stopped."""
        following = self.model_dump(mode="json", exclude_defaults=True)
        following |= {"preview": False, "after": after}
        for name in ("since", "until", "changed_before"):
            if (moment := getattr(wish.selection, name)) is not None:
                following[name] = to_text(moment)
        return following


def _only(states: tuple[State, ...], allowed: frozenset[State]) -> tuple[State, ...]:
    if not allowed.issuperset(states):
        raise ValueError(f"expected some of {', '.join(sorted(allowed))}")
    return states


def parse_body(model: type[Body], body: bytes) -> Body:
    """Raises MalformedRequest, or InvalidParameter naming the field."""
    if not isinstance(parse_json(body), Mapping):
        raise InvalidParameter("Expected a JSON object.")
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(model.model_fields))
        raise InvalidParameter(f"A field is unknown; known here: {known}.")
    place = ".".join(str(part) for part in first["loc"])
    raise InvalidParameter(f"{place}: {pydantic_words(dict(first))}.")
