"""Turning the pages of a list: every action once, newest first, however many came at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.journal.port import ActionFilter, Reported
from core.journal.sql import SqlJournal
from core.messages import Action
from tests.samples import a_record, an_action

_MOMENTS = (1, 23, 1, 1, 40, 2, 1, 23, 1)
"""How many orders came at each of them; pages end before, within and after the large ones."""

_FILTERS = {
    "all": ActionFilter(),
    "a source": ActionFilter(source="shop"),
    "a rule": ActionFilter(rule="thanks"),
    "a provider": ActionFilter(provider="sms"),
    "a recipient": ActionFilter(to="+49151"),
    "a source's rule": ActionFilter(source="till", rule="thanks"),
}


def _an_order(number: int) -> Action:
    """Every third from the till, every second by another rule, every fifth to one number."""
    return replace(
        an_action(f"o-{number}", provider="altcraft" if number % 4 == 0 else "sms"),
        source="till" if number % 3 == 0 else "shop",
        rule="thanks" if number % 2 == 0 else "welcome",
        recipient="+49151" if number % 5 == 0 else "+49160",
    )


def _listed(actions: Iterable[Action], wanted: ActionFilter) -> list[str]:
    """Ids of those that the filter names, in the order given."""
    named = (
        (wanted.source, "source"),
        (wanted.rule, "rule"),
        (wanted.provider, "provider"),
        (wanted.to, "recipient"),
    )
    return [
        action.id
        for action in actions
        if all(value in {None, getattr(action, name)} for value, name in named)
    ]


async def _paged(journal: SqlJournal, wanted: ActionFilter, limit: int) -> list[Reported]:
    found: list[Reported] = []
    before = None
    while True:
        page = await journal.actions(replace(wanted, limit=limit, before=before))
        assert len(page.actions) == limit or page.next is None
        found += page.actions
        before = page.next
        if before is None:
            return found


@pytest.mark.parametrize("limit", [1, 7, 20])
async def test_pages_show_each_action_once_newest_first(
    journal: SqlJournal, clock: ManualClock, limit: int
) -> None:
    newest_first: list[Action] = []
    moments: dict[str, int] = {}
    number = 0
    for moment, count in enumerate(_MOMENTS):
        orders = [_an_order(number + n) for n in range(count)]
        await journal.record([a_record(order.event_id, order) for order in orders])
        newest_first = [*orders, *newest_first]
        moments |= {order.id: moment for order in orders}
        number += count
        clock.advance(timedelta(microseconds=1))
    for name, wanted in _FILTERS.items():
        expected = _listed(newest_first, wanted)
        assert expected, name
        found = [it.id for it in await _paged(journal, wanted, limit)]
        # Those of one moment stand as the database sorts them.
        assert sorted(found) == sorted(expected), name
        assert [moments[it] for it in found] == [moments[it] for it in expected], name
