"""What was acknowledged beside what became of it: in the journal, at the simulators, in the books.

Lost is an acknowledged action without a row in the journal, one that is done and had no effect, and
one that ended in any other way than it may: a subscription of a customer with several events may
have been superseded, anything may wait for a person (few may), nothing else. What must not go in:
waiting for anything to end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from core.journal.port import ActionFilter, ReadJournal, Reported
from core.journal.states import OPEN, State
from tests.load import effects, order_in
from tests.servers.usage import megabytes, open_files
from tests.torture.rig import Rig
from tests.torture.traffic import REGULARS, Sent, Told

SET, SEND = "altcraft.subscriptions/set", "sms.send"
_MOST_PARKED = 0.01
"""Share of the actions that may wait for a person: unknown outcomes that nobody can clear up."""
_MOST_FILES = 100
"""File descriptors of one process: a few dozen connections and files, however long it was
tortured."""

Actions = Mapping[str, Reported]
Fields = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    events: int
    planned: int
    retries: Mapping[str, int]
    states: Mapping[str, int]
    parked: Mapping[str, int]
    lost: tuple[str, ...]
    twice: tuple[str, ...]
    stuck: tuple[str, ...]
    repeated: Mapping[str, int]
    compared: int
    wrong: tuple[str, ...]
    dead: tuple[str, ...]
    files: Mapping[str, int]
    megabytes: Mapping[str, int]
    books_exit: int
    books: Mapping[str, Any] = field(repr=False)
    evidence: tuple[str, ...] = ()
    """What the journal keeps of each text that was sent twice."""

    @property
    def holds(self) -> bool:
        failures = self.lost, self.twice, self.stuck, self.wrong, self.dead
        return (
            not any(failures)
            and max(self.files.values(), default=0) <= _MOST_FILES
            and sum(self.parked.values()) <= self.planned * _MOST_PARKED
            and self.compared >= len(REGULARS) / 2
            and self.books_exit == 0
        )

    def summary(self) -> str:
        lines = {
            "events acknowledged": self.events,
            "actions planned": self.planned,
            "senders' retries": dict(self.retries),
            "carried out, and so on": dict(self.states),
            "parked, by reason": dict(self.parked),
            "repeated (harmless)": dict(self.repeated),
            "profiles compared": f"{self.compared} of {len(REGULARS)}",
            "profiles wrong": self.wrong or 0,
            "actions lost": self.lost or 0,
            "texts twice": self.twice or 0,
            "actions that never ended": self.stuck or 0,
            "processes that died": self.dead or 0,
            "open files": dict(self.files),
            "memory in MB": dict(self.megabytes),
            "books": f"exit {self.books_exit}, {json.dumps(self.books.get('states'))}",
        }
        return "\n".join(
            (*(f"{name:<26} {value}" for name, value in lines.items()), *self.evidence)
        )


async def judge(
    rig: Rig, journal: ReadJournal, told: Told, books: Mapping[str, Any], books_exit: int
) -> Verdict:
    actions = await _stored(journal)
    texts = Counter(order_in(it["params"]["body"]) for it in await effects(rig.sandbox, "addsms"))
    updates = Counter(
        it["params"]["custom_fields"]["last_order"]
        for it in await effects(rig.sandbox, "subscriptions/set")
        if "custom_fields" in it["params"]
    )
    compared, wrong = _differences(await _subscriptions(rig.sandbox), told, actions)
    twice = sorted(number for number, count in texts.items() if count > 1)
    planned = {name for sent in told.sent.values() for name in sent.actions.values()}
    stored = [actions[name] for name in planned if name in actions]
    return Verdict(
        events=len(told.sent),
        planned=len(planned),
        retries=told.retries,
        states=Counter(action.state.value for action in stored),
        parked=Counter(action.reason or "" for action in stored if action.state is State.PARKED),
        lost=tuple(_lost(told, actions, {SEND: texts, SET: updates})),
        twice=tuple(twice),
        stuck=tuple(sorted(action.id for action in stored if action.state in OPEN)),
        repeated={"subscriptions/set": sum(count - 1 for count in updates.values())},
        compared=compared,
        wrong=tuple(wrong),
        dead=(*rig.died, *(part for part in rig.parts if not rig.running(part))),
        files={part: open_files(rig.pid(part)) for part in _alive(rig)},
        megabytes={part: megabytes(rig.pid(part)) for part in _alive(rig)},
        books_exit=books_exit,
        books=books,
        evidence=tuple([await _evidence(journal, told, number) for number in twice]),
    )


async def _evidence(journal: ReadJournal, told: Told, number: str) -> str:
    sent = told.sent.get(number)
    report = await journal.event(sent.ref) if sent is not None else None
    attempts = [
        f"{attempt.started_at:%H:%M:%S.%f} {attempt.took.total_seconds():.1f} s "
        f"{attempt.outcome} {attempt.reason}"
        for action in (report.actions if report is not None else ())
        if action.step == SEND
        for attempt in action.attempts
    ]
    return f"{number}: {attempts}"


def _lost(told: Told, actions: Actions, done: Mapping[str, Mapping[str, int]]) -> list[str]:
    lost = []
    for number, sent in told.sent.items():
        expected = {SET} if _is_unsubscription(sent) else {SET, SEND}
        lost += [f"{number} {step} was not planned" for step in expected - sent.actions.keys()]
        for step, name in sent.actions.items():
            action = actions.get(name)
            state = action.state if action is not None else None
            if state is State.DONE:
                had_effect = number in done[step] or _is_unsubscription(sent)
                lost += [] if had_effect else [f"{number} {step} is done without an effect"]
            elif state not in _may_end(sent, step) | OPEN:
                lost.append(f"{number} {step} is {state}")
    return lost


def _may_end(sent: Sent, step: str) -> frozenset[State]:
    """How an action may end without having been carried out."""
    several = step == SET and _customer(sent) in REGULARS
    return frozenset({State.PARKED, State.SUPERSEDED} if several else {State.PARKED})


def _differences(
    subscriptions: Mapping[str, Fields], told: Told, actions: Actions
) -> tuple[int, list[str]]:
    """Field by field: does what the newest event said stand at the platform? A profile with an
    action that waits for a person is not compared."""
    compared, wrong = 0, []
    for customer in REGULARS:
        about = [sent for sent in told.sent.values() if _customer(sent) == customer]
        mine = [actions.get(sent.actions[SET]) for sent in about if SET in sent.actions]
        if not mine or any(it is None or it.state is State.PARKED for it in mine):
            continue
        compared += 1
        about.sort(key=lambda sent: sent.event["time"])
        newest_order = next((it for it in reversed(about) if not _is_unsubscription(it)), None)
        found = subscriptions.get(customer, {})
        expected: Fields = {
            "status": "unsubscribed" if _is_unsubscription(about[-1]) else "subscribed"
        }
        if newest_order is not None:
            expected["last_order"] = newest_order.event["id"]
        shown = {name: found.get(name) for name in expected}
        if shown != expected:
            wrong.append(f"{customer}: {shown} instead of {expected}")
    return compared, wrong


def _customer(sent: Sent) -> str:
    data = sent.event["data"]
    return str(data.get("user_id") or data["customer"]["id"])


def _is_unsubscription(sent: Sent) -> bool:
    return bool(sent.event["type"] == "user.unsubscribed")


async def _stored(journal: ReadJournal) -> Actions:
    found: dict[str, Reported] = {}
    before = None
    while True:
        page = await journal.actions(ActionFilter(limit=1000, before=before))
        found.update((action.id, action) for action in page.actions)
        before = page.next
        if before is None:
            return found


async def _subscriptions(sandbox: str) -> Mapping[str, Fields]:
    """By profile: status and last order of its e-mail subscription."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{sandbox}/_sandbox/altcraft") as answer,
    ):
        profiles = (await answer.json())["databases"]["1"]
    return {
        name: {"status": it["status"], **(it["custom_fields"] or {})}
        for name, profile in profiles.items()
        for it in profile["subscriptions"]
        if it["channel"] == "email"
    }


def _alive(rig: Rig) -> list[str]:
    return [part for part in rig.parts[1:] if rig.running(part)]
