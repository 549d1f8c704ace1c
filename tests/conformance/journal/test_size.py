"""What is asked all the time reads no more of a large journal than of a small one.

Held to what the database says it would do (EXPLAIN), with the statistics that it really has: on
PostgreSQL autovacuum's, on SQLite none.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.journal.filling import KEPT, RULE, SOURCE, fill
from core.clock import SystemClock, to_micros
from core.journal.engine import Engines, open_engines
from core.journal.operator import Selection
from core.journal.port import ActionFilter
from core.journal.sql import SqlJournal
from core.journal.states import State

_ACTIONS = 20_000
_NOW = datetime.now(UTC)
_LONG_AGO = _NOW - KEPT / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`by`: the column by which an index leads to the rows; None: they come in the index's order,
    so the first of them are enough."""

    ask: Callable[[SqlJournal], Awaitable[object]]
    by: str | None
    table: str = "actions"


def _list(by: str | None, **wanted: object) -> Question:
    filtered = ActionFilter(**wanted)  # type: ignore[arg-type]
    return Question(ask=lambda journal: journal.actions(filtered), by=by)


_OLD = f"{to_micros(_LONG_AGO)}.ac_"
_QUESTIONS = {
    "newest of all": _list(None),
    "newest of a provider": _list(None, provider="sms"),
    "newest of a provider that did nothing": _list("provider", provider="another"),
    "newest that are done": _list(None, state=State.DONE),
    "newest of a rule that did nothing": _list("rule", rule="another"),
    "newest of a source that sent nothing": _list("source", source="another"),
    "an old page of all": _list("created_at", before=_OLD),
    "an old page of a source": _list("created_at", source=SOURCE, before=_OLD),
    "an old page of a provider": _list("created_at", provider="sms", before=_OLD),
    "an old page of a rule": _list("created_at", rule=RULE, before=_OLD),
    "what a replay of an hour would find": Question(
        ask=lambda journal: journal.preview(
            Selection(
                states=frozenset({State.PARKED}),
                provider="sms",
                since=_LONG_AGO,
                until=_LONG_AGO + timedelta(hours=1),
            )
        ),
        by="created_at",
    ),
    "leases that ran out": Question(
        ask=lambda journal: journal.take_over({}, limit=100), by="state"
    ),
    "what others had in hand": Question(
        ask=lambda journal: journal.release_incarnations("another", {}), by="state"
    ),
    "what is due": Question(ask=lambda journal: journal.due(limit=100), by="due_at"),
    "what was lost": Question(
        ask=lambda journal: journal.lost(
            provider="sms", lane="normal", older_than=timedelta(minutes=5), limit=100
        ),
        by="state",
    ),
    "a later slice of what is to be forgotten": Question(
        ask=lambda journal: journal.forget(
            "events", older_than=KEPT / 4, after=f'[{to_micros(_LONG_AGO)}, ""]', limit=100
        ),
        by="recorded_at",
        table="events",
    ),
}


def _goes_straight(plan: str, question: Question) -> bool:
    table, by = question.table, question.by
    if re.search(rf"Seq Scan on {table}|SCAN {table}(?! USING INDEX)|MULTI-INDEX OR", plan):
        return False
    if by is None:
        # To sort those of one moment only is no matter.
        return not re.search(r"(?:^|-> +)Sort\b|TEMP B-TREE FOR ORDER BY", plan, re.MULTILINE)
    # Where the walk goes upwards, the upper bound alone would begin at the oldest each time.
    upwards = table == "events"
    if "SEARCH" in plan or "SCAN" in plan:
        sign = ">" if upwards else "[=<>]"
        return bool(re.search(rf"SEARCH {table} USING INDEX \w+ \(.*\b{by}{sign}", plan))
    return bool(re.search(rf"Index Cond: .*\b{by}\b{' >=' if upwards else ''}", plan))


class _Asked:
    """The statements that are sent to either engine, as they are sent."""

    def __init__(self, engines: Engines) -> None:
        self.statements: list[tuple[str, Any]] = []
        for engine in {engines.reading.sync_engine, engines.writing.sync_engine}:
            event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, *sent: Any) -> None:
        _, _, statement, parameters, _, _ = sent
        self.statements.append((statement, parameters))

    def of(self, table: str) -> tuple[str, Any]:
        """The first one that reads the table."""
        return next(it for it in self.statements if re.search(rf"\bFROM {table}\b", it[0]))


async def _plan(connection: AsyncConnection, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = (await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all()
    return "\n".join(row[-1] for row in rows)


async def test_what_is_asked_all_the_time_is_led_to_by_an_index(journal_url: str) -> None:
    await fill(journal_url, _ACTIONS, _NOW)
    engines = open_engines(journal_url)
    asked = _Asked(engines)
    embedded = engines.embedded
    journal = SqlJournal(engines, clock=SystemClock() if embedded else None)
    wrong = {}
    for name, question in _QUESTIONS.items():
        asked.statements.clear()
        await question.ask(journal)
        statement, parameters = asked.of(question.table)
        async with engines.reading.connect() as connection:
            plan = await _plan(connection, statement, parameters)
        if not _goes_straight(plan, question):
            wrong[name] = plan
    await engines.dispose()
    assert not wrong, "\n\n".join(f"{name}:\n{plan}" for name, plan in wrong.items())
