"""When the books balance."""

from __future__ import annotations

import pytest

from cli.books import Ledger, problems
from core.journal.port import Books
from core.journal.states import State


def ledger(*, rowless: int = 0, work: int = 0, claimed_only: int = 0, **states: int) -> Ledger:
    rows = {State(name): count for name, count in states.items()}
    planned = sum(rows.values()) + rowless - claimed_only
    books = Books(
        events=1, planned=planned, claimed_only=claimed_only, rowless=rowless, states=rows
    )
    return Ledger(books=books, recorder=0, dead=0, work=work)


@pytest.mark.parametrize(
    "balanced",
    [
        ledger(),
        ledger(done=5, parked=1),
        ledger(done=5, claimed_only=2, running=1),
        ledger(queued=3, work=3),
        ledger(queued=3, work=1),
        ledger(waiting=4),
    ],
)
def test_every_action_accounted_for_balances(balanced: Ledger) -> None:
    """Open states are no problem as long as something holds the action."""
    assert problems(balanced) == []


def test_a_planned_action_without_a_row_does_not_balance() -> None:
    assert "no row" in problems(ledger(done=2, rowless=1))[0]


def test_queued_actions_without_any_message_do_not_balance() -> None:
    """Nobody would ever carry them out but for the scheduler's own healing."""
    assert "the work queues are empty" in problems(ledger(queued=1, work=0))[0]


def test_rows_that_nobody_accepted_do_not_balance() -> None:
    books = Books(events=1, planned=1, claimed_only=0, rowless=0, states={State.DONE: 2})
    assert problems(Ledger(books=books, recorder=0, dead=0, work=0)) == [
        "1 actions were accepted, 2 have a row and a state"
    ]
