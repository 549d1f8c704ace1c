"""What the status of a text means, by its code and by the words that callbacks use for it.

What must not go in: where a status was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vendors.answers import code
from vendors.report import Receipt, Stage

INCOMING = 5
"""The status of a text that somebody sent to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`rank`: a text that was reported as failed and as delivered was delivered, in either
    order."""

    stage: Stage
    rank: int
    meaning: str

    @property
    def final(self) -> bool:
        return self.stage in {Stage.DELIVERED, Stage.FAILED}


def _pending(rank: int, meaning: str) -> Status:
    return Status(stage=Stage.PENDING, rank=rank, meaning=meaning)


def _failed(rank: int, meaning: str) -> Status:
    return Status(stage=Stage.FAILED, rank=rank, meaning=meaning)


_SENT = Status(stage=Stage.SENT, rank=4, meaning="sent by the phone, delivery not known")
_DELIVERED = Status(stage=Stage.DELIVERED, rank=20, meaning="delivered")

BY_CODE = {
    1: _pending(1, "pending"),
    3: _pending(2, "queued for sending"),
    2: _pending(3, "taken by the phone"),
    6: _SENT,
    8: _failed(11, "not delivered"),
    9: _failed(12, "not sent: SIM blocked or no balance"),
    10: _failed(13, "not sent: no service"),
    11: _failed(14, "not sent: null PDU"),
    12: _failed(15, "not sent: radio off"),
    100: _failed(16, "not sent: the app is not allowed to"),
    101: _failed(17, "not sent: the app is not allowed to at all"),
    7: _DELIVERED,
}

_BY_WORD = {
    "new": 1,
    "pending": 1,
    "queued": 3,
    "sending": 2,
    "taken from server": 2,
    "sent": 6,
    "sent by phone": 6,
    "delivered": 7,
    "not delivered": 8,
    "undelivered": 8,
    "sms not delivered": 8,
}
_FAILED_WORDS = {"failed", "failure", "error", "not sent"}
_FAILED = _failed(10, "failed")
"""Below those that say why."""


def receipt(reference: str, status: Any) -> Receipt | None:
    """What a status says of a text; None for one that is unknown, and for an incoming text."""
    number = code(status) if not isinstance(status, bool) else None
    word = ""
    if number is None and isinstance(status, str):
        word = " ".join(status[:100].casefold().replace("_", " ").split())
        number = _BY_WORD.get(word)
    known = BY_CODE.get(number) if number is not None else None
    if known is None:
        if word not in _FAILED_WORDS:
            return None
        return _receipt(reference, _FAILED, _FAILED.meaning)
    return _receipt(reference, known, f"{known.meaning} ({number})")


def _receipt(reference: str, status: Status, meaning: str) -> Receipt:
    return Receipt(
        reference=reference,
        stage=status.stage,
        rank=status.rank,
        meaning=meaning,
        final=status.final,
    )
