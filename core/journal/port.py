"""What Postern needs of a journal: claims and outcomes of actions, records of events, what is due,
the books.

Every write that decides something is a compare-and-set on the action's `seq`, so that of two
workers, a late outcome and a takeover only one wins. All moments are the journal's own clock unless
a name says otherwise. Every method raises JournalUnavailable when the journal is away, and
JournalRejected for data it cannot hold.

What must not go in: SQL, and when to do any of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from core.journal.states import State
from core.messages import Action, ActionMessage, EventRecord, JsonObject, Receipt

DATABASE_MARK = "!"
"""First character of an order key that names a whole database: such keys are locked first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Fields of one entity that an action sets ("*": all of them). `under`: entities whose marks
    count for this one too: a sweep over everything has set it there. `happens`: no state but
    something that happens; it leaves no mark, and nothing newer takes it away."""

    entity: str
    fields: frozenset[str]
    under: tuple[str, ...] = ()
    happens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wish to carry an action out.

    `order_keys` name whose calls go one at a time (a profile, its contacts); `targets` is what the
    action sets (empty when a guard has already said no: it then leaves no mark). `owner` is the
    process incarnation. `lag`: how long after the lease an effect may still become visible; the
    profile is kept for so long if no outcome comes.

    `within` names the database that all of it belongs to. With `sweeps` the action reaches over
    that whole database: its only key is `within`, it waits for every call under way in there, they
    wait for it, and it is parked where something newer has been said in there, since it can leave
    nothing out.
    """

    message: ActionMessage
    owner: str
    lease: timedelta
    lag: timedelta = timedelta(0)
    order_keys: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    within: str | None = None
    sweeps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The action is ours until the lease runs out.

    `keep` maps entity to the fields that nothing newer has set (None: all of them). `unknown` says
    that an earlier call may have taken effect; `attempts` counts the attempts that were charged
    against the list of retries; `called_at` is when this generation was first called, if it was.
    `remaining`: an earlier call did a part, and these are the parameters of what is left.
    """

    seq: int
    generation: int
    attempts: int
    unknown: bool
    called_at: datetime | None
    now: datetime
    keep: dict[str, frozenset[str]] | None = None
    remaining: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGranted:
    """Nothing to do for the worker but to acknowledge: the journal has the action in hand.

    `state` is where it stands now: ended, waiting for its turn, or taken by somebody else. `ended`
    says that this very claim ended it: expired, superseded or parked. `stored`: the journal has the
    action as it was planned first, and this is how; a claim has to be made for that one.
    """

    state: State
    reason: str
    ended: bool = False
    stored: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of an action, for people to read. `outcome`: done, retry, refused, unknown, ..."""

    started_at: datetime
    took: timedelta
    outcome: str
    reason: str = ""
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What became of a claimed action. Recorded only while its `seq` still stands.

    `due_in` goes with `waiting`. `charged`: counts against the list of retries. `unknown`: the call
    may have taken effect. `renew`: the next try is a new generation (a new Request-ID). `called`: a
    request may have gone out (sets `called_at` of the generation). `hold_order`: keep other calls
    of this profile back so long. `again`: offered anew because the journal went away while it was
    being recorded; if it was recorded after all, nothing is changed. `remaining`: the parameters of
    what is left to do. `follow_in`: ask the provider for a receipt of `reference` after so long.
    """

    action_id: str
    seq: int
    state: State
    attempt: Attempt | None = None
    reason: str | None = None
    reference: str | None = None
    due_in: timedelta | None = None
    charged: bool = False
    called: bool = False
    unknown: bool = False
    renew: bool = False
    hold_order: timedelta | None = None
    again: bool = False
    remaining: JsonObject | None = None
    follow_in: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the recorder's write found. `conflicting`: refs that were told again with another
    body."""

    new_events: int
    repeated_events: int
    new_actions: int
    conflicting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An action to be published: its time has come, or its message was lost. `due_at` tells the
    wait that was looked at from any later one."""

    message: ActionMessage
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A receipt that the provider is to be asked for. `asked`: how often it was."""

    reference: str
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question for a receipt was put. `again_in` None: it is not asked any more. `counts`: it was
    answered, so that the next pause is longer."""

    reference: str
    again_in: timedelta | None
    counts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """How one stored action is shown. `attempts` is empty in lists. `receipt`: what was reported of
    a text after the provider took it."""

    id: str
    ref: str
    source: str
    rule: str
    step: str
    provider: str
    operation: str
    lane: str
    state: State
    reason: str | None
    reference: str | None
    recipient: str | None
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    attempts: tuple[Attempt, ...] = ()
    params: JsonObject = field(default_factory=dict)
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An action that is known to have taken effect, as far as it takes to ask the provider for
    it."""

    action_id: str
    generation: int
    called_at: datetime
    reference: str
    params: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReport:
    """One stored event with everything that is known of it."""

    record: EventRecord
    recorded_at: datetime
    repeats: int
    conflicts: int
    actions: tuple[Reported, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFilter:
    """Which actions to list; None means any. `to` matches the recipient exactly (E.164 or
    address)."""

    source: str | None = None
    to: str | None = None
    state: State | None = None
    provider: str | None = None
    rule: str | None = None
    ref: str | None = None
    limit: int = 100
    before: str | None = None
    """Cursor: the `next` of the page before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPage:
    actions: tuple[Reported, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The proof that nothing is missing, from one consistent reading.

    `planned`: actions planned in recorded events. `claimed_only`: actions that a worker claimed
    before their event was recorded. `rowless`: planned actions without a row (must be 0). `states`:
    rows by state, and `parts` by source, provider and state. `queued`: rows that are queued, by
    provider and lane.
    """

    events: int
    planned: int
    claimed_only: int
    rowless: int
    states: dict[State, int]
    queued: dict[tuple[str, str], int]
    parts: dict[tuple[str, str, State], int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return self.planned + self.claimed_only


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A wish for tokens of the bucket `name`, which fills at `rate` a second up to `burst`. Of that
    `reserve` tokens are for the urgent."""

    name: str
    wanted: int
    rate: float
    burst: int
    reserve: int = 0
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """How many were there; if none, in how long there will be one."""

    taken: int
    wait: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One slice of forgetting. `after`: where the next one begins; None: the end was reached."""

    removed: int
    after: str | None


class DeliveryJournal(Protocol):
    """The part a worker needs. Concurrent calls share transactions; keys are sorted, so they do not
    deadlock."""

    async def claim(self, claim: Claim) -> Granted | NotGranted: ...

    async def finish(self, finish: Finish) -> bool:
        """Whether the outcome was recorded; False: the action had been taken over, nothing was
        changed but the attempt is kept."""
        ...

    async def put_back(self, message: ActionMessage, *, due_in: timedelta, reason: str) -> bool:
        """Hand an action that was not called back to the scheduler, without counting anything (a
        breaker opened). Compare-and-set on `seq`; False: somebody else has it."""
        ...

    async def last_done(self, provider: str, operation: str, *, other_than: str) -> Earlier | None:
        """The newest action of this provider and operation that ended `done` with a reference: an
        earlier call to prove a form of lookup with."""
        ...

    async def references(self, provider: str, references: Sequence[str]) -> frozenset[str]:
        """Which of these provider references are already known as some action's."""
        ...


class ReadJournal(Protocol):
    """The part the read API and the command line need."""

    async def event(self, ref: str) -> EventReport | None: ...

    async def actions(self, wanted: ActionFilter) -> ActionPage: ...

    async def books(self) -> Books: ...


class Journal(DeliveryJournal, ReadJournal, Protocol):
    """All of it; the recorder and the scheduler use the rest."""

    async def record(self, records: Sequence[EventRecord]) -> Recorded:
        """Insert what is missing, in one transaction. Never changes the state of an action."""
        ...

    async def receive(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Keep what was reported of texts; of several reports of one, the highest rank. Returns
        those that told something new. The text need not be known yet."""
        ...

    async def receipts_due(self, provider: str, *, limit: int) -> list[Awaited]:
        """Receipts that this provider is to be asked for now, oldest first."""
        ...

    async def asked(self, provider: str, questions: Sequence[Asked]) -> None:
        """When to ask again. A receipt that is final is not asked for any more."""
        ...

    async def park_unreadable(self, body: bytes, *, queue: str, reason: str) -> str:
        """Journal a message that cannot be read as a parked action; the same body gives the same
        id."""
        ...

    async def bury(self, message: ActionMessage, *, reason: str) -> bool:
        """For a message from `postern.dead`: True if it should be published again (it had no two
        claims without an outcome); otherwise the action is parked, or had ended, and False comes
        back."""
        ...

    async def take_over(self, lags: dict[str, timedelta], *, limit: int) -> int:
        """Running actions whose lease ran out become waiting, outcome unknown, due after their
        provider's lag. Returns how many."""
        ...

    async def release_incarnations(self, owner: str, lags: dict[str, timedelta]) -> int:
        """Embedded: at the start of a process, what any other incarnation holds is taken over at
        once."""
        ...

    async def due(self, *, limit: int, but: Sequence[tuple[str, str]] = ()) -> list[Due]:
        """Waiting actions whose time has come, oldest first; none of these providers' lanes."""
        ...

    async def mark_queued(self, published: Sequence[Due]) -> int:
        """After the confirm: waiting becomes queued where `seq` and the same wait still stand. A
        worker may have had the message in the meantime, and given the action a new wait: its
        message is gone then, so it must not become queued. Returns how many."""
        ...

    async def lost(
        self, *, provider: str, lane: str, older_than: timedelta, limit: int
    ) -> list[Due]:
        """Actions that have been queued for long without being claimed."""
        ...

    async def touch_queued(self, messages: Sequence[ActionMessage]) -> int:
        """After publishing lost ones again: their time in `queued` starts anew."""
        ...

    async def draw(self, wish: Draw) -> Drawn:
        """Tokens of a bucket that all consumers share."""
        ...

    async def paused(self) -> frozenset[tuple[str, str]]:
        """What a person has paused: (`provider` or `rule`, name)."""
        ...

    async def tell_breaker(
        self, *, provider: str, owner: str, state: str, cause: str, since: datetime
    ) -> None:
        """What a breaker says of itself, for people to read."""
        ...

    async def forget(
        self, what: str, *, older_than: timedelta, after: str | None, limit: int
    ) -> Swept:
        """Remove a slice of what is old: `events` (with their actions), `marks`, `leases`, or whom
        an erasure was about (`erased`). Never what is open or waits for a person."""
        ...

    async def lead(self, name: str, owner: str, lease: timedelta) -> bool:
        """Take or renew the leadership `name`; False: another owner has it."""
        ...

    async def ping(self) -> None:
        """Raises JournalUnavailable unless the journal answers and can be written: a standby, or
        one that is read-only for another reason, is of no use to a worker."""
        ...
