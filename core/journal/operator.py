"""What operators need of a journal: to look at what they would change, change it, and have it
written down.

Nothing here names a person: a selection is kept in the audit without the number or address it was
made by. What must not go in: SQL, and who is an operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.clock import to_text
from core.journal.port import ReadJournal
from core.journal.states import State
from core.messages import Action, Event, JsonObject
from core.person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which actions are meant; None means any. `since` and `until`: when the journal first saw
    them. `states`: those that are to be changed, and `changed_before`: if nothing has happened to
    them since."""

    states: frozenset[State]
    ids: tuple[str, ...] = ()
    ref: str | None = None
    source: str | None = None
    provider: str | None = None
    rule: str | None = None
    to: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    changed_before: datetime | None = None

    @property
    def names_something(self) -> bool:
        """Whether it is narrower than every action there is."""
        return any(
            (
                self.ids,
                self.ref,
                self.source,
                self.provider,
                self.rule,
                self.to,
                self.since,
                self.until,
            )
        )

    def shown(self) -> JsonObject:
        """For the audit, without whom it was about."""
        found: JsonObject = {"states": sorted(state.value for state in self.states)}
        for name in ("ref", "source", "provider", "rule"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        if self.ids:
            found["ids"] = list(self.ids[:20]) + (["..."] if len(self.ids) > 20 else [])
        if self.to is not None:
            found["to"] = "***"
        for name in ("since", "until", "changed_before"):
            if (moment := getattr(self, name)) is not None:
                found[name] = to_text(moment)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a selection finds. `states`: all that it names; `wanted`: in the states to be changed,
    of which so many have expired, or have an unknown outcome. `replayed_for`: how long until all of
    it that a replay has set waiting is due."""

    states: dict[State, int]
    wanted: int
    expired: int
    unknown: int
    replayed_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayable:
    """An action that may be done again, with its event, if that was recorded."""

    action: Action
    seq: int
    state: State
    unknown: bool
    event: Event | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """An action to be done again in a while; `action` is how (it may have been planned anew).

    `anew`: as a call of its own although the last one may have taken effect.
    """

    action: Action
    seq: int
    state: State
    unknown: bool
    due_in: timedelta
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What an operator did, and to how many actions."""

    id: int
    at: datetime
    who: str
    what: str
    wanted: str
    done: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One slice of looking for a person, or of erasing one: how many `events` and `unreadable`
    messages, and which `actions`, in which state they were. Those that were running are left: a
    worker has them in hand. `after`: where the next slice begins; None: the end was reached."""

    after: str | None
    events: int = 0
    unreadable: int = 0
    actions: dict[str, State] = field(default_factory=dict)


class Pausable(StrEnum):
    """What a person may pause."""

    PROVIDER = "provider"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    kind: Pausable
    name: str
    paused_at: datetime
    paused_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSeen:
    """A breaker of one consumer process, as it said last."""

    provider: str
    owner: str
    state: str
    cause: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Oldest:
    """How long the oldest open action of a lane has been waiting for its end."""

    provider: str
    lane: str
    state: State
    count: int
    since: datetime


class OperatorJournal(ReadJournal, Protocol):
    """Raises JournalUnavailable and JournalRejected, as the rest of the journal."""

    async def preview(self, selection: Selection) -> Preview: ...

    async def cancel(self, selection: Selection, *, audit: int, limit: int) -> int:
        """Up to `limit` actions become cancelled; how many. 0: none is left."""
        ...

    async def replayable(self, selection: Selection, *, after: str, limit: int) -> list[Replayable]:
        """The next ones by id. What has expired is not among them."""
        ...

    async def replay(self, items: Sequence[Again], *, audit: int) -> int:
        """Each becomes waiting until its time, unless it has changed meanwhile; how many."""
        ...

    async def remember_erased(self, person: Person) -> datetime:
        """From now on nothing about this person that happened before is written down or carried
        out; returns the moment."""
        ...

    async def to_erase(
        self, person: Person, *, until: datetime, after: str | None, limit: int
    ) -> Erasure:
        """Up to `limit` rows are looked through; nothing is changed."""
        ...

    async def erase(
        self, person: Person, *, until: datetime, audit: int, after: str | None, limit: int
    ) -> Erasure:
        """The same, and what is found is emptied."""
        ...

    async def begin_audit(self, *, who: str, what: str, wanted: str) -> int: ...

    async def end_audit(self, audit: int) -> None: ...

    async def audited(self, *, limit: int) -> list[Audited]:
        """Newest first."""
        ...

    async def pause(self, kind: Pausable, name: str, *, who: str) -> None: ...

    async def resume(self, kind: Pausable, name: str, *, who: str) -> bool:
        """False: it was not paused."""
        ...

    async def pauses(self) -> list[Pause]: ...

    async def breakers(self) -> list[BreakerSeen]: ...

    async def oldest(self) -> list[Oldest]:
        """For each provider, lane and open state, and for what is parked."""
        ...

    async def newest_rules(self) -> str | None:
        """The version of the rules that planned the event recorded last."""
        ...
