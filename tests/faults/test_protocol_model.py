"""Any interleaving of the delivery protocol's steps ends well; and each of its rules, broken on
purpose, is found to be missing by the same exploration.

The real gateway, workers, recorder, schedulers and journal, taken step by step with crashes, lost
answers, redeliveries and time between any two (see `protocol`). `POSTERN_TEST_EXAMPLES` sets how
many schedules are played.

Left out: the order of calls for one profile (see `test_order_property`), operators, retention, and
a process that is stopped between the look at its lease and the writing of its request, which the
protocol does not exclude. What must not go in: schedules played by hand.
"""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from consumers import delivery
from consumers.http import Lease
from consumers.recorder import Recorder
from consumers.scheduler import Scheduler
from consumers.worker import Worker
from core.journal import claims, machine, outcomes, recording, scheduling
from gateway.intake import Intake
from tests.faults.protocol.desk import Desk
from tests.faults.protocol.world import Violation

SCHEDULES = int(os.environ.get("POSTERN_TEST_EXAMPLES", "120"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk().open(tmp_path) as opened:
        yield opened


@pytest.mark.timeout(120 + SCHEDULES)
def test_any_schedule_ends_with_nothing_lost_doubled_or_left_over(desk: Desk) -> None:
    try:
        desk.explore_all(range(SCHEDULES))
    except Violation as violation:
        raise desk.reduce(violation) from None
    # What is never met is not explored.
    met = ("put_back", "mark_queued", "lost", "touch_queued", "bury", "find", "trigger")
    assert not [step for step in met if not desk.steps[step]]


def test_a_schedule_that_was_drawn_is_played_again_step_by_step(desk: Desk) -> None:
    """Otherwise what is found could not be shown."""
    drawn = desk.explore(1)
    first, desk.steps = desk.steps.copy(), type(desk.steps)()
    desk.play(drawn)
    assert desk.steps == first


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """A rule of the protocol, broken in the code itself: `old` becomes `new` in `owner.name`.
    `finds`: the violations that it may lead to first."""

    owner: Any
    name: str
    old: str
    new: str
    finds: frozenset[str]


def broken(owner: Any, name: str, old: str, new: str, *finds: str) -> Breakage:
    return Breakage(owner=owner, name=name, old=old, new=new, finds=frozenset(finds))


BREAKAGES = {
    "a claim looks at no state and no seq": broken(
        machine,
        "is_claimable",
        "if row.seq != seq:",
        "return True\n    if False:",
        "double",
        "wrong",
    ),
    "a claim looks at no state": broken(
        machine,
        "is_claimable",
        "return row.state is State.QUEUED",
        "return True",
        "double",
        "wrong",
    ),
    "two claims in one transaction both win": broken(
        claims, "claim_all", "or action.id in decided", "", "double", "stuck"
    ),
    "a claim does not raise the seq": broken(
        claims, "_note", "row.seq + 1", "row.seq", "double", "stuck", "parked", "wrong", "stranded"
    ),
    "a claim does not tell that the outcome is unknown": broken(
        claims, "_note", "unknown=bool(row.unknown)", "unknown=False", "double", "wrong"
    ),
    "an outcome is recorded whatever the seq": broken(
        machine,
        "accepts_finish",
        "row.seq == finish.seq and ",
        "",
        "double",
        "stranded",
        "wrong",
    ),
    "what was published is marked whatever became of it": broken(
        scheduling,
        "mark_queued",
        """table.c.seq == due.message.seq,
                table.c.state == State.WAITING.value,
                table.c.due_at == (to_micros(due.due_at) if due.due_at is not None else None),""",
        "",
        "double",
        "stranded",
        "wrong",
    ),
    "what was published is marked by its seq alone": broken(
        scheduling,
        "mark_queued",
        """table.c.state == State.WAITING.value,
                table.c.due_at == (to_micros(due.due_at) if due.due_at is not None else None),""",
        "",
        "double",
        "stranded",
        "wrong",
    ),
    "marking raises the seq": broken(
        scheduling,
        "mark_queued",
        ".values(state",
        ".values(seq=table.c.seq + 1, state",
        "stranded",
        "stuck",
        "double",
    ),
    "a takeover leaves the outcome known": broken(
        scheduling, "_taken", '"unknown": True', '"unknown": False', "double", "wrong"
    ),
    "a takeover does not wait for the lag": broken(
        scheduling,
        "take_over",
        "due_at = now + micros(lags.get(row.provider, DEFAULT_LAG))",
        "due_at = now",
        "double",
        "stranded",
        "wrong",
    ),
    "a takeover takes what is not running": broken(
        scheduling,
        "take_over",
        "and_(table.c.state == State.RUNNING.value, lost)",
        "table.c.claimed_at.is_not(None)",
        "stuck",
        "double",
        "parked",
    ),
    "nothing is taken over": broken(scheduling, "take_over", "if not rows:", "if True:", "stuck"),
    "what is taken over counts as queued": broken(
        scheduling, "_taken", '"state": state.value', '"state": "queued"', "stranded"
    ),
    "put back whatever became of it": broken(
        outcomes,
        "put_back",
        """tables.actions.c.seq == message.seq,
            tables.actions.c.state.in_([State.QUEUED.value, State.WAITING.value]),""",
        "",
        "double",
        "wrong",
        "stuck",
    ),
    "a dead letter revives whatever became of it": broken(
        machine,
        "decide_burial",
        "if row.state is not State.QUEUED or row.seq != seq:",
        "if False:",
        "double",
        "stranded",
        "parked",
        "wrong",
    ),
    "the recorder overwrites actions": broken(
        recording,
        "record_all",
        "await insert_missing(\n        connection, tables.actions,",
        "from core.journal.dialect import upsert\n    await upsert(connection, tables.actions,",
        "double",
        "stranded",
        "wrong",
    ),
    "the recorder acknowledges before it has recorded": broken(
        Recorder,
        "_write",
        "    try:\n        with self._metrics",
        "    for delivery, _ in pairs:\n        await delivery.ack()\n"
        "    try:\n        with self._metrics",
        "lost",
        "stranded",
    ),
    "a worker acknowledges before it has carried out": broken(
        Worker,
        "_carry",
        "await self._carrier",
        "await delivery.ack(); await self._carrier",
        "stranded",
        "lost",
    ),
    "a worker acknowledges although the journal is away": broken(
        Worker,
        "_carry",
        "self._presence.lost(error)",
        "await delivery.ack()",
        "stranded",
        "lost",
    ),
    "the scheduler marks before the confirm": broken(
        Scheduler,
        "turn",
        "published = await self._publish(due)",
        "await self._journal.mark_queued(due); published = await self._publish(due)",
        "stranded",
    ),
    "a call is made although the lease is over": broken(
        Lease, "covers", "return now", "return True or now", "double", "wrong"
    ),
    "an unknown outcome is not looked up": broken(
        delivery, "course", "return FindOut()", "return Call()", "double", "wrong"
    ),
    "an unknown outcome counts as a failure": broken(
        delivery, "_unknown", "unknown=True,\n        hold_order", "hold_order", "double", "wrong"
    ),
    "the gateway answers without confirms": broken(
        Intake,
        "accept",
        "spooled = await self._publish(messages, may_spool=may_spool)",
        "spooled = False; await asyncio.gather("
        "self._publish(messages, may_spool=may_spool), return_exceptions=True)",
        "lost",
        "stranded",
    ),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_rule_is_found(name: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    breakage = BREAKAGES[name]
    break_code(breakage, monkeypatch)
    with pytest.raises(Violation) as caught:
        desk.explore_all(range(SCHEDULES))
    assert caught.value.kind in breakage.finds, caught.value


def break_code(breakage: Breakage, patch: pytest.MonkeyPatch) -> None:
    """Fails where the code does not say `old` any more: the table has to follow it."""
    function = getattr(breakage.owner, breakage.name)
    source = textwrap.dedent(inspect.getsource(function))
    assert breakage.old in source, f"{breakage.name} does not say {breakage.old!r} any more"
    made: dict[str, Any] = {}
    lines = "from __future__ import annotations\n" + source.replace(breakage.old, breakage.new)
    exec(compile(lines, "<broken>", "exec"), vars(sys.modules[function.__module__]), made)
    patch.setattr(breakage.owner, breakage.name, made[breakage.name])
