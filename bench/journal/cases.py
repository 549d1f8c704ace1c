"""What is asked of a journal: by workers for a batch of new orders, by people, by the scheduler and
by retention. Each takes the way that the program takes.

What must not go in: how a journal was filled.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.journal.filling import KEPT, RULE, SOURCE, an_order, profile_of
from consumers.retention import SLICE
from core.errors import JournalUnavailable
from core.identity import event_ref
from core.journal.operator import Selection
from core.journal.port import ActionFilter, Attempt, Claim, Finish, Granted, Target
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, ActionMessage

ORDERS = 50
"""In one batch: a hundred actions."""

_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One journal to be measured. `orders` are in it, and new ones are numbered from there on."""

    journal: SqlJournal
    orders: int
    now: datetime
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def some_order(self) -> int:
        """Of the newer half, which retention does not come to; each time another one."""
        half = self.orders // 2
        return half + next(self.numbers) * 7_919 % half


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`took`: seconds of one turn; None: the journal gave up, as it does after ten seconds."""

    name: str
    took: Callable[[Subject], Awaitable[float | None]]


def cases() -> list[Case]:
    """In the order in which they take turns: a claim is of what was recorded before it."""
    batch = _Batch()
    return [
        Case(name=f"record {ORDERS} orders, {2 * ORDERS} actions", took=batch.record),
        Case(name=f"claim {2 * ORDERS}", took=batch.claim),
        Case(name=f"finish {2 * ORDERS}", took=batch.finish),
        *(Case(name=name, took=_timed(ask)) for name, ask in _QUESTIONS.items()),
    ]


class _Batch:
    """The orders of one turn, from their record to their end."""

    def __init__(self) -> None:
        self._orders: list[tuple[int, tuple[Action, ...]]] = []
        self._granted: list[tuple[Action, Granted]] = []

    async def record(self, subject: Subject) -> float | None:
        new = [subject.orders + next(subject.numbers) for _ in range(ORDERS)]
        records = [an_order(number, subject.now) for number in new]
        self._orders = [(number, it.actions) for number, it in zip(new, records, strict=True)]
        return await _seconds(subject.journal.record(records))

    async def claim(self, subject: Subject) -> float | None:
        claims = [
            self._wish(subject, number, action)
            for number, actions in self._orders
            for action in actions
        ]
        began = time.perf_counter()
        answers = await asyncio.gather(*(subject.journal.claim(claim) for claim in claims))
        took = time.perf_counter() - began
        granted = [answer for answer in answers if isinstance(answer, Granted)]
        if len(granted) != len(claims):
            raise RuntimeError(f"only {len(granted)} of {len(claims)} claims were granted")
        actions = [claim.message.action for claim in claims]
        self._granted = list(zip(actions, granted, strict=True))
        return took

    def _wish(self, subject: Subject, number: int, action: Action) -> Claim:
        if action.provider == "sms":
            return Claim(message=ActionMessage(action=action), owner="bench", lease=_LEASE)
        # Each by a customer who has ordered before, and no two by the same one.
        profile = profile_of(number * 7_919 % subject.orders)
        return Claim(
            message=ActionMessage(action=action),
            owner="bench",
            lease=_LEASE,
            order_keys=(profile,),
            targets=(Target(entity=profile, fields=frozenset({"status"})),),
        )

    async def finish(self, subject: Subject) -> float | None:
        began = time.perf_counter()
        recorded = await asyncio.gather(
            *(
                subject.journal.finish(_done(action, granted, subject.now))
                for action, granted in self._granted
            )
        )
        took = time.perf_counter() - began
        if not all(recorded):
            raise RuntimeError("an outcome was not recorded")
        return took


def _done(action: Action, granted: Granted, at: datetime) -> Finish:
    attempt = Attempt(started_at=at, took=timedelta(milliseconds=40), outcome="done")
    return Finish(
        action_id=action.id,
        seq=granted.seq,
        state=State.DONE,
        reference=action.id,
        called=True,
        attempt=attempt,
    )


Ask = Callable[[Subject], Awaitable[object]]


def _listed(**wanted: object) -> Ask:
    async def ask(subject: Subject) -> object:
        return await subject.journal.actions(ActionFilter(**wanted))  # type: ignore[arg-type]

    return ask


async def _by_phone(subject: Subject) -> object:
    phone = f"+49151{10_000_000 + subject.some_order()}"
    page = await subject.journal.actions(ActionFilter(to=phone))
    assert page.actions, phone
    return page


async def _by_event(subject: Subject) -> object:
    report = await subject.journal.event(event_ref(SOURCE, f"load-{subject.some_order()}"))
    assert report is not None
    assert len(report.actions) == 2
    return report


async def _old_page(subject: Subject) -> object:
    """As far back as a person may turn the pages: half of what is kept."""
    moment = int((subject.now - KEPT / 2).timestamp() * 1_000_000)
    wanted = ActionFilter(source=SOURCE, before=f"{moment}.ac_")
    return await subject.journal.actions(wanted)


async def _preview(subject: Subject) -> object:
    """What a replay of an hour would find."""
    selection = Selection(
        states=frozenset({State.PARKED}),
        provider="sms",
        since=subject.now - timedelta(hours=2),
        until=subject.now - timedelta(hours=1),
    )
    return await subject.journal.preview(selection)


async def _last_done(subject: Subject) -> object:
    return await subject.journal.last_done("sms", "send", other_than="")


async def _lost(subject: Subject) -> object:
    return await subject.journal.lost(
        provider="sms", lane="normal", older_than=timedelta(minutes=5), limit=100
    )


async def _due(subject: Subject) -> object:
    return await subject.journal.due(limit=100)


async def _forget(subject: Subject) -> object:
    swept = await subject.journal.forget("events", older_than=KEPT * 2 / 3, after=None, limit=SLICE)
    assert swept.removed, "nothing was old enough"
    return swept


async def _oldest(subject: Subject) -> object:
    return await subject.journal.oldest()


async def _newest_rules(subject: Subject) -> object:
    return await subject.journal.newest_rules()


async def _books(subject: Subject) -> object:
    return await subject.journal.books()


_QUESTIONS: dict[str, Ask] = {
    "what became of an event": _by_event,
    "actions to a number": _by_phone,
    "newest actions of a source": _listed(source=SOURCE),
    "actions of a source, half of the time ago": _old_page,
    "newest actions of all": _listed(),
    "newest of a provider": _listed(provider="sms"),
    "newest of a rule": _listed(rule=RULE),
    "newest that are parked": _listed(state=State.PARKED),
    "newest that are parked, of a source": _listed(state=State.PARKED, source=SOURCE),
    "newest running (there are none)": _listed(state=State.RUNNING),
    "newest of a rule that did nothing": _listed(rule="another"),
    "preview of a replay, one hour": _preview,
    "newest done of an operation": _last_done,
    "what is due": _due,
    "what was lost": _lost,
    "open actions, counted": _oldest,
    "newest version of the rules": _newest_rules,
    f"retention, a slice of {SLICE} events": _forget,
    "books, everything counted": _books,
}


def _timed(ask: Ask) -> Callable[[Subject], Awaitable[float | None]]:
    async def took(subject: Subject) -> float | None:
        return await _seconds(ask(subject))

    return took


async def _seconds(work: Awaitable[object]) -> float | None:
    began = time.perf_counter()
    try:
        await work
    except JournalUnavailable:
        return None
    return time.perf_counter() - began
