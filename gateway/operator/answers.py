"""How what operators ask for is answered, to programs: the same JSON from the command line and over
HTTP.

What must not go in: fetching anything, and whom an action reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.clock import to_text
from core.journal.operator import Audited, Preview
from core.journal.states import State
from core.messages import JsonObject
from gateway.operator.planning import MEANING, Left
from gateway.operator.status import JournalSide, Status
from gateway.operator.work import Tally


def show_preview(preview: Preview) -> JsonObject:
    """`expired`, `unknown`: of those that are wanted."""
    return {
        "states": {state.value: count for state, count in sorted(preview.states.items())},
        "wanted": preview.wanted,
        "expired": preview.expired,
        "unknown": preview.unknown,
        "already_done": preview.states.get(State.DONE, 0),
    }


def show_tally(tally: Tally) -> JsonObject:
    return {
        "changed": tally.changed,
        "not_changed": {
            left.value: {"actions": tally.left[left], "why": MEANING[left]}
            for left in Left
            if tally.left[left]
        },
        "details": tally.details,
        "seconds": round(tally.lasts.total_seconds(), 3),
        "complete": tally.complete,
    }


def show_audit(entries: Sequence[Audited]) -> JsonObject:
    """`ended_at` is missing where it was interrupted, or goes on."""
    return {
        "audit": [
            {
                "id": each.id,
                "at": to_text(each.at),
                "who": each.who,
                "what": each.what,
                "wanted": each.wanted,
                "actions": each.done,
                "ended_at": to_text(each.ended_at) if each.ended_at else None,
            }
            for each in entries
        ]
    }


def show_status(status: Status, now: datetime) -> JsonObject:
    side = status.journal
    return {
        "broker": {
            "answers": status.broker.problem is None,
            "problem": status.broker.problem,
            "messages": status.broker.depths,
        },
        "journal": {"answers": side is not None, "problem": status.journal_problem},
        "rules": {
            "configuration": status.rules,
            "newest_event": side.newest_rules if side is not None else None,
            **({"problem": status.rules_problem} if status.rules_problem else {}),
        },
        "spooled": status.spooled,
        **(_show_journal(side, now) if side is not None else {}),
    }


def _show_journal(side: JournalSide, now: datetime) -> JsonObject:
    return {
        "parked": side.parked,
        "pauses": [
            {
                "kind": each.kind.value,
                "name": each.name,
                "since": to_text(each.paused_at),
                "by": each.paused_by,
            }
            for each in side.pauses
        ],
        "breakers": [
            {
                "provider": each.provider,
                "consumer": each.owner,
                "state": each.state,
                "cause": each.cause,
                "since": to_text(each.since),
            }
            for each in side.breakers
        ],
        "oldest": [
            {
                "provider": each.provider,
                "lane": each.lane,
                "state": each.state.value,
                "actions": each.count,
                "since": to_text(each.since),
                "age_seconds": max(0, round((now - each.since).total_seconds())),
            }
            for each in side.oldest
        ],
    }
