"""What is known of a call is recorded, if need be without its words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from consumers.metrics import ConsumerMetrics
from consumers.recording import record_outcome
from consumers.settings import ConsumerSettings
from core.clock import ManualClock
from core.errors import JournalRejected, JournalUnavailable
from core.journal.port import Attempt, Finish
from core.journal.states import State
from tests.samples import NOON

OUTCOME = Finish(
    action_id="ac_1",
    seq=1,
    state=State.WAITING,
    attempt=Attempt(started_at=NOON, took=timedelta(seconds=1), outcome="retry", reason="odd"),
    reason="odd",
    due_in=timedelta(seconds=5),
    charged=True,
    called=True,
    renew=True,
)


@dataclass
class Rejecting:
    """A journal that stores no words, or nothing at all."""

    nothing: bool = False
    stored: list[Finish] = field(default_factory=list)

    async def finish(self, finish: Finish) -> bool:
        if self.nothing or finish.reason is not None:
            raise JournalRejected("the journal cannot store this")
        self.stored.append(finish)
        return True


def metrics() -> ConsumerMetrics:
    return ConsumerMetrics(CollectorRegistry())


async def test_words_that_cannot_be_stored_cost_only_the_words() -> None:
    """The attempt stands, so that it is known when the provider was called and under which id."""
    journal = Rejecting()
    await record_outcome(journal, OUTCOME, ConsumerSettings(), ManualClock(), metrics())
    (stored,) = journal.stored
    assert stored.attempt is not None
    assert (stored.attempt.started_at, stored.attempt.reason) == (NOON, "")
    assert (stored.called, stored.renew, stored.charged) == (True, True, True)


async def test_an_outcome_that_cannot_be_stored_at_all_is_not_offered_for_ever() -> None:
    with pytest.raises(JournalRejected):
        await record_outcome(
            Rejecting(nothing=True), OUTCOME, ConsumerSettings(), ManualClock(), metrics()
        )


async def test_what_is_offered_a_second_time_says_so() -> None:
    """The journal may have stored it and gone away before it could say so."""
    offered: list[Finish] = []

    class Leaving:
        async def finish(self, finish: Finish) -> bool:
            offered.append(finish)
            if len(offered) == 1:
                raise JournalUnavailable("away")
            return True

    settings = ConsumerSettings(journal_pause=timedelta(0))
    await record_outcome(Leaving(), OUTCOME, settings, ManualClock(), metrics())
    assert [finish.again for finish in offered] == [False, True]
