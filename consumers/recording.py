"""Recording an outcome although the journal may be away: what is known must not become unknown.

A call was made and its outcome is known here and nowhere else. While the journal is away it is
offered again until it is taken, or until so much time has passed that the action has long been
looked after otherwise.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from consumers.metrics import ConsumerMetrics
from consumers.settings import ConsumerSettings
from core.clock import Clock
from core.errors import JournalRejected, JournalUnavailable
from core.journal.port import Finish
from core.journal.states import State
from core.logs import get_logger

log = get_logger()

GIVE_UP_AFTER = timedelta(seconds=60)
"""Then the message stays unacknowledged, and the action is taken over with an unknown outcome."""


class Finishes(Protocol):
    async def finish(self, finish: Finish) -> bool: ...


async def record_outcome(
    journal: Finishes,
    finish: Finish,
    settings: ConsumerSettings,
    clock: Clock,
    metrics: ConsumerMetrics,
) -> None:
    """Raises JournalUnavailable if the journal did not come back in time, JournalRejected if it
    cannot store even the bare outcome."""
    give_up_at = clock.monotonic() + GIVE_UP_AFTER.total_seconds()
    while True:
        try:
            with metrics.journal_took("outcome"):
                stands = await journal.finish(finish)
            if not stands:
                # Somebody has claimed it since: the attempt is kept, its end does not count.
                log.warning("outcome_late", action=finish.action_id, state=finish.state.value)
        except JournalRejected:
            log.warning("outcome_unstorable", action=finish.action_id)
            bare = _bare(finish)
            if bare == finish:
                raise
            finish = bare
        except JournalUnavailable:
            if clock.monotonic() >= give_up_at:
                raise
            finish = replace(finish, again=True)
            await asyncio.sleep(settings.journal_pause.total_seconds())
        else:
            return


def _bare(finish: Finish) -> Finish:
    """The same outcome without the words that the journal could not store."""
    attempt = finish.attempt
    return replace(
        finish,
        reason="its reason could not be stored" if finish.state is State.PARKED else None,
        reference=None,
        attempt=replace(attempt, reason="") if attempt is not None else None,
    )
