"""The codes of a text's status: what they are called, and in which order a phone comes to them.

What must not go in: when a text moves on.
"""

from __future__ import annotations

PENDING = 1
INCOME = 5
SENT = 6
DELIVERED = 7

TITLES = {
    1: "pending",
    3: "queued",
    2: "sending",
    5: "income",
    6: "sent",
    7: "delivered",
    8: "not delivered",
    9: "generic failure",
    10: "no service",
    11: "null pdu",
    12: "radio off",
    100: "not allowed",
    101: "not allowed at all",
}
"""As `getallsms` writes them."""

DESCRIPTIONS = {
    1: "New",
    3: "Queued for sending",
    2: "Taken from Server",
    5: "Income",
    6: "Sent by Phone",
    7: "Delivered",
    8: "Sms Not Delivered",
    9: "Not SENT - Generic failure",
    10: "Not sent - No service",
    11: "Not Sent - Null PDU",
    12: "Not Sent - Radio off",
    100: "NOT ALLOWED",
    101: "Not Allowed At all",
}
"""As `getsmsstatus` and the webhooks write them."""

FAILURES = frozenset({8, 9, 10, 11, 12, 100, 101})
ENDINGS = frozenset({SENT, DELIVERED, *FAILURES})

_AFTER_SENT = frozenset({DELIVERED, 8})


def next_status(status: int, ending: int) -> int | None:
    """What comes after `status` on the way to `ending`; None when it is reached."""
    if status == ending:
        return None
    match status:
        case 1:
            return 3
        case 3:
            return 2
        case 2:
            return SENT if ending == SENT or ending in _AFTER_SENT else ending
        case 6:
            return ending
        case _:
            return None


def word(status: int) -> str:
    """As the vendor's article about webhooks writes it."""
    return "failed" if status in FAILURES else TITLES[status]
